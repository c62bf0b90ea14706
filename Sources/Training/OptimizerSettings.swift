import GraphCompiler

/// Numbers of an optimizer step; the kind is compiled into the plan.
public struct OptimizerSettings: Sendable, Equatable {
  public var kind = OptimizerKind.adam
  public var learningRate = 1e-3
  /// Adam's β₁; momentum of SGD.
  public var beta1 = 0.9
  public var beta2 = 0.999
  public var epsilon = 1e-8
  /// Adam's ε is added to √v as in Keras, not to the bias-corrected √v̂ as in PyTorch.
  public var hasKerasEpsilon = false
  /// λ of g += λ·w (PyTorch's Adam and SGD `weight_decay`).
  public var coupledDecay = 0.0
  /// λ of w −= lr·λ·w (AdamW).
  public var decoupledDecay = 0.0
  /// Largest norm of the whole gradient; 0 does not clip.
  public var clipNorm = 0.0

  public init() {}
}

/// Dynamic loss scale of mixed precision: halved when a gradient is not finite (that step is skipped), doubled
/// after so many good steps.
public struct LossScaleSettings: Sendable, Equatable {
  public var initial = 65_536.0
  public var growth = 2.0
  public var backoff = 0.5
  public var interval = 2_000

  public init() {}
}

/// Limits of batch renorm's corrections: r in [1/rMax, rMax], d in ±dMax. (1, 0) is batch norm.
public struct RenormLimits: Sendable, Equatable {
  public var rMax = 1.0
  public var dMax = 0.0

  public init(rMax: Double = 1, dMax: Double = 0) {
    self.rMax = rMax
    self.dMax = dMax
  }
}
