import Volumes

/// Whole volumes by sliding window, with the network as it stands.
struct Validation {
  let dataset: Dataset
  let recipe: Recipe
  let session: TrainingSession
  /// Where predicted labels go; nil keeps none.
  let outputFolder: String?

  /// Dice per label: mean over the cases in which it is defined, then over the labels. Cases whose label and
  /// prediction are both empty are left out.
  /// - Throws: `VolumeError` where a case can no longer be read, and what the device throws.
  func callAsFunction(
    progress: (_ done: Int, _ of: Int) -> Void
  ) throws -> (
    labels: [TrainingEvent.LabelDice], mean: Double?,
    cases: [(name: String, labels: [TrainingEvent.LabelDice])]
  ) {
    let (classes, outputs) = (dataset.classes, dataset.outputs)
    let network = PatchNetwork(
      patch: recipe.sampler.patch, batch: recipe.sampler.batch, channelCount: dataset.channels.count,
      classCount: outputs.count, margin: recipe.model.margin, forward: { try session.predict($0) })
    let member = PredictionMember(
      network: network, preprocessing: dataset.preprocessing, overlap: recipe.inference.overlap,
      mirror: recipe.inference.mirror, padding: recipe.sampler.pad)
    let predictor = VolumePredictor(members: [member], decision: outputs.decision)
    var metrics: [CaseMetrics] = []
    for (index, files) in dataset.validation.enumerated() {
      let stored = try files.readChannels(dataset.channels.count)
      let prediction = try predictor(stored.channels).labels
      var reference = try files.readLabels(onto: stored.channels[0].grid, classes: dataset.classMap).labels
      restoreIDs(&reference.voxels, classes)
      metrics.append(
        try CaseMetrics(
          name: files.name, prediction: prediction, reference: reference, regions: outputs.measured,
          settings: EvaluationSettings(includesSurfaces: false)))
      if let outputFolder {
        try NiftiFile.writeLabels(prediction, like: stored.header, to: "\(outputFolder)/\(files.name).nii.gz")
      }
      progress(index + 1, dataset.validation.count)
    }
    let summary = MetricsSummary(metrics)
    return (
      summary.labels.map { TrainingEvent.LabelDice(name: $0.label.name, dice: $0[.dice].mean) },
      summary.meanDice,
      metrics.map { entry in
        (entry.name, entry.labels.map { TrainingEvent.LabelDice(name: $0.label.name, dice: $0.dice) })
      }
    )
  }

  /// Class indices to ids; ignored voxels stay negative, which counts nowhere.
  private func restoreIDs(_ voxels: inout [Int32], _ classes: [ClassLabel]) {
    voxels.withUnsafeMutableBufferPointer { v in
      for i in v.indices where v[i] >= 0 { v[i] = classes[Int(v[i])].id }
    }
  }
}
