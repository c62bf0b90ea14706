import ExecutionPlan
import Interchange
import LayerGraph
import Volumes

/// What the caller of a run decides beside the recipe.
public struct RunOptions: Sendable {
  /// The run folder.
  public var folder: String
  /// Continues the folder's last checkpoint where it has one.
  public var resumes = false
  public var fold: Int?
  /// A checkpoint or run folder whose parameters are the start.
  public var initialCheckpoint: String?
  /// Total of steps; truncates the recipe's, whose horizon stays.
  public var stepLimit: Int?
  /// Seconds after which the run ends with a checkpoint.
  public var timeLimitInSeconds: Double?
  /// Threads that make patches.
  public var dataThreads = 1
  /// Of this program, for `environment.json`.
  public var version = ""

  public init(folder: String) { self.folder = folder }
}

/// Why a run ended.
public enum RunEnd: Sendable, Equatable {
  case completed
  /// `stepLimit` was reached before the recipe's last step.
  case stepLimit
  case timeLimit
  /// Validation stopped improving.
  case earlyStop
  /// Asked to; the reason's own text, such as the signal's name.
  case stopped(String)

  public var text: String {
    switch self {
    case .completed: "completed"
    case .stepLimit: "step-limit"
    case .timeLimit: "time-limit"
    case .earlyStop: "early-stop"
    case .stopped(let reason): reason
    }
  }
}

/// The loss, or the gradient in fp32, is no longer finite.
public struct DivergenceError: Error, CustomStringConvertible, Sendable {
  public var step: Int
  public var quantity: String
  public var checkpointStep: Int?

  public var description: String {
    "step \(step): \(quantity); the run stops. "
      + (checkpointStep.map { "The last checkpoint is of step \($0)" } ?? "No checkpoint was written yet")
      + "; a lower optimizer.learningRate or optimizer.clipNorm may help"
  }
}

/// One run, from its recipe to its last checkpoint. The same recipe, data, device and seed give bit-identical
/// checkpoints, also where the run was killed and resumed.
public final class TrainingRun {
  public let recipe: Recipe
  public let options: RunOptions
  public let dataset: Dataset
  public let folder: RunFolder
  let device: any Device
  let graph: Graph
  let session: TrainingSession
  let batches: PatchBatches
  var progress: RunProgress
  let clock: () -> Double
  let tensorBoard: TensorBoardLog
  private let observer: (TrainingEvent) -> Void

  /// Steps done so far.
  public var step: Int { progress.step }
  public var lastStep: Int { min(recipe.training.steps, options.stepLimit ?? .max) }

  /// Compiles, allocates and, on resuming, restores. Nothing is written where it throws before the plan
  /// stands.
  ///
  /// - Parameters:
  ///   - clock: seconds of a clock that never goes back.
  ///   - tune: is asked once everything was checked and before anything is allocated, with the graph and the steps to
  ///     come; true where it changed what the device knows of itself.
  ///   - observer: gets each event after it was logged.
  /// - Throws: `InterchangeError`, `RecipeErrors`, `DatasetErrors`, `GraphError`, `CompilerError`,
  ///   `MemoryError`, and the device's errors.
  public init(
    _ recipe: Recipe, options: RunOptions, dataset: Dataset, device: any Device,
    clock: @escaping () -> Double, tune: (Graph, Int) throws -> Bool = { _, _ in false },
    observer: @escaping (TrainingEvent) -> Void
  ) throws {
    self.recipe = recipe
    self.options = options
    self.dataset = dataset
    self.device = device
    self.clock = clock
    self.observer = observer
    var plan = try RunPlan(recipe, dataset: dataset, device: device.description)
    graph = plan.graph
    batches = try PatchBatches(dataset, recipe: recipe, isOneHot: plan.loss.sigmoid)
    folder = try RunFolder(options.folder, resumes: options.resumes)
    var notes: [String] = []
    let resumed = try Self.checkpoint(options, recipe: recipe, dataset: dataset, notes: &notes)

    var parameters = initialParameters(of: graph, seed: recipe.seed)
    if resumed == nil, let path = options.initialCheckpoint {
      let (values, taken) = try Checkpoint.read(path).parameters(over: parameters, of: plan.compilation.plan)
      guard taken > 0 else {
        throw InterchangeError(path: path, problem: "shares no parameter with the recipe's network")
      }
      parameters = values
      notes.append("starts from \(taken) of \(graph.parameters.count) parameters of \(path)")
    }
    let steps = min(recipe.training.steps, options.stepLimit ?? .max) - (resumed?.step ?? 0)
    if try tune(graph, steps) { plan = try RunPlan(recipe, dataset: dataset, device: device.description) }
    let loaded: any LoadedPlan
    do {
      loaded = try device.load(plan.compilation.plan)
    } catch let error as MemoryError {
      // A device may refuse what it advertised: once more, in allocations of half the size.
      guard let smaller = try? RunPlan(recipe, dataset: dataset, device: Self.halved(device, plan)) else {
        throw plan.refused(error, recipe, dataset, device.description)
      }
      plan = smaller
      do { loaded = try device.load(plan.compilation.plan) } catch let error as MemoryError {
        throw plan.refused(error, recipe, dataset, device.description)
      }
      notes.append("the device refused its largest allocation (\(error)): the plan takes smaller ones")
    }
    session = try TrainingSession(
      loaded, parameters: parameters, optimizer: recipe.optimizer.settings,
      initialScale: recipe.precision == .mixed ? LossScaleSettings().initial : 1, seed: recipe.seed,
      classWeights: plan.loss.classWeights)
    progress = RunProgress()
    if let resumed {
      try session.restore(resumed.state(for: session.plan, path: Checkpoint.path(inRun: options.folder)))
      progress = RunProgress(resumed)
    }
    tensorBoard = try TensorBoardLog(runFolder: options.folder, keepingUpTo: progress.step)
    try writeHead()
    let losses = try folder.openLog(keepingUpTo: options.resumes ? progress.step : nil)
    progress.loss = LossMean(sum: losses.reduce(0, +), count: losses.count)
    try emit(
      .plan(
        TrainingEvent.PlanFigures(
          predictedPeakBytes: plan.compilation.plan.allocatedBytes,
          allocatedBytes: session.loaded.allocatedBytes, device: device.description.id,
          parameterCount: graph.parameterCount)))
    if let again = plan.compilation.memory.recompute {
      let percent = (1000 * again.extraTime).rounded() / 10
      notes.append("to fit: \(again.text); about \(percent) % more time a step")
    }
    notes += settingNotes()
    for note in notes + dataset.notes.map({ "warning: \($0)" }) { try emit(.note(note)) }
  }

