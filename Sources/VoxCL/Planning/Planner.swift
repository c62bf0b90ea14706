import ExecutionPlan
import LayerGraph
import Training
import Volumes

/// A recipe while it is planned, with the reasons of what was decided so far.
struct Planner {
  let fingerprint: DatasetFingerprint
  let options: PlanOptions
  let device: DeviceDescription
  let spacing: SpacingRule
  var recipe = Recipe()
  var decisions: [PlanDecision] = []
  var folds = 1
  /// From the patch that fits on, smaller and smaller.
  var topologies: [NetworkTopology] = []

  /// nnU-Net's own target.
  private static let usualBytes = 8 << 30
  /// A batch sees at most so much of the data.
  private static let mostOfData = 0.05
  private static let usualFolds = 5
  static let base = 32

  init(
    _ fingerprint: DatasetFingerprint, data: DataSettings, name: String, options: PlanOptions, device: DeviceDescription
  ) {
    (self.fingerprint, self.options, self.device) = (fingerprint, options, device)
    spacing = SpacingRule(fingerprint)
    recipe.name = name
    recipe.data = data
    recipe.data.classes = classes
    recipe.data.channels = fingerprint.channels.map(\.name)
    recipe.data.ignore = fingerprint.ignoredId.flatMap(Int32.init(exactly:))
    recipe.precision = options.precision ?? (device.kind == .gpu ? .mixed : .fp32)
    decide(
      "precision", recipe.precision.rawValue,
      recipe.precision == .mixed ? "half the memory and traffic on a GPU" : "no GPU: nothing is won by halves")
  }

  var classes: [ClassLabel] {
    fingerprint.classes.map { ClassLabel(name: $0.name, id: Int32(truncatingIfNeeded: $0.id)) }
  }

  var limit: Int { min(options.fitBytes ?? Self.usualBytes, device.memoryBytes) }
  var fit: StepFit { StepFit(device: device, limit: limit, channels: fingerprint.channels.count, classes: classes) }

  mutating func decide(_ key: String, _ value: String, _ why: String) {
    decisions.append(PlanDecision(key: key, value: value, why: why))
  }

  // MARK: Data

  mutating func planData(folds wanted: Int?) {
    let patients = fingerprint.patients
    folds = min(wanted ?? Self.usualFolds, max(1, patients.count))
    var why = patients.why
    if folds < (wanted ?? Self.usualFolds) { why += "; only \(patients.count) patients" }
    guard folds > 1 else {
      recipe.data.split = .none
      return decide(
        "data.split", "none",
        wanted == 1 ? "as told by --folds 1: all cases train, none validates" : "one patient alone: all cases train")
    }
    recipe.data.split = .folds(folds, seed: 0, groupBy: patients.grouping)
    let grouped = patients.grouping == nil ? "" : ", \(patients.count) patients of \(fingerprint.cases.count) cases"
    decide("data.split", "\(folds) folds\(grouped)", why)
  }

  // MARK: Preprocessing

  mutating func planPreprocessing() {
    var steps: [PreprocessingStep] = []
    var texts: [String] = []
    var reasons: [String] = []
    if fingerprint.cases.contains(where: { $0.sizeAfterCrop != $0.size }) {
      steps.append(.cropNonZero)
      texts.append("crop")
      let percent = (1000 * (1 - fingerprint.medianShareAfterCrop)).rounded() / 10
      reasons.append("borders of zeros are \(percent) % of the median case")
    }
    let choice = NormalisationChoice(fingerprint)
    steps.append(.normalise(choice.rule))
    texts.append(choice.name)
    reasons.append(choice.why)
    let target = [spacing.spacing.x, spacing.spacing.y, spacing.spacing.z].map { "\($0)" }.joined(separator: "×")
    if spacing.isNeeded {
      steps.append(.resample(spacing: spacing.spacing, image: .cubic))
      texts.append("\(target) mm")
      reasons.append(
        spacing.isAnisotropic
          ? "median spacing, along the thick axis its 10th percentile" : "median spacing of all cases")
    } else {
      reasons.append("all cases have voxels of \(target) mm: nothing is resampled")
    }
    recipe.preprocessing = steps
    decide("preprocessing", texts.joined(separator: ", "), reasons.joined(separator: "; "))
  }

  // MARK: Augmentation

  /// nnU-Net flips along all axes. Volumes are in RAS+ here, and bodies are their own mirror image from left to right
  /// alone. Hippocampus, fold 0, 16 channels, 1000 steps: Dice 0.849 so, 0.832 with bottom and top flipped too, 0.806 with
  /// all three (tools/benchmarks/RESULTS.md).
  mutating func planAugmentation() {
    var augmentation = AugmentationSettings(.nnunet)
    augmentation.anteriorPosteriorFlipProbability = 0
    augmentation.inferiorSuperiorFlipProbability = 0
    let sided = classes.map(\.name).filter(LeftRight.isNamed)
    if sided.isEmpty {
      recipe.inference.mirror = .leftRight
    } else {
      augmentation.leftRightFlipProbability = 0
    }
    let isThick = spacing.spacing.max() / spacing.spacing.min() > augmentation.inPlaneAboveAnisotropy
    recipe.augmentation = augmentation
    decide(
      "augmentation", "nnU-Net's list",
      "nnU-Net's strengths; "
        + (sided.isEmpty
          ? "left-right flips alone: along other axes no body is its own mirror image"
          : "no left-right flips: \(sided.joined(separator: ", ")) tell the sides apart")
        + (isThick ? "; thick slices: rotation in their plane alone, by 30° as elsewhere" : ""))
    recipe.inference.overlap = 0.5
    decide(
      "inference", sided.isEmpty ? "overlap 0.5, mirrored" : "overlap 0.5",
      sided.isEmpty ? "the mean of both sides, as training has seen them" : "no axis is flipped in training")
  }

