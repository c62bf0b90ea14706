import CPUBackend
import FoundationEssentials
import Testing
import Volumes

@testable import Interchange
@testable import Training

/// Early stop, plateaus that watch the loss, what a run writes beside its checkpoints, all across interruptions.
@Suite(.serialized) struct RunLifeTests {
  private func makeRun(
    _ recipe: Recipe, _ folder: String, change: (inout RunOptions) -> Void = { _ in }
  ) throws -> TrainingRun {
    var options = RunOptions(folder: folder)
    change(&options)
    return try TrainingRun(
      recipe, options: options, dataset: Dataset(recipe), device: CPUDevice(), clock: { 0 }, observer: { _ in })
  }

  private func workspace(_ changes: [String]) throws -> (Workspace, Recipe) {
    let workspace = try Workspace()
    try workspace.makePhantoms(6)
    return (workspace, try workspace.recipe(changes))
  }

  /// Nothing moves, so no validation is better than the first.
  static let still = [
    "model={norm: 'instance', dropout: 0, widths: [4, 8]}", "optimizer={name: 'sgd', learningRate: 0}",
  ]

  @Test func earlyStopEndsTheRunAndItsStateIsPartOfTheCheckpoint() throws {
    let (workspace, recipe) = try workspace(
      Self.still + ["training={steps: 20, validateEvery: 2, earlyStop: {patience: 2}}", "schedule=null"])
    #expect(try makeRun(recipe, workspace.file("a")).run() == .earlyStop)
    let checkpoint = try Checkpoint.read(workspace.file("a"))
    #expect(checkpoint.step == 6 && checkpoint.earlyStop.badValidations == 2)
    #expect(checkpoint.isFinished(recipe.training))
    // Stopped between two validations and resumed, it ends at the same step with the same bytes.
    #expect(try makeRun(recipe, workspace.file("b")) { $0.stepLimit = 5 }.run() == .stepLimit)
    #expect(try !Checkpoint.read(workspace.file("b")).isFinished(recipe.training))
    #expect(try makeRun(recipe, workspace.file("b")) { $0.resumes = true }.run() == .earlyStop)
    #expect(
      try workspace.bytes("a/checkpoints/last.safetensors") == workspace.bytes("b/checkpoints/last.safetensors"))
    // It stays stopped, until it may be more patient.
    #expect(try makeRun(recipe, workspace.file("b")) { $0.resumes = true }.run() == .earlyStop)
    #expect(try Checkpoint.read(workspace.file("b")).step == 6)
    var patient = recipe
    patient.training.earlyStop?.patience = 3
    #expect(try makeRun(patient, workspace.file("b")) { $0.resumes = true }.run() == .earlyStop)
    #expect(try Checkpoint.read(workspace.file("b")).step == 8)
  }

  @Test func anImprovementMustExceedTheDelta() {
    let stop = EarlyStop(patience: 2, minimumDelta: 0.1)
    var state = EarlyStopState()
    var bad: [Int] = []
    for dice in [nil, 0.5, 0.59, 0.7, 0.75, nil, 0.9] {
      state.observe(dice, stop)
      bad.append(state.badValidations)
    }
    #expect(bad == [1, 0, 1, 0, 1, 2, 0])
    #expect(EarlyStopState(state.json) == state)
  }

  /// A plateau on the loss counts the steps since the last scheduled validation, wherever the run was interrupted and
  /// although an interrupted run validates once more.
  @Test func aPlateauOnTheLossResumesExactly() throws {
    let (workspace, recipe) = try workspace([
      "training={steps: 12, validateEvery: 3}",
      "schedule={name: 'plateau', watch: 'loss', patience: 0, factor: 0.5, threshold: 0.2}",
    ])
    let whole = try makeRun(recipe, workspace.file("a"))
    _ = try whole.run()
    #expect(whole.progress.plateau.factor < 1)
    _ = try makeRun(recipe, workspace.file("b")) { $0.stepLimit = 5 }.run()
    _ = try makeRun(recipe, workspace.file("b")) { $0.resumes = true }.run()
    #expect(
      try workspace.bytes("a/checkpoints/last.safetensors") == workspace.bytes("b/checkpoints/last.safetensors"))
  }

  @Test func stagesResumeExactly() throws {
    let (workspace, recipe) = try workspace([
      "model.norm=renorm",
      """
      training={validateEvery: 2, steps: null, stages: [{steps: 5, learningRate: 1e-2},
        {steps: 5, learningRate: 1e-3, batchRenorm: {rMax: [1, 3], dMax: [0, 5]}}]}
      """,
    ])
    _ = try makeRun(recipe, workspace.file("a")).run()
    for limit in [5, 7] {
      let folder = "b\(limit)"
      _ = try makeRun(recipe, workspace.file(folder)) { $0.stepLimit = limit }.run()
      _ = try makeRun(recipe, workspace.file(folder)) { $0.resumes = true }.run()
      #expect(
        try workspace.bytes("a/checkpoints/last.safetensors")
          == workspace.bytes("\(folder)/checkpoints/last.safetensors"))
    }
    let log = String(decoding: try workspace.bytes("a/events.jsonl"), as: UTF8.self)
    #expect(log.contains("\"step\":6") && log.contains("\"stage\":1,\"rMax\":1.0,\"dMax\":0.0"))
  }

  /// NaN ends the run; the checkpoint before it predicts, and trains on.
  @Test func theLastGoodCheckpointStaysUsable() throws {
    let (workspace, recipe) = try workspace(["training={steps: 10, validateEvery: 0, checkpointEvery: 2}"])
    var wild = recipe
    wild.optimizer.learningRate = 1e39
    _ = try makeRun(recipe, workspace.file("a")) { $0.stepLimit = 4 }.run()
    #expect(throws: DivergenceError.self) {
      try makeRun(wild, workspace.file("a")) { $0.resumes = true }.run()
    }
    let checkpoint = try Checkpoint.read(workspace.file("a"))
    #expect(checkpoint.step == 4)
    let network = try CheckpointNetwork(checkpoint, path: "a", on: CPUDevice())
    let scan = try NiftiFile.read(workspace.file("data/images/p0.nii.gz"))
    let prediction = try VolumePredictor(members: [network.member()], ids: checkpoint.classes.map(\.id))(
      scan.channels, collectsProbabilities: true)
    #expect(prediction.probabilities.allSatisfy { $0.voxels.allSatisfy(\.isFinite) })
    #expect(try makeRun(recipe, workspace.file("a")) { $0.resumes = true }.run() == .completed)
    _ = try makeRun(recipe, workspace.file("b")).run()
    #expect(
      try workspace.bytes("a/checkpoints/last.safetensors") == workspace.bytes("b/checkpoints/last.safetensors"))
  }

  @Test func everyValidationIsListedByCase() throws {
    let (workspace, recipe) = try workspace(["training={steps: 6, validateEvery: 2, checkpointEvery: 100}"])
    let run = try makeRun(recipe, workspace.file("a"))
    _ = try run.run(stop: { run.step == 5 ? "SIGKILL" : nil })
    // As if it had been killed while it wrote: half a row, and rows past the checkpoint.
    let path = workspace.file("a/validation/cases.csv")
    let table = String(decoding: try workspace.bytes("a/validation/cases.csv"), as: UTF8.self)
    try Data((table + "6,false,late,1\n6,fal").utf8).write(to: URL(filePath: path))
    _ = try makeRun(recipe, workspace.file("a")) { $0.resumes = true }.run()
    _ = try makeRun(recipe, workspace.file("b")).run()
    #expect(try workspace.bytes("a/validation/cases.csv") == workspace.bytes("b/validation/cases.csv"))
    let rows = String(decoding: try workspace.bytes("a/validation/cases.csv"), as: UTF8.self).split(separator: "\n")
    // Two cases with four labels at each of three validations.
    #expect(rows.count == 1 + 3 * 2 * 4)
    #expect(rows[0].hasPrefix("step,bestSoFar,case,label,labelName,dice,"))
    #expect(
      rows.dropFirst().map { $0.split(separator: ",")[0] } == (1...3).flatMap { n in (0..<8).map { _ in "\(2 * n)" } })
    #expect(rows[1].hasPrefix("2,true,"))
    let summary = try #require(JSONValue(parsing: [UInt8](workspace.bytes("a/validation/summary.json"))).objectValue)
    #expect(summary["step"] == .integer(6))
    #expect(summary["cases"]?.arrayValue?.count == 2 && summary["labels"]?.arrayValue?.count == 4)
    let best = try #require(summary["best"]?.objectValue)
    #expect(best["meanDice"]?.doubleValue == run.progress.best?.meanDice || best["step"] == .integer(6))
    #expect(best["note"]?.stringValue?.hasPrefix("selected") == true)
  }

  // MARK: TensorBoard

  /// Tags with their steps, in the order of the files and records.
  private func tensorBoard(_ folder: String) throws -> [String: [Int]] {
    var steps: [String: [Int]] = [:]
    for name in try FileManager.default.contentsOfDirectory(atPath: folder).sorted() {
      let bytes = [UInt8](try Data(contentsOf: URL(filePath: "\(folder)/\(name)")))
      #expect(TensorBoardFile.records(of: bytes, upTo: .max) == bytes)
      var start = 0
      while start < bytes.count {
        let length = bytes[start..<start + 8].reversed().reduce(0) { $0 << 8 | Int($1) }
        var event = ProtobufReader(bytes[start + 12..<start + 12 + length])
        var step = 0
        while let (field, value) = event.next() {
          if field == 2, case .integer(let number) = value { step = Int(number) }
          guard field == 5, case .data(let summary) = value else { continue }
          var values = ProtobufReader(summary)
          while case (_, .data(let entry))? = values.next() {
            var parts = ProtobufReader(entry)
            guard case (1, .data(let tag))? = parts.next() else { continue }
            steps[String(decoding: tag, as: UTF8.self), default: []].append(step)
          }
        }
        start += 16 + length
      }
    }
    return steps
  }

  @Test func tensorBoardShowsEachStepOnceAcrossAKill() throws {
    let (workspace, recipe) = try workspace(["training={steps: 10, validateEvery: 5, checkpointEvery: 4}"])
    let run = try makeRun(recipe, workspace.file("a"))
    _ = try run.run(stop: {
      if run.step == 7, !FileManager.default.fileExists(atPath: workspace.file("b")) {
        try? FileManager.default.copyItem(atPath: workspace.file("a"), toPath: workspace.file("b"))
      }
      return nil
    })
    // Killed while it wrote a record of step 7; the last checkpoint is of step 5.
    let folder = workspace.file("b/tensorboard")
    let name = try #require(FileManager.default.contentsOfDirectory(atPath: folder).first)
    try Data(workspace.bytes("b/tensorboard/\(name)").dropLast(5)).write(to: URL(filePath: "\(folder)/\(name)"))
    _ = try makeRun(recipe, workspace.file("b")) { $0.resumes = true }.run()
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder).count == 2)
    for folder in ["a", "b"] {
      let steps = try tensorBoard(workspace.file("\(folder)/tensorboard"))
      for tag in ["loss", "learning_rate", "gradient_norm", "seconds_per_step", "share_waiting_for_data"] {
        #expect(steps["train/\(tag)"] == Array(1...10), "\(folder) \(tag)")
      }
      #expect(steps["validation/mean_dice"] == [5, 10])
      #expect(steps["validation/dice/liver"] == [5, 10])
      #expect(steps.keys.filter { $0.hasPrefix("validation/p") }.count == 2)
      #expect(steps["validation/\(run.dataset.validation[0].name)"] == [5, 10])
    }
  }
}
