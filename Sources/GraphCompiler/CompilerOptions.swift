import ExecutionPlan

/// What to compile a graph into.
public struct CompilerOptions: Sendable, Equatable {
  public var precision = Precision.fp32
  /// Training programs (`accumulate`, `update`); nil compiles `predict` alone.
  public var training: TrainingOptions?
  /// What `predict` applies to the logits; `asDeclared` leaves the network's own last activation.
  public var output = OutputActivation.asDeclared
  /// Whether the plan holds `predict`.
  public var predicts = true
  public var algorithm = ConvolutionAlgorithm.automatic
  /// Dropout's keep-bits are made again in the backward pass instead of being kept.
  public var recomputesKeepBits = true

  public init() {}
}

public struct TrainingOptions: Sendable, Equatable {
  public var loss: Loss
  public var optimizer: OptimizerKind
  /// Dropout active. Off for comparisons.
  public var dropout = true
  /// Also the gradient with respect to the input, as tensor `inputGradient`.
  public var differentiatesInput = false
  /// Loss scale moved by the device (mixed precision).
  public var dynamicLossScale = false

  public init(loss: Loss, optimizer: OptimizerKind = .adam) {
    self.loss = loss
    self.optimizer = optimizer
  }
}

public enum OptimizerKind: Int, Sendable, Codable {
  case nesterov = 0, adam = 1, momentum = 2
  /// Moments kept for each parameter.
  public var moments: Int { self == .adam ? 2 : 1 }
}

public enum OutputActivation: Sendable, Equatable { case asDeclared, softmax, sigmoid }

public enum ConvolutionAlgorithm: String, Sendable, CaseIterable { case automatic, direct, winograd }

/// loss = regionWeight · region + entropyWeight · entropy, of p = softmax (or sigmoid) of the logits.
public struct Loss: Sendable, Equatable {
  public enum Region: Int, Sendable {
    case none = 0
    /// 1 − mean_c (2 Σ y p + ε)/(Σ y + Σ p + ε).
    case dice = 1
    /// 1 − mean_c (Σ y p + ε)/(Σ y + Σ p − Σ y p + ε).
    case jaccard = 2
  }
  public var region = Region.none
  public var regionWeight = 0.0
  /// Of Σ w_y (−log p_y) / Σ w_y, or of the mean binary cross-entropy where `sigmoid`.
  public var entropyWeight = 0.0
  public var epsilon = 1e-5
  /// Region terms count class 0.
  public var includesBackground = true
  /// Region sums run over the batch instead of each sample.
  public var isOverBatch = false
  /// Independent channels, targets N×C×D×H×W; otherwise classes, targets N×D×H×W.
  public var sigmoid = false
  /// Weights of the classes in the entropy term.
  public var classWeights: [Double]?
  /// A label that counts nowhere (besides negative ones).
  public var ignoredLabel = -1

  public init() {}
}

/// A graph that this compiler cannot lower.
public struct CompilerError: Error, Sendable, CustomStringConvertible {
  public var path: String
  public var problem: String
  public var description: String { "\(path): \(problem)" }
}
