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
    let classes = dataset.classes
    let network = PatchNetwork(
      patch: recipe.sampler.patch, batch: recipe.sampler.batch, channelCount: dataset.channels.count,
      classCount: classes.count, forward: { try session.predict($0) })
    let member = PredictionMember(
      network: network, preprocessing: dataset.preprocessing, overlap: recipe.inference.overlap,
      mirror: recipe.inference.mirror, padding: recipe.sampler.pad)
    let predictor = VolumePredictor(members: [member], ids: classes.map(\.id))
    var trial = recipe.training.largestComponent.map {
      PostprocessingTrial(classes: classes, connectivity: $0)
    }
    var result = Result()
    for (index, files) in dataset.validation.enumerated() {
      let stored = try files.readChannels(dataset.channels.count)
      let prediction = try predictor(stored.channels).labels
      let reference = try dataset.classMap.reference(of: files)
      let metrics = try dataset.classMap.metrics(
        files.name, prediction, reference, EvaluationSettings(includesSurfaces: false))
      try trial?.add(metrics, prediction: prediction, reference: reference)
      result.cases.append(metrics)
      if index < Self.pictureCount {
        let picture = OverlayPicture(
          image: stored.channels[0], reference: reference, prediction: prediction,
          ids: classes.dropFirst().map(\.id))
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

extension ClassMap {
  /// A case's label map in the ids of the classes, in the axes of its file; ignored voxels are negative, which counts
  /// nowhere.
  func reference(of files: CaseFiles) throws(VolumeError) -> LabelVolume {
    var reference = try NiftiFile.readLabels(files.label, allowingNegativeIds: (ignore ?? 0) < 0).labels
    try toIndices(&reference.voxels, path: files.label)
    reference.voxels.withUnsafeMutableBufferPointer { v in
      for i in v.indices where v[i] >= 0 { v[i] = classes[Int(v[i])].id }
    }
    return reference
  }

  /// Every class but the background.
  func metrics(
    _ name: String, _ prediction: LabelVolume, _ reference: LabelVolume, _ settings: EvaluationSettings
  ) throws(VolumeError) -> CaseMetrics {
    try CaseMetrics(
      name: name, prediction: prediction, reference: reference,
      labels: classes.dropFirst().map { MetricLabel(id: $0.id, name: $0.name) }, settings: settings)
  }
}