  private static func halved(_ device: any Device, _ plan: RunPlan) -> DeviceDescription {
    var description = device.description
    description.maxAllocationBytes = (plan.compilation.plan.arenas.map(\.sizeInBytes).max() ?? 0) / 2
    return description
  }

  private static func checkpoint(
    _ options: RunOptions, recipe: Recipe, dataset: Dataset, notes: inout [String]
  ) throws -> Checkpoint? {
    guard options.resumes, RunFolder.exists(Checkpoint.path(inRun: options.folder)) else {
      if options.resumes { notes.append("there is no checkpoint to resume: starts at step 0") }
      return nil
    }
    let checkpoint = try Checkpoint.read(options.folder)
    let changed = checkpoint.recipe.changedKeys(recipe)
    if !changed.isEmpty {
      notes.append(
        "the recipe differs from the checkpoint's in \(changed.joined(separator: ", ")); the new one counts")
    }
    guard checkpoint.classes == dataset.classes else {
      throw InterchangeError(
        path: options.folder, problem: "its checkpoint has other classes than the recipe; start another --run"
      )
    }
    if let text = try? JSONValue(
      parsing: RunFolder(options.folder, resumes: true).text(of: "splits.json") ?? ""),
      text != dataset.split.json
    {
      throw InterchangeError(
        path: "\(options.folder)/splits.json",
        problem: "is another split than the recipe's: cases of one would leak into the other")
    }
    return checkpoint
  }

  func emit(_ event: TrainingEvent) throws {
    try folder.append(event)
    try tensorBoard.append(event)
    observer(event)
  }

  /// Replaces a checkpoint, unless the weights are no longer finite: the one before stays the last good one.
  func writeCheckpoint(_ which: Checkpoint.Which) throws {
    let state = try session.state()
    guard state.weights.withUnsafeBufferPointer({ weights in !weights.contains { !$0.isFinite } }) else {
      throw DivergenceError(
        step: progress.step, quantity: "a weight is not finite", checkpointStep: progress.checkpointStep)
    }
    var checkpoint = Checkpoint(
      recipe: recipe, classes: dataset.classes, channels: dataset.channels, statistics: dataset.statistics,
      step: progress.step, plateau: progress.plateau, best: progress.best,
      parameterRecords: session.plan.parameters, bufferRecords: session.plan.buffers, state: state)
    (checkpoint.earlyStop, checkpoint.watchedLoss) = (progress.earlyStop, progress.watchedLoss)
    checkpoint.postprocessing = progress.postprocessing
    try checkpoint.write(to: Checkpoint.path(inRun: options.folder, which))
    if which == .last { progress.checkpointStep = progress.step }
  }
}

/// Where a run stands.
struct RunProgress {
  /// Steps done.
  var step = 0
  var plateau = PlateauState()
  var best: Checkpoint.BestValidation?
  /// Step of the last checkpoint on the disk.
  var checkpointStep: Int?
  /// Losses since the last validation.
  var loss = LossMean()
  /// Losses since the last scheduled validation.
  var watchedLoss = LossMean()
  var earlyStop = EarlyStopState()
  var postprocessing: Postprocessing?
  /// Mixed-precision steps skipped in a row.
  var skippedInARow = 0

  init() {}

  init(_ checkpoint: Checkpoint) {
    step = checkpoint.step
    plateau = checkpoint.plateau
    best = checkpoint.best
    checkpointStep = checkpoint.step
    watchedLoss = checkpoint.watchedLoss
    earlyStop = checkpoint.earlyStop
    postprocessing = checkpoint.postprocessing
  }
}
