import Volumes

/// Whole volumes by sliding window, with the network as it stands.
struct Validation {
  let dataset: Dataset
  let recipe: Recipe
  let session: TrainingSession
  /// Steps that the network has done.
  let step: Int
  /// Where predicted labels go; nil keeps none.
  let outputFolder: String?
  /// So many cases, the first ones by name, are drawn.
  static let pictureCount = 3

  struct Result {
    var cases: [CaseMetrics] = []
    var pictures: [(name: String, picture: OverlayPicture)] = []
    /// nil where the recipe wants no decision.
    var postprocessing: Postprocessing?
    var summary: MetricsSummary { MetricsSummary(cases) }
  }

  /// Dice per label: mean over the cases in which it is defined, then over the labels. Cases whose label and
  /// prediction are both empty are left out.
  /// - Throws: `VolumeError` where a case can no longer be read, and what the device throws.
  func callAsFunction(progress: (_ done: Int, _ of: Int) -> Void) throws -> Result {
    let outputs = dataset.outputs
    let network = PatchNetwork(
      patch: recipe.sampler.patch, batch: recipe.sampler.batch, channelCount: dataset.channels.count,
      classCount: outputs.count, margin: recipe.model.margin, forward: { try session.predict($0) })
    let member = PredictionMember(
      network: network, preprocessing: dataset.preprocessing, overlap: recipe.inference.overlap,
      mirror: recipe.inference.mirror, padding: recipe.sampler.pad,
      outside: recipe.augmentation.outsideCase)
    let predictor = VolumePredictor(members: [member], decision: outputs.decision)
    var trial = PostprocessingTrial(outputs, recipe)
    var result = Result()
    for (index, files) in dataset.validation.enumerated() {
      let stored = try files.readChannels(dataset.channels.count)
      let prediction = try predictor(stored.channels).labels
      let reference = try files.reference(onto: stored.channels[0].grid, classes: dataset.classMap)
      let metrics = try CaseMetrics(
        name: files.name, prediction: prediction, reference: reference, regions: outputs.measured,
        settings: EvaluationSettings(includesSurfaces: false))
      try trial?.add(metrics, prediction: prediction, reference: reference)
      result.cases.append(metrics)
      if index < Self.pictureCount {
        let picture = OverlayPicture(
          image: stored.channels[0], reference: reference, prediction: prediction,
          ids: outputs.classes.dropFirst().map(\.id))
        result.pictures.append((files.name, picture))
      }
      if let outputFolder {
        try NiftiFile.writeLabels(prediction, like: stored.header, to: "\(outputFolder)/\(files.name).nii.gz")
      }
      progress(index + 1, dataset.validation.count)
    }
    result.postprocessing = trial?.decision(step: step)
    return result
  }
}

extension CaseFiles {
  /// The label map in the ids of the classes, on the grid of the stored image; ignored voxels are negative, which
  /// counts nowhere.
  func reference(onto grid: VolumeGrid, classes map: ClassMap) throws(VolumeError) -> LabelVolume {
    var reference = try readLabels(onto: grid, classes: map).labels
    reference.restoreIDs(map.classes)
    return reference
  }
}

extension LabelVolume {
  /// From indices of classes to their ids; negative ones, which are ignored, stay.
  mutating func restoreIDs(_ classes: [ClassLabel]) {
    voxels.withUnsafeMutableBufferPointer { v in
      for i in v.indices where v[i] >= 0 { v[i] = classes[Int(v[i])].id }
    }
  }
}
