import Interchange
import LayerGraph
import Volumes

extension TrainingRun {
  /// - Parameter steers: whether it moves the schedule, early stop and the choice of the best.
  func validate(steers: Bool, _ validating: @escaping (Int, Int) -> Void) throws {
    let start = clock()
    let validation = Validation(
      dataset: dataset, recipe: recipe, session: session, step: progress.step,
      outputFolder: "\(options.folder)/validation")
    let result = try validation(progress: validating)
    let summary = result.summary
    let mean = summary.meanDice
    let isBest = steers && (mean.map { mean in progress.best.map { mean > $0.meanDice } ?? true } ?? false)
    let figures = TrainingEvent.ValidationFigures(
      step: progress.step,
      labels: summary.labels.map { TrainingEvent.LabelDice(name: $0.label.name, dice: $0[.dice].mean) },
      meanDice: mean,
      cases: result.cases.map { entry in
        (entry.name, entry.labels.map { TrainingEvent.LabelDice(name: $0.label.name, dice: $0.dice) })
      }, isBest: isBest, seconds: clock() - start)
    progress.postprocessing = result.postprocessing
    let loss = progress.loss.mean
    progress.loss = LossMean()
    if steers { steer(mean) }
    if isBest, let mean {
      progress.best = Checkpoint.BestValidation(step: progress.step, meanDice: mean)
      try writeCheckpoint(.best)
    }
    try folder.appendMetrics(figures, loss: loss, learningRate: session.optimizer.learningRate)
    try folder.appendCases(result.cases, step: progress.step, isBest: isBest)
    try folder.write(summaryJSON(result, summary).text(indent: 2) + "\n", to: "validation/summary.json")
    if let postprocessing = result.postprocessing {
      try folder.write(postprocessing.json.text(indent: 2) + "\n", to: Postprocessing.fileName)
    } else {
      folder.remove(Postprocessing.fileName)
    }
    for (name, picture) in result.pictures { try tensorBoard.append(picture, name: name, step: progress.step) }
    try emit(.validation(figures))
    if steers, isEarlyStopped, let stop = recipe.training.earlyStop {
      try emit(
        .note(
          "early stop at step \(progress.step): \(stop.patience) validations in a row without a mean Dice more than "
            + "\(stop.minimumDelta) above \(progress.earlyStop.best ?? 0)"))
    }
  }

  var isEarlyStopped: Bool {
    recipe.training.earlyStop.map { progress.earlyStop.badValidations >= $0.patience } ?? false
  }

  /// What a scheduled validation moves.
  ///
  /// - Parameter meanDice: nil where it is undefined, or no case validates.
  func steer(_ meanDice: Double?) {
    let validates = !dataset.validation.isEmpty
    if case .plateau(let plateau) = recipe.schedule {
      switch plateau.watch {
      case .loss: progress.plateau.observe(progress.watchedLoss.mean, plateau)
      case .meanDice: if validates { progress.plateau.observe(meanDice ?? .nan, plateau) }
      }
    }
    progress.watchedLoss = LossMean()
    if validates, let stop = recipe.training.earlyStop { progress.earlyStop.observe(meanDice, stop) }
  }

  /// Settings that this run's data or network leave without effect.
  func settingNotes() -> [String] {
    var notes: [String] = []
    if dataset.validation.isEmpty {
      if recipe.training.earlyStop != nil { notes.append("training.earlyStop never acts: no case validates") }
      if case .plateau(let plateau) = recipe.schedule, plateau.watch == .meanDice {
        notes.append("schedule.watch meanDice never acts: no case validates; \"loss\" watches the training loss")
      }
    }
    let isRenormalised = graph.nodes.contains { node in
      if case .normalisation(let norm) = node.op { norm.kind == .batchRenorm } else { false }
    }
    if !isRenormalised, recipe.training.stages.contains(where: { $0.renorm != nil }) {
      notes.append("training.stages: batchRenorm limits nothing, the network has no batch renorm")
    }
    return notes
  }

  private func summaryJSON(_ result: Validation.Result, _ summary: MetricsSummary) -> JSONValue {
    func text(_ value: Double?) -> JSONValue { value.map(JSONValue.number) ?? .null }
    var object: JSONObject = [
      "step": .integer(progress.step), "meanDice": text(summary.meanDice),
      "labels": .array(
        summary.labels.map {
          [
            "name": .string($0.label.name), "id": .integer(Int($0.label.id)), "dice": text($0[.dice].mean),
            "cases": .integer($0[.dice].count), "undefined": .integer($0[.dice].leftOut),
          ]
        }),
    ]
    if let best = progress.best {
      object["best"] = [
        "step": .integer(best.step), "meanDice": .number(best.meanDice),
        "note": .string("selected: the highest of all validations on these same cases"),
      ]
    }
    object["postprocessing"] = result.postprocessing?.json ?? .null
    object["cases"] = .array(
      result.cases.map { entry in
        var dice = JSONObject()
        for label in entry.labels { dice[label.label.name] = text(label.dice) }
        return ["name": .string(entry.name), "dice": .object(dice)]
      })
    return .object(object)
  }

  /// Dice of each foreground class, or each region, on the one patch.
  func patchDice() throws -> [TrainingEvent.LabelDice] {
    guard let patch = batches.fixedPatch else { return [] }
    let one = patch.voxels
    let output = try session.predict((0..<recipe.sampler.batch).flatMap { _ in one })
    let outputs = dataset.outputs
    let size = recipe.sampler.patch &- 2 &* recipe.model.margin
    // All rows of the patch are one plane.
    let rows = size.y * size.z
    var predicted = [Int32](repeating: 0, count: size.x * rows)
    output.withUnsafeBufferPointer { plane in
      outputs.decision.fill(
        &predicted, size: SIMD3(size.x, rows, 1), z: 0, rows: 0..<rows, columns: 0..<size.x, plane: plane)
    }
    let grid = VolumeGrid(size: size, affine: Affine(spacingInMillimetres: SIMD3(1, 1, 1)))
    var reference = LabelVolume(grid: grid, voxels: patch.labels(without: recipe.model.margin))
    reference.restoreIDs(outputs.classes)
    let metrics = try CaseMetrics(
      name: "patch", prediction: LabelVolume(grid: grid, voxels: predicted), reference: reference,
      regions: outputs.measured, settings: EvaluationSettings(includesSurfaces: false))
    return metrics.labels.map { TrainingEvent.LabelDice(name: $0.label.name, dice: $0.dice) }
  }
}
