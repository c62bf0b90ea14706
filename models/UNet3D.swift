import LayerGraph

/// Choices of the general 3D U-Net (Çiçek et al. 2016; with strided convolutions, instance norm and leaky ReLU
/// it is nnU-Net's plain network, Isensee et al. 2021).
public struct UNet3D: NetworkDeclaration, Equatable {
  public enum Norm: String, Sendable, CaseIterable { case none, batch, renorm, instance }
  public enum Down: String, Sendable, CaseIterable { case maxPool = "max-pool", strided }
  public enum Up: String, Sendable, CaseIterable { case transposed, trilinear }

  /// Channels of each level, finest first.
  public var widths: [Int] = [16, 32, 64, 128]
  public var base: Int {
    get { widths[0] }
    set { widths = Self.scaled(widths, to: newValue) }
  }
  /// Output channels, background included.
  public var classes = 2
  public var norm = Norm.instance
  public var activation = ActivationKind.leakyReLU(slope: 0.01)
  public var down = Down.maxPool
  public var up = Up.transposed
  /// Adds a block's input (through a 1³ convolution where the shape changes) to its output.
  public var residual = false
  public var dropout = 0.0
  /// Kernel of each level; 3³ where absent. 1 along an axis whose voxels are still too thick.
  public var kernels: [Extent] = []
  /// Factor between level i and level i + 1; 2³ where absent.
  public var factors: [Extent] = []

  public init() {}

  func kernel(_ level: Int) -> Extent { level < kernels.count ? kernels[level] : 3 }
  func factor(_ level: Int) -> Extent { level < factors.count ? factors[level] : 2 }

  public var dropoutShare: Double? {
    get { dropout }
    set { dropout = newValue ?? dropout }
  }
  public var multiple: Extent {
    (0..<max(0, widths.count - 1)).reduce(Extent(1, 1, 1)) { $0.map(factor($1)) { $0 * $1 } }
  }

  /// The network on N×C×D×H×W; returns logits N×classes×D×H×W.
  public func callAsFunction(_ net: Network, _ input: Tensor) -> Tensor {
    var x = input
    var skips: [Tensor] = []
    for (level, width) in widths.enumerated() {
      x = net.scope("encoder.\(level)") {
        var stride: Extent = 1
        if level > 0 {
          let factor = factor(level - 1)
          if down == .maxPool { x = x.maxPool(factor) } else { stride = factor }
        }
        return block(x, width, kernel(level), stride)
      }
      skips.append(x)
    }
    for (level, width) in widths.enumerated().dropLast().reversed() {
      x = net.scope("decoder.\(level)") {
        let factor = factor(level)
        let finer =
          up == .transposed
          ? x.upConv(width, kernel: factor, stride: factor) : x.upsample(.trilinear, factor)
        return block(skips[level].concat(finer), width, kernel(level), 1)
      }
    }
    return net.scope("head") { x.conv(classes, kernel: 1) }
  }

  /// Two convolutions, each with norm and activation; the first may stride.
  private func block(_ x: Tensor, _ width: Int, _ kernel: Extent, _ stride: Extent) -> Tensor {
    var y = x
    for i in 0..<2 {
      y = y.conv(
        width, kernel: kernel, stride: i == 0 ? stride : 1,
        padding: .explicit(kernel.map(kernel) { k, _ in k / 2 }))
      switch norm {
      case .none: break
      case .batch: y = y.batchNorm()
      case .renorm: y = y.norm(Normalisation(.batchRenorm))
      case .instance: y = y.instanceNorm()
      }
      y = y.activation(activation)
      if dropout > 0 && i == 0 { y = y.dropout(dropout) }
    }
    guard residual else { return y }
    let same = x.channels == width && stride == 1
    return y.add(same ? x : x.conv(width, kernel: 1, stride: stride, padding: .valid, name: "projection"))
  }
}
