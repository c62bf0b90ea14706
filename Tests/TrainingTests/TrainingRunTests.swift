import CPUBackend
import ExecutionPlan
import FoundationEssentials
import Interchange
import Testing
import Volumes

@testable import Training

/// Events as they come, from a closure that may not throw.
private final class Log {
  var events: [TrainingEvent] = []
  var losses: [Float] {
    events.compactMap { if case .step(let figures) = $0 { figures.loss } else { nil } }
  }
}

@Suite(.serialized) struct TrainingRunTests {
  private func makeRun(
    _ recipe: Recipe, _ folder: String, log: Log = Log(), change: (inout RunOptions) -> Void = { _ in }
  ) throws -> TrainingRun {
    var options = RunOptions(folder: folder)
    change(&options)
    return try TrainingRun(
      recipe, options: options, dataset: Dataset(recipe), device: CPUDevice(), clock: { 0 },
      observer: { log.events.append($0) })
  }

  private func workspace() throws -> (Workspace, Recipe) {
    let workspace = try Workspace()
    try workspace.makePhantoms(6)
    return (workspace, try workspace.recipe())
  }

  @Test func twoRunsOfOneSeedGiveTheSameBytes() throws {
    let (workspace, recipe) = try workspace()
    let log = Log()
    #expect(try makeRun(recipe, workspace.file("a"), log: log).run() == .completed)
    // Another number of data threads changes nothing.
    #expect(try makeRun(recipe, workspace.file("b")) { $0.dataThreads = 3 }.run() == .completed)
    for name in [
      "checkpoints/last.safetensors", "checkpoints/best.safetensors", "metrics.csv", "splits.json",
    ] {
      #expect(try workspace.bytes("a/\(name)") == workspace.bytes("b/\(name)"), "\(name)")
    }
    #expect(log.losses.count == 10)
    #expect(!log.losses.contains { !$0.isFinite })
    var other = recipe
    other.seed = 8
    _ = try makeRun(other, workspace.file("c")).run()
    #expect(
      try workspace.bytes("c/checkpoints/last.safetensors")
        != workspace.bytes("a/checkpoints/last.safetensors"))
  }

  /// A kill leaves the folder as it is at some moment: here a copy taken at step 6, when the last checkpoint
  /// is of step 4 and the log is ahead of it.
  @Test func aKilledRunResumesBitForBit() throws {
    let (workspace, recipe) = try workspace()
    var steady = recipe
    steady.training.validateEvery = 5
    steady.training.checkpointEvery = 4
    let run = try makeRun(steady, workspace.file("a"))
    var copied: String?
    _ = try run.run(stop: {
      if run.step == 7, copied == nil {
        copied = workspace.file("b")
        try? FileManager.default.copyItem(atPath: workspace.file("a"), toPath: workspace.file("b"))
      }
      return nil
    })
    #expect(copied != nil)
    #expect(try Checkpoint.read(workspace.file("b")).step == 5)
    // A crash may cut the last line.
    let path = workspace.file("b/events.jsonl")
    try Data(try workspace.bytes("b/events.jsonl").dropLast(9)).write(to: URL(filePath: path))
    let resumed = try makeRun(steady, workspace.file("b")) { $0.resumes = true }
    #expect(resumed.step == 5)
    #expect(try resumed.run() == .completed)
    for name in ["checkpoints/last.safetensors", "checkpoints/best.safetensors", "metrics.csv"] {
      #expect(try workspace.bytes("a/\(name)") == workspace.bytes("b/\(name)"), "\(name)")
    }
    func steps(_ folder: String) throws -> [String] {
      String(decoding: try workspace.bytes("\(folder)/events.jsonl"), as: UTF8.self).split(separator: "\n")
        .filter { $0.contains("\"event\":\"step\"") }.map(String.init)
    }
    #expect(try steps("a") == steps("b"))
    #expect(try steps("a").count == 10)
  }

  @Test func truncatingKeepsTheHorizonAndStoppingWritesACheckpoint() throws {
    let (workspace, recipe) = try workspace()
    _ = try makeRun(recipe, workspace.file("a")).run()
    #expect(try makeRun(recipe, workspace.file("b")) { $0.stepLimit = 4 }.run() == .stepLimit)
    var asked = 0
    let second = try makeRun(recipe, workspace.file("b")) { $0.resumes = true }
    let end = try second.run(stop: {
      asked += 1
      return asked > 3 ? "SIGINT" : nil
    })
    #expect(end == .stopped("SIGINT"))
    #expect(try Checkpoint.read(workspace.file("b")).step == 7)
    _ = try makeRun(recipe, workspace.file("b")) { $0.resumes = true }.run()
    #expect(
      try workspace.bytes("a/checkpoints/last.safetensors")
        == workspace.bytes("b/checkpoints/last.safetensors"))
  }

  @Test func aFolderThatHoldsARunIsNotOverwritten() throws {
    let (workspace, recipe) = try workspace()
    _ = try makeRun(recipe, workspace.file("a")) { $0.stepLimit = 1 }.run()
    #expect(throws: InterchangeError.self) { try makeRun(recipe, workspace.file("a")) }
    var other = recipe
    other.data.split = .none
    // Going on with another split would let validation cases train.
    #expect(throws: InterchangeError.self) { try makeRun(other, workspace.file("a")) { $0.resumes = true } }
  }

  @Test func aLossThatIsNotFiniteEndsTheRunAndKeepsTheLastGoodCheckpoint() throws {
    let (workspace, recipe) = try workspace()
    _ = try makeRun(recipe, workspace.file("a")) { $0.stepLimit = 3 }.run()
    let before = try workspace.bytes("a/checkpoints/last.safetensors")
    var wild = recipe
    // Beyond float32: the first update destroys the weights, and a checkpoint is due right after it.
    wild.optimizer.learningRate = 1e39
    let log = Log()
    let run = try makeRun(wild, workspace.file("a"), log: log) { $0.resumes = true }
    let error = #expect(throws: DivergenceError.self) { try run.run() }
    #expect(error?.checkpointStep == 3)
    #expect(try workspace.bytes("a/checkpoints/last.safetensors") == before)
    wild.training.checkpointEvery = 100
    wild.training.validateEvery = 0
    let second = try makeRun(wild, workspace.file("a"), log: log) { $0.resumes = true }
    #expect(throws: DivergenceError.self) { try second.run() }
    #expect(try workspace.bytes("a/checkpoints/last.safetensors") == before)
    #expect(log.events.contains { $0.line.contains("\"loss\":null") && $0.line.contains("\"finite\":false") })
    #expect(
      log.events.contains {
        if case .note(let text) = $0 { text.contains("optimizer.learningRate") } else { false }
      })
  }

  @Test func aPlanThatDoesNotFitSaysWhatWould() throws {
    let (workspace, recipe) = try workspace()
    var tight = recipe
    tight.memoryBudget = 1
    let hopeless = #expect(throws: MemoryError.self) { try makeRun(tight, workspace.file("a")) }
    let needed = try #require(hopeless?.neededBytes)
    #expect(hopeless?.proposal.contains("the largest tensors are ") == true)
    #expect(hopeless?.proposal.contains("sampler.batch") == false)
    tight.memoryBudget = needed * 9 / 10
    let error = #expect(throws: MemoryError.self) { try makeRun(tight, workspace.file("a")) }
    #expect(error?.neededBytes == needed)
    #expect(error?.proposal.contains("sampler.batch 1") == true)
    #expect(!FileManager.default.fileExists(atPath: workspace.file("a")))
  }

  /// Grants no allocation above a limit, whatever its description says.
  private final class RefusingDevice: Device {
    let inner: CPUDevice
    let limit: Int
    init(limit: Int) throws { (inner, self.limit) = (try CPUDevice(), limit) }
    var description: DeviceDescription { inner.description }
    func load(_ plan: ExecutionPlan) throws -> any LoadedPlan {
      guard plan.arenas.allSatisfy({ $0.sizeInBytes <= limit }) else {
        throw MemoryError(neededBytes: plan.allocatedBytes, availableBytes: limit, device: "refusing")
      }
      return try inner.load(plan)
    }
  }

  @Test func aDeviceThatRefusesIsAskedOnceMoreForLess() throws {
    var (workspace, recipe) = try workspace()
    recipe.sampler.batch *= 4  // no tensor is half of all then
    func makeRun(_ folder: String, _ device: any Device, _ log: Log) throws -> TrainingRun {
      try TrainingRun(
        recipe, options: RunOptions(folder: workspace.file(folder)), dataset: Dataset(recipe), device: device,
        clock: { 0 }, observer: { log.events.append($0) })
    }
    let log = Log()
    let whole = try makeRun("whole", CPUDevice(), log)
    let largest = try #require(whole.session.plan.arenas.map(\.sizeInBytes).max())
    let run = try makeRun("banks", RefusingDevice(limit: largest - 1), log)
    #expect(run.session.plan.arenas.allSatisfy { $0.sizeInBytes <= largest / 2 })
    #expect(
      log.events.contains { if case .note(let text) = $0 { text.contains("refused") } else { false } })
    _ = try whole.run()
    _ = try run.run()
    #expect(try run.session.state() == whole.session.state())
    let error = #expect(throws: MemoryError.self) { try makeRun("none", RefusingDevice(limit: 100), log) }
    #expect(error?.proposal.contains("the largest tensors are ") == true)
  }

  @Test func checkpointsHoldWhatPredictionNeeds() throws {
    let (workspace, recipe) = try workspace()
    let run = try makeRun(recipe, workspace.file("a"))
    _ = try run.run()
    let checkpoint = try Checkpoint.read(workspace.file("a"))
    #expect(checkpoint.recipe == recipe)
    #expect(checkpoint.classes.map(\.name) == ["background", "liver", "tumour", "kidneys", "spine"])
    #expect(checkpoint.step == 10)
    #expect(checkpoint.state == (try run.session.state()))
    #expect(checkpoint.plateau == run.progress.plateau)
    #expect(checkpoint.best == run.progress.best)
    let graph = try checkpoint.graph(batch: 1)
    #expect(try checkpoint.parameters(of: graph, path: "a") == checkpoint.state.weights)
    try checkpoint.write(to: workspace.file("again.safetensors"))
    #expect(try workspace.bytes("again.safetensors") == workspace.bytes("a/checkpoints/last.safetensors"))

    let path = workspace.file("damaged.safetensors")
    try workspace.bytes("again.safetensors").dropLast(100).write(to: URL(filePath: path))
    #expect(throws: InterchangeError.self) { try Checkpoint.read(path) }
    #expect(throws: InterchangeError.self) { try Checkpoint.read(workspace.file("nothing")) }
  }

  @Test func fineTuningTakesWhatFits() throws {
    let (workspace, recipe) = try workspace()
    _ = try makeRun(recipe, workspace.file("a")).run()
    var fewer = recipe
    fewer.data.otherLabels = .background
    fewer.data.classes = Array(recipe.data.classes.prefix(2))
    let log = Log()
    let run = try makeRun(fewer, workspace.file("b"), log: log) { $0.initialCheckpoint = workspace.file("a") }
    let first = try Checkpoint.read(workspace.file("a")).state.weights
    let started = try run.session.state().weights
    let same = started.indices.filter { started[$0] == first[$0] }.count
    #expect(same > started.count * 9 / 10)
    #expect(
      log.events.contains { if case .note(let text) = $0 { text.hasPrefix("starts from") } else { false } })
  }

  @Test func theNetworkLearns() throws {
    let (workspace, recipe) = try workspace()
    var longer = recipe
    longer.training.steps = 60
    longer.training.validateEvery = 0
    longer.schedule = .polynomial(power: 0.9, perEpoch: false)
    longer.model.unet.dropout = 0
    let log = Log()
    _ = try makeRun(longer, workspace.file("a"), log: log).run()
    let first = log.losses.prefix(5).reduce(0, +) / 5
    let last = log.losses.suffix(5).reduce(0, +) / 5
    #expect(last < 0.8 * first)
  }
}
