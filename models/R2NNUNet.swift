import LayerGraph

/// R2: nnU-Net's plain network (Isensee et al. 2021), by default of six stages for 128³; 31,196,399 parameters with its
/// five heads. Convolution with bias, instance norm, leaky ReLU; strided convolutions down, transposed ones of the same
/// factor up; concat [up, skip]; a head at every resolution of the decoder, its loss weighted 1, ½, ¼, … and 0 for the
/// coarsest, over their sum.
///
/// Stages, widths, kernels and strides are what nnU-Net's planner chooses for each data set.
public struct R2NNUNet: NetworkDeclaration, Equatable {
  /// Channels of each stage, finest first; at least two.
  public var widths = [32, 64, 128, 256, 320, 320]
  public var base: Int {
    get { widths[0] }
    set { widths = Self.scaled(widths, to: newValue) }
  }
  public var classes = 3
  /// Kernel of each stage; 3³ where absent. 1 along an axis whose voxels are still too thick.
  public var kernels: [Extent] = []
  /// Stride between stage i and stage i + 1; 2³ where absent.
  public var factors: [Extent] = []
  public init() {}

  private func kernel(_ stage: Int) -> Extent { stage < kernels.count ? kernels[stage] : 3 }
  private func factor(_ stage: Int) -> Extent { stage < factors.count ? factors[stage] : 2 }

  public var multiple: Extent {
    (0..<max(0, widths.count - 1)).reduce(Extent(1, 1, 1)) { $0.map(factor($1)) { $0 * $1 } }
  }

  /// The network on N×C×D×H×W; returns logits N×classes×D×H×W.
  public func callAsFunction(_ net: Network, _ input: Tensor) -> Tensor {
    net.initialisation = .heNormal(slope: 0.01)
    var x = input
    var skips: [Tensor] = []
    for (level, width) in widths.enumerated() {
      x = net.scope("encoder.\(level)") { block(x, width, level, stride: level == 0 ? 1 : factor(level - 1)) }
      skips.append(x)
    }
    let coarsest = widths.count - 2
    let total = (0..<max(1, coarsest)).reduce(0.0) { $0 + 1 / Double(1 << $1) }
    net.outputWeight = 1 / total
    var head = x
    for (level, width) in widths.enumerated().dropLast().reversed() {
      let finer = factor(level)
      x = net.scope("decoder.\(level)") {
        block(x.upConv(width, kernel: finer, stride: finer).concat(skips[level]), width, level, stride: 1)
      }
      head = net.scope("head.\(level)") { x.conv(classes, kernel: 1) }
      if level > 0 { net.supervise(head, weight: level == coarsest ? 0 : 1 / Double(1 << level) / total) }
    }
    return head
  }

  /// Two convolutions, each with norm and activation; the first may stride.
  private func block(_ x: Tensor, _ width: Int, _ level: Int, stride: Extent) -> Tensor {
    (0..<2).reduce(x) { x, i in
      x.conv(width, kernel: kernel(level), stride: i == 0 ? stride : 1).instanceNorm().leakyReLU(0.01)
    }
  }
}
