import GraphCompiler

/// A loss of `LossCatalog` with its options.
public struct LossSettings: Sendable, Equatable {
  public var name = "dice-ce"
  /// Region terms count class 0.
  public var background = true
  /// Region sums run over the batch.
  public var batch = false
  public var entropyWeight: Double?
  public var regionWeight: Double?
  public var epsilon: Double?
  /// Of Tversky's index: weights of false positives and of false negatives.
  public var alpha: Double?
  public var beta: Double?
  /// Of the focal losses.
  public var gamma: Double?
  /// By class name; classes that are not named weigh 1.
  public var classWeights: [ClassWeight] = []

  public struct ClassWeight: Sendable, Equatable {
    public var name: String
    public var weight: Double
  }

  public init() {}

  /// The compiler's loss for a network's outputs; nil where the name is unknown. No region is the background: all of
  /// them count.
  public func loss(_ outputs: NetworkOutputs) -> Loss? {
    guard var loss = LossCatalog.named(name) else { return nil }
    loss.includesBackground = background || !outputs.regions.isEmpty
    if batch { loss.isOverBatch = true }
    loss.entropyWeight = entropyWeight ?? loss.entropyWeight
    loss.regionWeight = regionWeight ?? loss.regionWeight
    loss.epsilon = epsilon ?? loss.epsilon
    loss.alpha = alpha ?? loss.alpha
    loss.beta = beta ?? loss.beta
    loss.focus = gamma ?? loss.focus
    if !classWeights.isEmpty {
      loss.classWeights = outputs.names.map { name in classWeights.first { $0.name == name }?.weight ?? 1 }
    }
    return loss
  }
}

/// An optimizer by name: `adam`, `adam-keras` (ε added to √v), `adamw`, `sgd` (Nesterov) or `momentum`.
public struct OptimizerChoice: Sendable, Equatable {
  public static let names = ["adam", "adam-keras", "adamw", "sgd", "momentum"]

  public var name = "adam"
  public var learningRate = 1e-3
  public var weightDecay = 0.0
  /// Adam's β₁, or the momentum.
  public var beta1 = 0.9
  public var beta2 = 0.999
  public var epsilon = 1e-8
  /// Largest norm of the gradient; 0 does not clip.
  public var clipNorm = 0.0

  public init() {}

  public var settings: OptimizerSettings {
    var settings = OptimizerSettings()
    settings.kind = name == "sgd" ? .nesterov : name == "momentum" ? .momentum : .adam
    settings.learningRate = learningRate
    settings.beta1 = beta1
    settings.beta2 = beta2
    settings.epsilon = epsilon
    settings.clipNorm = clipNorm
    settings.hasKerasEpsilon = name == "adam-keras"
    if name == "adamw" { settings.decoupledDecay = weightDecay } else { settings.coupledDecay = weightDecay }
    return settings
  }
}
