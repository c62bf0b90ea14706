/// How the weights of convolutions start. Fan-in is input channels of a group × taps, fan-out output channels ×
/// taps (of a transposed convolution's weight I×O: O × taps and I × taps, as every framework has it).
public enum Initialisation: Sendable, Hashable {
  /// Weights and biases from U(±1/√fan-in): PyTorch's default (Kaiming-uniform with a = √5).
  case pyTorch
  /// U(±√(6/(fan-in + fan-out))), biases 0: Keras's default (Glorot and Bengio 2010).
  case glorotUniform
  /// U(±√(6/fan-in)), biases 0 (He et al. 2015).
  case heUniform
  /// N(0, 2/((1 + slope²)·fan-in)), biases 0: He et al. for a leaky ReLU of this slope.
  case heNormal(slope: Double)

  func initializers(fanIn: Double, fanOut: Double) -> (weight: Initializer, bias: Initializer) {
    switch self {
    case .pyTorch:
      let bound = 1 / fanIn.squareRoot()
      return (.uniform(bound: bound), .uniform(bound: bound))
    case .glorotUniform: return (.uniform(bound: (6 / (fanIn + fanOut)).squareRoot()), .constant(0))
    case .heUniform: return (.uniform(bound: (6 / fanIn).squareRoot()), .constant(0))
    case .heNormal(let slope):
      return (.normal(deviation: (2 / ((1 + slope * slope) * fanIn)).squareRoot()), .constant(0))
    }
  }
}
