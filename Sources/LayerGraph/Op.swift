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
  /// Each element is dropped with this probability in training, the others scaled by 1/(1 − p).
  case dropout(probability: Double)
  /// Maximum over windows; stride = window.
  case maxPool(window: Extent)
  case upsample(Interpolation, factor: Extent)
  /// Along the channels.
  case concat
  case add
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
    case .dropout: "dropout"
    case .maxPool: "pool"
    case .upsample: "upsample"
    case .concat: "concat"
    case .add: "add"
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
  public var hasBias: Bool

  public init(kernel: Extent, stride: Extent, padding: Extent, hasBias: Bool) {
    self.kernel = kernel
    self.stride = stride
    self.padding = padding
    self.hasBias = hasBias
  }
}

public struct Normalisation: Sendable, Hashable {
  public enum Kind: String, Sendable { case instance, batch }
  public var kind: Kind
  public var hasAffine: Bool
  public var epsilon: Double
  /// Weight of the new batch in batch norm's running statistics.
  public var momentum: Double

  public init(_ kind: Kind, hasAffine: Bool = true, epsilon: Double = 1e-5, momentum: Double = 0.1) {
    self.kind = kind
    self.hasAffine = hasAffine
    self.epsilon = epsilon
    self.momentum = momentum
  }
}

public enum ActivationKind: Sendable, Hashable {
  case relu
  case leakyReLU(slope: Double)
  case sigmoid

  public var name: String {
    switch self {
    case .relu: "relu"
    case .leakyReLU: "leakyrelu"
    case .sigmoid: "sigmoid"
    }
  }
}

public enum Interpolation: String, Sendable {
  case nearest
  /// Half-pixel centres, no aligned corners.
  case trilinear
}

/// Where convolutions pad.
public enum Padding: Sendable, Hashable {
  /// Output extent = ⌈input / stride⌉ for odd kernels: (k − 1)/2 on the low side.
  case same
  /// No padding.
  case valid
  case explicit(Extent)
}
