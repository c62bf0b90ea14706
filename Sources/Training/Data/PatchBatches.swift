import Volumes

/// The training patches of a recipe as micro-batches: batch k holds samples k·N … k·N + N − 1, each a pure
/// function of (data, recipe, seed, its number).
public struct PatchBatches: Sendable {
  public let sources: [PatchSource]
  public let sampler: PatchSampler
  public let batch: Int
  public let outputs: NetworkOutputs
  /// Targets as independent channels and not as classes.
  public let isOneHot: Bool
  /// One patch that stands for all samples.
  public let fixedPatch: Patch?

  public init(_ dataset: Dataset, recipe: Recipe, isOneHot: Bool) throws(DatasetErrors) {
    sources = dataset.training
    batch = recipe.sampler.batch
    outputs = dataset.outputs
    self.isOneHot = isOneHot
    let index = Dictionary(
      dataset.classes.enumerated().map { ($1.id, Int32($0)) }, uniquingKeysWith: { a, _ in a })
    var augmentation = recipe.augmentation
    augmentation.labelsSwappedByLeftRightFlip = augmentation.labelsSwappedByLeftRightFlip.map {
      SIMD2(index[$0.x] ?? 0, index[$0.y] ?? 0)
    }
    var settings = recipe.sampler.settings(classes: dataset.classes)
    settings.margin = recipe.model.margin
    let problems = settings.problems(channelCount: dataset.channels.count)
    guard problems.isEmpty else { throw DatasetErrors(problems.map { "sampler.\($0)" }) }
    sampler = PatchSampler(settings: settings, augmentation: augmentation, seed: recipe.seed)
    fixedPatch = try recipe.training.overfitOnePatch.map { (choice) throws(DatasetErrors) in
      try OverfitPatchSearch(choice, dataset: dataset, settings: settings, seed: recipe.seed).find()
    }
  }

  public func patch(sample: Int) -> Patch {
    if let fixedPatch { return fixedPatch }
    let number = UInt64(sample)
    let index = sampler.caseIndex(ofSample: number, caseCount: sources.count)
    return sampler.patch(from: sources[index], sample: number)
  }

  /// Micro-batch `index` of the run.
  public func callAsFunction(_ index: Int) -> MicroBatch {
    var input: [Float] = []
    var labels: [Int32] = []
    for slot in 0..<batch {
      let patch = patch(sample: index * batch + slot)
      input += patch.voxels
      labels += patch.labels(without: sampler.settings.margin)
    }
    return MicroBatch(input: input, target: isOneHot ? .channels(independent(labels)) : .classes(labels))
  }

  /// N×C×D×H×W.
  private func independent(_ labels: [Int32]) -> [Float] {
    let voxels = labels.count / batch
    let sample = voxels * outputs.count
    var result = [Float](repeating: 0, count: batch * sample)
    for n in 0..<batch {
      outputs.channels(
        labels[n * voxels..<(n + 1) * voxels], into: &result[n * sample..<(n + 1) * sample])
    }
    return result
  }
}

extension SamplerSettings {
  /// For labels that are class indices.
  func settings(classes: [ClassLabel]) -> PatchSamplingSettings {
    var weights: [Int: Double] = [:]
    for (name, probability) in classProbabilities {
      if let index = classes.firstIndex(where: { $0.name == name }) { weights[index] = probability }
    }
    return PatchSamplingSettings(
      patchSize: patch, placement: inside ? .inside : .anywhere, classWeights: weights,
      classCentredFraction: placement == .class ? 1 : foreground, padValues: pad.map(Float.init))
  }
}

/// Finds the one patch of `training.overfitOnePatch`: the first of a fixed sequence of draws whose share of
/// the class is in the range.
struct OverfitPatchSearch {
  let choice: TrainingSettings.OverfitOnePatch
  let dataset: Dataset
  let settings: PatchSamplingSettings
  let seed: UInt64

  init(
    _ choice: TrainingSettings.OverfitOnePatch, dataset: Dataset, settings: PatchSamplingSettings,
    seed: UInt64
  ) {
    self.choice = choice
    self.dataset = dataset
    self.settings = settings
    self.seed = seed
  }

  func find() throws(DatasetErrors) -> Patch {
    guard let index = dataset.classes.firstIndex(where: { $0.name == choice.className }) else {
      throw DatasetErrors(["training.overfitOnePatch.class: \"\(choice.className)\" is no class"])
    }
    let sources = dataset.training.filter { choice.caseName == nil || $0.name == choice.caseName }
    guard !sources.isEmpty else {
      throw DatasetErrors(["training.overfitOnePatch.case: \"\(choice.caseName ?? "")\" is no training case"])
    }
    var centred = settings
    centred.classWeights = [index: 1]
    centred.classCentredFraction = 1
    centred.placement = .inside
    let sampler = PatchSampler(settings: centred, seed: seed)
    var largest = 0.0
    for source in sources {
      for sample in 0..<200 {
        let patch = sampler.patch(from: source, sample: UInt64(sample))
        let labels = patch.labels(without: settings.margin)
        let share = Double(labels.count { $0 == Int32(index) }) / Double(labels.count)
        largest = max(largest, share)
        if share >= choice.fraction.x && share <= choice.fraction.y { return patch }
      }
    }
    throw DatasetErrors([
      "training.overfitOnePatch: found no patch of \(settings.patchSize.x)×\(settings.patchSize.y)×"
        + "\(settings.patchSize.z) voxels with a share of \(choice.className) from \(choice.fraction.x) to "
        + "\(choice.fraction.y); the largest share found is \(largest)"
    ])
  }
}
