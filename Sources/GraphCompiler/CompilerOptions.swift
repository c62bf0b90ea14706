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
  /// Most bytes that the plan may take, state included (`placeWithinBudget`). Nil: no limit.
  public var memoryBudget: Int?
  /// Whatever can be made again is dropped, and every convolution that then can writes over its input: for tests.
  public var savesAll = false
  /// Every scratch tensor has a place of its own with a gap behind it, which no kernel may touch: for tests.
  public var isolatesTensors = false

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
    /// 1 − mean_c (Σ y p + ε)/(Σ y p + α Σ (1 − y) p + β Σ y (1 − p) + ε) (Salehi et al. 2017).
    case tversky = 3
    /// 1 − (2 Σ_c w_c Σ y p + ε)/(Σ_c w_c (Σ y + Σ p) + ε), w_c = 1/(Σ y)², of absent classes the largest of the
    /// others (Sudre et al. 2017, as MONAI has it).
    case generalisedDice = 4
  }
  public enum Entropy: Int, Sendable {
    /// −log p_y, by log-sum-exp from the logits.
    case plain = 0
    /// −log clip(p_y, clip, 1 − clip): no gradient where p is clipped (Keras's categorical cross-entropy).
    case clipped = 1
    /// (1 − p_y)^γ (−log p_y) (Lin et al. 2017); with sigmoid for both values of y.
    case focal = 2
    /// −log softmax(p)_y: cross-entropy that is fed probabilities for logits.
    case twice = 3
    /// y·z of logit and target, whose gradient at the logits is the target: for tests. Only with `sigmoid`.
    case linear = 4
  }
  public var region = Region.none
  public var regionWeight = 0.0
  /// Of Σ w_y (−log p_y) / Σ w_y, or of the mean binary cross-entropy where `sigmoid`.
  public var entropyWeight = 0.0
  public var entropy = Entropy.plain
  public var epsilon = 1e-5
  /// Weights of false positives and false negatives in the Tversky index.
  public var alpha = 0.5
  public var beta = 0.5
  /// γ of the focal entropy.
  public var focus = 2.0
  /// Of the clipped entropy.
  public var clip = 1e-7
  /// Region sums of p² and y² in place of p and y.
  public var isSquared = false
  /// The entropy is divided by the number of voxels that count instead of their weights.
  public var isMeanOverVoxels = false
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
  /// Where a memory budget is too small: the least that works.
  public var leastBytes: Int?
  /// The device's memory is at fault: a budget, or the size or number of its allocations. Something smaller would do.
  public var isTooLarge = false
  public var description: String { "\(path): \(problem)" }
}
