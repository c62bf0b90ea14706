import Volumes

/// Length and rhythm of a run.
public struct TrainingSettings: Sendable, Equatable {
  /// Optimizer steps of the whole run: the schedule's horizon. With stages their sum.
  public var steps = 1000
  public var stepsPerEpoch = 100
  /// Steps between validations; 0 validates at the end only.
  public var validateEvery = 200
  public var checkpointEvery = 200
  public var overfitOnePatch: OverfitOnePatch?
  public var earlyStop: EarlyStop?
  /// Sessions one after the other with one network and one optimizer; empty: one session with the recipe's values.
  public var stages: [TrainingStage] = []
  /// Which voxels of a class are one component when validation decides about keeping the largest one only; nil: no
  /// such decision is made.
  public var largestComponent: VoxelConnectivity? = .corners

  /// Trains on one fixed patch: the check that a network can learn at all.
  public struct OverfitOnePatch: Sendable, Equatable {
    /// A case's name; nil takes the first that has such a patch.
    public var caseName: String?
    public var className: String
    /// The share of the patch's voxels that are of that class.
    public var fraction = SIMD2<Double>(0.1, 0.5)
  }
}

/// One session of a run. The schedule and its plateau start afresh with it, with the stage's steps as horizon; the
/// network, the optimizer's moments, early stop and the best validation go on. Warm-up belongs to the first stage.
public struct TrainingStage: Sendable, Equatable {
  public var steps: Int
  /// nil: the optimizer's.
  public var learningRate: Double?
  /// Limits of batch renorm from the stage's first step on, which move linearly to those of its end:
  /// first + (last − first) · t/steps, t from 0. nil keeps (1, 0), which is batch norm.
  public var renorm: (first: RenormLimits, last: RenormLimits)?

  public init(
    steps: Int, learningRate: Double? = nil, renorm: (first: RenormLimits, last: RenormLimits)? = nil
  ) {
    self.steps = steps
    self.learningRate = learningRate
    self.renorm = renorm
  }

  public static func == (a: TrainingStage, b: TrainingStage) -> Bool {
    a.steps == b.steps && a.learningRate == b.learningRate && a.renorm?.first == b.renorm?.first
      && a.renorm?.last == b.renorm?.last
  }

  /// At a step of the stage, counted from 0.
  func renormLimits(at step: Int) -> RenormLimits {
    guard let renorm else { return RenormLimits() }
    let share = Double(step) / Double(max(1, steps))
    func between(_ a: Double, _ b: Double) -> Double { a + (b - a) * share }
    return RenormLimits(
      rMax: between(renorm.first.rMax, renorm.last.rMax), dMax: between(renorm.first.dMax, renorm.last.dMax))
  }
}

/// Ends a run when validation stops improving.
public struct EarlyStop: Sendable, Equatable {
  /// Validations in a row without improvement that end the run.
  public var patience: Int
  /// Mean Dice must rise by more than this to count as an improvement.
  public var minimumDelta: Double

  public init(patience: Int, minimumDelta: Double = 0) {
    self.patience = patience
    self.minimumDelta = minimumDelta
  }
}

/// Where early stop stands; part of a checkpoint.
public struct EarlyStopState: Sendable, Equatable {
  public var best: Double?
  public var badValidations = 0

  public init() {}

  /// Takes the mean Dice of a validation; one that is undefined is no improvement.
  public mutating func observe(_ meanDice: Double?, _ settings: EarlyStop) {
    if let meanDice, best.map({ meanDice > $0 + settings.minimumDelta }) ?? true {
      best = meanDice
      badValidations = 0
    } else {
      badValidations += 1
    }
  }
}

/// What one step of a run takes: the schedule over its stages.
struct StepPlan: Equatable {
  /// Number of the stage from 0; nil without stages.
  var stage: Int?
  /// First step of the stage, counted from 0 over the run.
  var firstStep: Int
  var learningRate: Double
  var renormLimits: RenormLimits
}

extension Recipe {
  /// The plan of a step, counted from 0 over the run; steps past the last stage are the last stage's.
  func plan(ofStep step: Int, plateauFactor: Double = 1) -> StepPlan {
    var (first, index) = (0, 0)
    while index + 1 < training.stages.count, step >= first + training.stages[index].steps {
      first += training.stages[index].steps
      index += 1
    }
    let stage = training.stages.isEmpty ? nil : training.stages[index]
    let scheduled = schedule.rate(
      base: stage?.learningRate ?? optimizer.learningRate, step: step - first,
      stepsPerEpoch: training.stepsPerEpoch, horizon: stage?.steps ?? training.steps, plateauFactor: plateauFactor)
    let isWarming = index == 0
    return StepPlan(
      stage: stage.map { _ in index }, firstStep: first,
      learningRate: isWarming
        ? warmup?.rate(scheduled, step: step, stepsPerEpoch: training.stepsPerEpoch) ?? scheduled : scheduled,
      renormLimits: stage?.renormLimits(at: step - first) ?? RenormLimits())
  }
}
