import LayerGraph

/// R2: nnU-Net's plain network of six stages (Isensee et al. 2021), 128³; 31,196,399 parameters with its five heads.
/// Convolution with bias, instance norm, leaky ReLU; strided convolutions down, transposed k2 s2 up; concat
/// [up, skip]; a head at every resolution of the decoder, its loss weighted 1, ½, ¼, ⅛ and 0 over their sum.
public struct R2NNUNet: NetworkDeclaration {
  public var widths = [32, 64, 128, 256, 320, 320]
  public var base: Int {
    get { widths[0] }
    set { widths = Self.scaled(widths, to: newValue) }
  }
  public var classes = 3
  public init() {}

  public var multiple: Extent {
    let factor = 1 << (widths.count - 1)
    return Extent(factor, factor, factor)
  }

  public func callAsFunction(_ net: Network, _ input: Tensor) -> Tensor {
    net.initialisation = .heNormal(slope: 0.01)
    var x = input
    var skips: [Tensor] = []
    for (level, width) in widths.enumerated() {
      x = net.scope("encoder.\(level)") { block(block(x, width, stride: level == 0 ? 1 : 2), width) }
      skips.append(x)
    }
    let coarsest = widths.count - 2
    let total = (0..<max(1, coarsest)).reduce(0.0) { $0 + 1 / Double(1 << $1) }
    net.outputWeight = 1 / total
    var head = x
    for (level, width) in widths.enumerated().dropLast().reversed() {
      x = net.scope("decoder.\(level)") { block(block(x.upConv(width).concat(skips[level]), width), width) }
      head = net.scope("head.\(level)") { x.conv(classes, kernel: 1) }
      if level > 0 { net.supervise(head, weight: level == coarsest ? 0 : 1 / Double(1 << level) / total) }
    }
    return head
  }

  private func block(_ x: Tensor, _ width: Int, stride: Extent = 1) -> Tensor {
    x.conv(width, stride: stride).instanceNorm().leakyReLU(0.01)
  }
}
