import KernelCatalog
import LayerGraph

/// What became of a node in the forward pass: what its backward pass must do.
enum NodeRole {
  case input
  /// Stored; dz is the node's gradient.
  case convolution(ConvolutionShape, transposed: Bool)
  /// Done by the convolution's epilogue: the stored tensor is this node's.
  case fusedActivation(Activation, slope: Double)
  /// End of a lazy chain over a stored tensor.
  case chain(Chain)
  /// Inside a chain, or not computed here.
  case absorbed
  /// Dropout that is off.
  case identity
  case storedActivation(Activation, Double)
  case prelu
  case pool(Extent)
  case generalPool(PoolShape, PoolKind)
  case resampling(Resampling)
  case softmax
  case map(IndexMap)
  case concat
  case add
  /// A stored product, or a sum whose second input is repeated.
  case join(multiplies: Bool)
}

/// norm → activation → dropout over the stored tensor of node `base`.
struct Chain {
  var base: Int
  var norm: NormState?
  var activation = Activation.none
  var slope = 0.0
  var keep: KeepBits?
}

/// What a norm's forward pass leaves for its backward pass.
struct NormState {
  var node: Int
  var norm: Normalisation
  /// scale[N][CP], shift[N][CP].
  var scale: TensorID
  /// mean[N][CP], rstd[N][CP].
  var mean: TensorID
  /// r[CP], d[CP] of a batch renorm.
  var renorm: TensorID?
}

struct KeepBits {
  var tensor: TensorID
  var node: Int
  var probability: Double
  var isSpatial: Bool
  var scale: Double { 1 / (1 - probability) }
}
