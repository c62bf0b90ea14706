import LayerGraph

/// S1: klin059/lits, liver and lesion as two independent channels; slabs of 16 slices. Convolution with ReLU, then
/// batch norm (Keras: momentum 0.99, ε 1e-3); max-pools; transposed k2 s2 up; concat [skip, up].
///
/// Text and code differ. As text: two convolutions a block, 9,984,418 parameters. As code: the second one reads the
/// block's input, so that the first is dead: one convolution a block, 5,890,978 parameters.
public struct S1LiverLesion: NetworkDeclaration {
  public enum Form: Sendable { case asText, asCode }

  public var form: Form
  /// Channels that the finest level's block ends with.
  public var base = 64
  /// Spatial dropout behind a block's first norm (as text; 0.1 where the author wanted it).
  public var dropout = 0.0
  /// Independent channels: liver with its lesions, lesions.
  public var classes = 2
  public init(_ form: Form) { self.form = form }

  public var dropoutShare: Double? {
    get { dropout }
    set { dropout = newValue ?? dropout }
  }
  public var multiple: Extent { 8 }

  public func callAsFunction(_ net: Network, _ input: Tensor) -> Tensor {
    net.initialisation = .glorotUniform
    var x = input
    var skips: [Tensor] = []
    for level in 0..<3 {
      let width = base << level
      x = net.scope("encoder.\(level)") { block(x, width / 2, width) }
      skips.append(x)
      x = x.maxPool(2)
    }
    x = net.scope("bottleneck") { block(x, 2 * base, 4 * base) }
    for level in [2, 1, 0] {
      let width = base << level
      x = net.scope("decoder.\(level)") { block(skips[level].concat(x.upConv(width)), width, width / 2) }
    }
    return net.scope("head") { x.conv(classes, kernel: 1).sigmoid() }
  }

  private func block(_ x: Tensor, _ inner: Int, _ width: Int) -> Tensor {
    guard form == .asText else { return convolution(x, width) }
    let first = convolution(x, inner)
    return convolution(dropout > 0 ? first.spatialDropout(dropout) : first, width)
  }

  private func convolution(_ x: Tensor, _ width: Int) -> Tensor {
    x.conv(width).relu().norm(Normalisation(.batch, epsilon: 1e-3, momentum: 0.01))
  }
}
