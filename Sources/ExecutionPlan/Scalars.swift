/// The run-time scalars: one small fp32 array in the state arena, tensor `scalars`, 64 words. The host
/// writes the first half before a program; the device keeps the second half from step to step.
public enum Scalar: Int, Sendable, CaseIterable {
  // Written by the host.
  case learningRate = 0
  /// Index of the micro-batch within the step, as Int32 bits; 0 makes `accumulate` clear the gradients.
  case microBatch = 1
  /// 1/K for K micro-batches.
  case microBatchWeight = 2
  case beta1 = 3  // Adam's β₁, or SGD's momentum
  case beta2 = 4
  case epsilon = 5
  case coupledDecay = 6  // g += λ·w
  case decoupledDecay = 7  // w −= lr·λ·w
  /// Largest gradient norm; 0 means no clipping.
  case clipNorm = 8
  /// Natural logs of β₁ and β₂: the bias correction is −expm1(t·ln β).
  case logBeta1 = 9
  case logBeta2 = 10
  case seedLow = 11  // UInt32 bits
  case seedHigh = 12
  case step = 13  // UInt32 bits: number of the step, for dropout's counter
  /// Loss-scale rule: growth factor, back-off factor, steps between growths (as Int32 bits).
  case scaleGrowth = 14
  case scaleBackoff = 15
  case scaleInterval = 16
  /// Batch renorm's limits of r and d.
  case renormRMax = 17
  case renormDMax = 18
  /// 1: Adam's ε is that of Keras, w −= lr·√(1−β₂ᵗ)/(1−β₁ᵗ)·m/(√v + ε); 0: PyTorch's, w −= lr·m̂/(√v̂ + ε).
  case kerasEpsilon = 19
  // Kept by the device.
  case lossScale = 32
  /// Steps since the scale last changed, as Int32 bits.
  case goodSteps = 33
  /// Updates done (skipped ones not counted), as Int32 bits: Adam's t.
  case updates = 34
  /// 1 where the last update was skipped because a gradient was not finite, as Int32 bits.
  case skipped = 35
  /// Norm of the unscaled gradient of the last update (before clipping).
  case gradientNorm = 36
  /// Factor that the last update put on every gradient: clip / loss scale, or 0 when skipped.
  case gradientFactor = 37
  /// Mean loss over the micro-batches so far (each adds loss / K; micro-batch 0 restarts it).
  case loss = 38

  public static let count = 64
}
