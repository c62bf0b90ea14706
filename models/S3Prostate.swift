import LayerGraph

/// S3: the improved 3D U-Net of Isensee et al. 2017 as COMP3710's HipMRI project has it: six classes, 128×128×64;
/// 10,484,894 parameters. Context modules with dropout 0.3 whose input is added after the activation, strided
/// convolutions down, transposed k4 s2 up, deep-supervision maps summed through learned up-scaling, softmax.
public struct S3Prostate: NetworkDeclaration {
  public var base = 16
  public var classes = 6
  public var dropout = 0.3
  public init() {}

  public var dropoutShare: Double? {
    get { dropout }
    set { dropout = newValue ?? dropout }
  }
  public var multiple: Extent { 16 }

  public func callAsFunction(_ net: Network, _ input: Tensor) -> Tensor {
    var x = input
    var sums: [Tensor] = []
    for level in 0..<5 {
      let width = base << level
      x = net.scope("encoder.\(level)") {
        let entry = standard(x, width, stride: level == 0 ? 1 : 2)
        let context = standard(standard(entry, width).dropout(dropout), width)
        return context.add(entry)
      }
      sums.append(x)
    }
    var supervised: [Tensor] = []
    for level in [3, 2, 1, 0] {
      let width = base << level
      x = net.scope("decoder.\(level)") {
        let up = standard(x.upConv(width, kernel: 4, stride: 2, padding: 1), width)
        let joined = sums[level].concat(up)
        guard level > 0 else { return standard(joined, 2 * width) }
        return standard(standard(joined, width), width, kernel: 1)
      }
      if level < 3 { supervised.append(x) }
    }
    return net.scope("supervision") {
      var map = supervised[0].conv(classes, kernel: 1)
      for finer in supervised.dropFirst() {
        map = map.upConv(classes, kernel: 4, stride: 2, padding: 1).add(finer.conv(classes, kernel: 1))
      }
      return map.softmax()
    }
  }

  /// Convolution, instance norm, leaky ReLU.
  private func standard(_ x: Tensor, _ width: Int, stride: Extent = 1, kernel: Extent = 3) -> Tensor {
    x.conv(width, kernel: kernel, stride: stride).instanceNorm().leakyReLU(0.01)
  }
}
