import RealModule

/// The learning rate as a function of progress. Epochs are counted in steps; plateau watches a metric.
public enum LearningRateSchedule: Sendable, Equatable {
  case constant
  /// rate · factor at each of these epochs.
  case stepList(epochs: [Int], factor: Double)
  /// rate · gammaᵉᵖᵒᶜʰ.
  case exponential(gamma: Double)
  /// rate · (1 − t/horizon)^power, in steps or epochs as `perEpoch` says (nnU-Net: per epoch, 0.9).
  case polynomial(power: Double, perEpoch: Bool)
  case plateau(Plateau)

  /// The rate at a step. `plateauFactor` is what a plateau's watcher has made of it so far.
  public func rate(
    base: Double, step: Int, stepsPerEpoch: Int, horizon: Int, plateauFactor: Double = 1
  ) -> Double {
    let epoch = step / max(1, stepsPerEpoch)
    switch self {
    case .constant: return base
    case .stepList(let epochs, let factor):
      return base * Double.pow(factor, Double(epochs.filter { $0 <= epoch }.count))
    case .exponential(let gamma): return base * Double.pow(gamma, Double(epoch))
    case .polynomial(let power, let perEpoch):
      let at = perEpoch ? epoch * stepsPerEpoch : step
      let left = max(0, 1 - Double(at) / Double(max(1, horizon)))
      return base * Double.pow(left, power)
    case .plateau(let plateau): return max(base * plateauFactor, plateau.minimum)
    }
  }
}

/// The rate climbs linearly at the start of a run, whatever the schedule.
///
/// With w steps (or epochs) and t counted from 0, the rate is start + (scheduled − start) · min(1, (t + 1)/w). R1's
/// reference counts epochs from 1 and so computes the same; PyTorch's `LinearLR` is this with
/// start_factor = (start + (rate − start)/w)/rate and total_iters = w − 1.
public struct Warmup: Sendable, Equatable {
  public var length: Int
  /// The length counts epochs, and the rate changes with them; otherwise steps.
  public var isInEpochs: Bool
  public var start: Double

  public init(length: Int, isInEpochs: Bool = false, start: Double = 0) {
    self.length = length
    self.isInEpochs = isInEpochs
    self.start = start
  }

  public func rate(_ scheduled: Double, step: Int, stepsPerEpoch: Int) -> Double {
    let done = (isInEpochs ? step / max(1, stepsPerEpoch) : step) + 1
    return done >= length ? scheduled : start + (scheduled - start) * (Double(done) / Double(length))
  }
}

/// Reduces the rate when a metric stops improving.
public struct Plateau: Sendable, Equatable {
  public enum Mode: String, Sendable { case min, max }
  public enum Threshold: String, Sendable { case relative, absolute }
  /// Which program's ReduceLROnPlateau. PyTorch reduces when more than `patience` checks in a row were bad, and none
  /// of the `cooldown` checks counts; Keras when `patience` were, and the last check of the cooldown counts.
  public enum Rule: String, Sendable, CaseIterable { case pytorch, keras }
  public enum Watch: String, Sendable, CaseIterable {
    /// Mean Dice of a scheduled validation.
    case meanDice
    /// Mean training loss of the steps since the check before.
    case loss
  }
  public var watch = Watch.meanDice
  public var rule = Rule.pytorch
  public var mode = Mode.max
  public var factor = 0.1
  /// Checks without improvement that are borne.
  public var patience = 10
  /// Checks after a reduction that count nothing.
  public var cooldown = 0
  public var threshold = 1e-4
  public var thresholdMode = Threshold.relative
  /// Smallest learning rate.
  public var minimum = 0.0

  public init() {}

  func isBetter(_ value: Double, than best: Double) -> Bool {
    switch (mode, thresholdMode) {
    case (.min, .relative): value < best * (1 - threshold)
    case (.min, .absolute): value < best - threshold
    case (.max, .relative): value > best * (1 + threshold)
    case (.max, .absolute): value > best + threshold
    }
  }
}

/// Where a plateau stands; part of a checkpoint.
public struct PlateauState: Sendable, Equatable, Codable {
  public var best: Double?
  public var badChecks = 0
  public var cooldownLeft = 0
  public var factor = 1.0

  public init() {}

  /// Takes one value of the metric; returns whether the rate was reduced. A NaN counts as no improvement.
  @discardableResult
  public mutating func observe(_ value: Double, _ plateau: Plateau) -> Bool {
    let improves = best.map { plateau.isBetter(value, than: $0) } ?? !value.isNaN
    if improves { best = value }
    let isOver: Bool
    switch plateau.rule {
    case .pytorch:
      badChecks = improves || cooldownLeft > 0 ? 0 : badChecks + 1
      cooldownLeft = max(0, cooldownLeft - 1)
      isOver = badChecks > plateau.patience
    case .keras:
      cooldownLeft = max(0, cooldownLeft - 1)
      badChecks = improves || cooldownLeft > 0 ? 0 : badChecks + 1
      isOver = badChecks >= max(1, plateau.patience)
    }
    guard isOver else { return false }
    factor *= plateau.factor
    cooldownLeft = plateau.cooldown
    badChecks = 0
    return true
  }
}
