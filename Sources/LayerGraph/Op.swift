/// What a node computes. Payloads are arithmetic; names and locations belong to the node.
public enum Op: Sendable, Hashable {
  /// A batch handed over by the caller.
  case input
  /// z[o, p] = b[o] + Σ_{i,k} w[o, i, k] x[i, p·stride + k − padding]; parameters weight (O I D H W) and bias.
  case convolution(ConvolutionShape)
  /// z[o, p] = b[o] + Σ over (q, k) with q·stride + k − padding = p of w[i, o, k] x[i, q]; weight is I O D H W.
  case transposedConvolution(ConvolutionShape)
  /// y = γ (x − μ)/√(σ² + ε) + β per channel, statistics per sample (instance) or over the batch.
  case normalisation(Normalisation)
  case activation(ActivationKind)
  /// y = x > 0 ? x : a·x with a learned slope a, one for all channels or one a channel (parameter weight).
  case prelu
  /// Dropped with this probability in training, the others scaled by 1/(1 − p): element by element, or (spatial)
  /// whole channels of a sample.
  case dropout(probability: Double, isSpatial: Bool)
  /// Maximum over windows; padding counts as −∞.
  case maxPool(PoolShape)
  /// Mean over windows; padding counts as zeros where `countsPadding`, else not at all.
  case averagePool(PoolShape, countsPadding: Bool)
  /// Whole factors, half-pixel centres.
  case upsample(Interpolation, factor: Extent)
  /// To this node's extents, by any ratio.
  case resize(Interpolation, alignsCorners: Bool)
  /// To this node's extents; `low` voxels before the first one of each axis.
  case pad(PadMode, low: Extent)
  /// Along the channels.
  case concat
  /// Sum; the second input may have one channel, and extent 1 on any axis: it is repeated.
  case add
  /// Product; the second input may have one channel, and extent 1 on any axis: it is repeated.
  case multiply
  /// The centre of the input, of this node's extent; an odd remainder goes to the high side.
  case crop
  /// Over the channels.
  case softmax

  public var name: String {
    switch self {
    case .input: "input"
    case .convolution: "conv"
    case .transposedConvolution: "upconv"
    case .normalisation: "norm"
    case .activation(let kind): kind.name
    case .prelu: "prelu"
    case .dropout: "dropout"
    case .maxPool: "pool"
    case .averagePool: "avgpool"
    case .upsample: "upsample"
    case .resize: "resize"
    case .pad: "pad"
    case .concat: "concat"
    case .add: "add"
    case .multiply: "multiply"
    case .crop: "crop"
    case .softmax: "softmax"
    }
  }
}

public struct ConvolutionShape: Sendable, Hashable {
  public var kernel: Extent
  public var stride: Extent
  /// Voxels of zero padding on the low side; the high side follows from the output's extent.
  public var padding: Extent
  /// Input voxels from one tap to the next.
  public var dilation: Extent
  /// Channels are cut into this many groups; output channels of a group read its input channels alone.
  public var groups: Int
  public var hasBias: Bool

  public init(
    kernel: Extent, stride: Extent, padding: Extent, dilation: Extent = 1, groups: Int = 1, hasBias: Bool
  ) {
    self.kernel = kernel
    self.stride = stride
    self.padding = padding
    self.dilation = dilation
    self.groups = groups
    self.hasBias = hasBias
  }

  /// Input voxels from the first tap to the last, both counted.
  public var span: Extent { kernel.map(dilation) { ($0 - 1) * $1 + 1 } }
}

public struct PoolShape: Sendable, Hashable {
  public var window: Extent
  public var stride: Extent
  /// Voxels of padding on the low side; the high side follows from the output's extent.
  public var padding: Extent

  public init(window: Extent, stride: Extent, padding: Extent = 0) {
    self.window = window
    self.stride = stride
    self.padding = padding
  }
}

public enum PadMode: Sendable, Hashable {
  case constant(Double)
  /// Mirrored about the first and the last voxel, which are not repeated.
  case reflect
  /// The first and the last voxel repeated.
  case edge
}

public struct Normalisation: Sendable, Hashable {
  public enum Kind: String, Sendable {
    /// Statistics of each sample and channel.
    case instance
    /// Statistics of each channel over the batch, with running mean and variance for prediction.
    case batch
    /// Batch renormalisation (Ioffe 2017): r = σ_B/σ in [1/rmax, rmax] and d = (μ_B − μ)/σ in ±dmax correct the
    /// batch's statistics towards the running mean μ and standard deviation σ; both limits are run-time scalars.
    case batchRenorm
    /// Statistics of each sample over `groups` equal groups of channels; layer norm is one group.
    case group
  }
  public var kind: Kind
  /// Of `.group`.
  public var groups: Int
  public var hasAffine: Bool
  public var epsilon: Double
  /// Weight of the new batch in running statistics.
  public var momentum: Double

  public init(
    _ kind: Kind, groups: Int = 1, hasAffine: Bool = true, epsilon: Double = 1e-5, momentum: Double = 0.1
  ) {
    self.kind = kind
    self.groups = groups
    self.hasAffine = hasAffine
    self.epsilon = epsilon
    self.momentum = momentum
  }

  /// Prediction uses running statistics.
  public var isOverBatch: Bool { kind == .batch || kind == .batchRenorm }

  /// Names of the running statistics, one value a channel each: what a checkpoint keeps beside the parameters.
  public var runningStatistics: [String] {
    switch kind {
    case .instance, .group: []
    case .batch: ["running_mean", "running_var"]
    case .batchRenorm: ["running_mean", "running_std"]
    }
  }
}

public enum ActivationKind: Sendable, Hashable {
  case relu
  case leakyReLU(slope: Double)
  case sigmoid
  /// x > 0 ? x : α(eˣ − 1).
  case elu(alpha: Double)
  /// x·sigmoid(x), also called swish.
  case silu
  /// x·Φ(x), Φ the normal distribution's integral (by erf, not the tanh approximation).
  case gelu
  case tanh

  public var name: String {
    switch self {
    case .relu: "relu"
    case .leakyReLU: "leakyrelu"
    case .sigmoid: "sigmoid"
    case .elu: "elu"
    case .silu: "silu"
    case .gelu: "gelu"
    case .tanh: "tanh"
    }
  }
}

public enum Interpolation: String, Sendable {
  /// Source index ⌊i·in/out⌋.
  case nearest
  /// Half-pixel centres: source position (i + ½)·in/out − ½, at least 0; aligned corners (`resize` only):
  /// i·(in − 1)/(out − 1).
  case trilinear
}

/// Where convolutions pad.
public enum Padding: Sendable, Hashable {
  /// Output extent = ⌈input / stride⌉ for odd kernels: ⌊(k − 1)/2⌋ on the low side, k − 1 in all (of the dilated
  /// kernel).
  case same
  /// No padding.
  case valid
  /// The same on both sides.
  case explicit(Extent)
  case asymmetric(low: Extent, high: Extent)
}
