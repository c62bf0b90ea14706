import LayerGraph

/// R1: the UNet3D of MLPerf Training (KiTS19), 128³; 31,190,243 parameters. Convolution without bias, instance
/// norm, ReLU; strided convolutions down, transposed k2 s2 up; concat [up, skip].
public struct R1MLPerfUNet3D: NetworkDeclaration {
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
    var x = input
    var skips: [Tensor] = []
    for (level, width) in widths.enumerated() {
      x = net.scope("encoder.\(level)") { block(block(x, width, stride: level == 0 ? 1 : 2), width) }
      skips.append(x)
    }
    for (level, width) in widths.enumerated().dropLast().reversed() {
      x = net.scope("decoder.\(level)") { block(block(x.upConv(width).concat(skips[level]), width), width) }
    }
    return net.scope("head") { x.conv(classes, kernel: 1) }
  }

  private func block(_ x: Tensor, _ width: Int, stride: Extent = 1) -> Tensor {
    x.conv(width, stride: stride, bias: false).instanceNorm().relu()
  }
}