  // MARK: Loss and optimizer

  mutating func planOptimization() {
    recipe.loss.name = "dice-ce"
    recipe.loss.background = false
    recipe.loss.batch = true
    decide(
      "loss", "Dice + cross-entropy",
      "nnU-Net's, Dice over the batch, as where it plans a coarse stage too; coarse heads weigh 1, ½, ¼, …")
    useSGD()
    recipe.schedule = .polynomial(power: 0.9, perEpoch: false)
    recipe.sampler.placement = .uniform
    recipe.sampler.foreground = 0.33
    decide(
      "sampler.foreground", "0.33", "a third of the patches lies on a labelled voxel, so that small classes are seen")
  }

  private mutating func useSGD() {
    recipe.optimizer = OptimizerChoice()
    recipe.optimizer.name = "sgd"
    recipe.optimizer.learningRate = 1e-2
    recipe.optimizer.beta1 = 0.99
    recipe.optimizer.weightDecay = 3e-5
    recipe.optimizer.clipNorm = 12
  }

  mutating func decideSGD() {
    useSGD()
    decide("optimizer", "SGD 0.01", "nnU-Net's: Nesterov momentum 0.99, weight decay 3e-5, gradients clipped at 12")
  }

  /// nnU-Net's 1000 epochs.
  mutating func planFullSchedule() {
    decideNetwork(topologies[0], base: Self.base, why: "")
    decideSGD()
    recipe.training.steps = TimeBudget.mostSteps
    recipe.training.stepsPerEpoch = 250
    recipe.training.validateEvery = 12_500
    recipe.training.checkpointEvery = 1250
    decide("training", "\(TimeBudget.mostSteps) steps", "nnU-Net's 1000 epochs of 250; --time 2h plans a shorter run")
  }

  // MARK: Network

  /// - Returns: Bytes of a step.
  mutating func planNetwork(_ progress: (String) -> Void) throws -> Int {
    let medianSize = spacing.medianSize(fingerprint)
    let all = PatchCandidates.all(medianSize: medianSize, spacing: spacing.spacing)
    recipe.sampler.batch = 2
    // The candidates' bytes fall: the first that fits by bisection.
    var (low, high) = (0, all.count)
    var bytes: Int?
    while low < high {
      let middle = (low + high) / 2
      take(all[middle], base: Self.base)
      progress("planning patch \(recipe.sampler.patch.text)")
      if let found = try fit(recipe) {
        bytes = found.bytes
        high = middle
      } else {
        low = middle + 1
      }
    }
    guard low < all.count, bytes != nil else {
      throw PlanningError(
        "no patch fits \(sizeText(limit)): the smallest tried is \(all[all.count - 1].patch.text) with 2 patches a batch; "
          + "--fit needs more")
    }
    topologies = Array(all[low...])
    take(topologies[0], base: Self.base)
    try planBatch(medianSize, progress)
    recipe.memoryBudget = limit
    decide(
      "memoryBudget", sizeText(limit), options.fitBytes == nil ? "nnU-Net's 8 GiB, or what the device has" : "--fit")
    let covers = (0..<3).allSatisfy { Double(recipe.sampler.patch[$0]) >= medianSize[$0] }
    decide(
      "sampler.patch", recipe.sampler.patch.text,
      covers
        ? "covers the median case, \(medianSize.sizeText) voxels"
        : "the largest of the median case's (\(medianSize.sizeText)) that fits \(sizeText(limit)) by the exact plan")
    return try fit(recipe)?.bytes ?? bytes ?? 0
  }

  /// More patches where the memory is there for them, but no more than a twentieth of the data at a time.
  private mutating func planBatch(_ medianSize: SIMD3<Double>, _ progress: (String) -> Void) throws {
    let patch = recipe.sampler.patch
    let voxels = Double(fingerprint.cases.count) * medianSize.x * medianSize.y * medianSize.z
    let most = max(2, Int((Self.mostOfData * voxels / Double(patch.x * patch.y * patch.z)).rounded()))
    var (low, high) = (2, min(most, 64))
    while low < high {
      let middle = (low + high + 1) / 2
      recipe.sampler.batch = middle
      progress("planning batch \(middle)")
      if try fit(recipe) != nil { low = middle } else { high = middle - 1 }
    }
    recipe.sampler.batch = low
    decide(
      "sampler.batch", "\(low)",
      low == most
        ? "at most a twentieth of the data's voxels a batch, at least 2" : "the most that fits \(sizeText(limit))")
  }

  /// The network and patch of a topology.
  mutating func take(_ topology: NetworkTopology, base: Int) {
    recipe.sampler.patch = topology.patch
    recipe.model = topology.model(base: base)
  }

  mutating func decideNetwork(_ topology: NetworkTopology, base: Int, why: String) {
    let widths = NetworkTopology.widths(base: base, stages: topology.stageCount)
    decide(
      "model", "\(topology.stageCount) stages, \(widths[0])…\(widths[widths.count - 1]) channels",
      "nnU-Net's plain network: axes are halved down to four voxels"
        + (recipe.model.nnunet.kernels.isEmpty ? "" : ", thick ones later and with kernel 1 until then") + why)
  }
}

extension SIMD3<Double> {
  /// A size in voxels.
  var sizeText: String { "\(Int(x.rounded()))×\(Int(y.rounded()))×\(Int(z.rounded()))" }
}
