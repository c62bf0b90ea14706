import ExecutionPlan
import LayerGraph
import Volumes

/// A network in training at one step, with all that predicting, resuming and reproducing need.
public struct Checkpoint: Sendable {
  public var recipe: Recipe
  /// The classes in the network's order: data.classes, or what `dataset.json` said.
  public var classes: [ClassLabel]
  /// Names of the input channels.
  public var channels: [String]
  /// Foreground statistics of the training cases, one a channel; empty where the recipe needs none.
  public var statistics: [ForegroundStatistics]
  /// Optimizer steps done.
  public var step: Int
  public var plateau: PlateauState
  /// Of the best validation so far.
  public var best: BestValidation?
  /// The parameters' places in the flat arrays of `state`.
  public var parameterRecords: [ParameterRecord]
  public var bufferRecords: [ParameterRecord]
  public var state: TrainingSession.State
  public var earlyStop = EarlyStopState()
  /// Losses since the last scheduled validation: what a plateau that watches the loss takes.
  var watchedLoss = LossMean()
  /// Clean-up that the last validation decided; nil where none did.
  public var postprocessing: Postprocessing?

  public struct BestValidation: Sendable, Equatable, Codable {
    public var step: Int
    public var meanDice: Double

    public init(step: Int, meanDice: Double) {
      self.step = step
      self.meanDice = meanDice
    }
  }

  public init(
    recipe: Recipe, classes: [ClassLabel], channels: [String], statistics: [ForegroundStatistics], step: Int,
    plateau: PlateauState, best: BestValidation?, parameterRecords: [ParameterRecord],
    bufferRecords: [ParameterRecord], state: TrainingSession.State
  ) {
    self.recipe = recipe
    self.classes = classes
    self.channels = channels
    self.statistics = statistics
    self.step = step
    self.plateau = plateau
    self.best = best
    self.parameterRecords = parameterRecords
    self.bufferRecords = bufferRecords
    self.state = state
  }

  /// Ready for prediction.
  public var preprocessing: Preprocessing {
    Preprocessing(steps: recipe.preprocessing, statistics: statistics)
  }

  /// The network for a batch of windows; its parameters are `state.weights` as they are.
  public func graph(batch: Int) throws(GraphError) -> Graph {
    try recipe.model.graph(
      batch: batch, channels: channels.count, classes: outputs.count, patch: recipe.sampler.patch)
  }

  /// What the network's channels mean.
  public var outputs: NetworkOutputs {
    do {
      return try NetworkOutputs(classes: classes, regions: recipe.data.regions)
    } catch {
      preconditionFailure("internal: a checkpoint whose regions no run could have had: \(error)")
    }
  }

  /// Whether a run of these settings has nothing left to do.
  ///
  /// - Parameter stepLimit: truncates the settings' steps.
  public func isFinished(_ training: TrainingSettings, stepLimit: Int? = nil) -> Bool {
    step >= min(training.steps, stepLimit ?? .max)
      || training.earlyStop.map { earlyStop.badValidations >= $0.patience } ?? false
  }
}

/// A mean in the making.
struct LossMean: Sendable, Equatable {
  var sum = 0.0
  var count = 0

  var mean: Double { count > 0 ? sum / Double(count) : .nan }

  mutating func add(_ loss: Double) {
    sum += loss
    count += 1
  }
}
