import LayerGraph

/// S0: the 3D U-Net of the liver blog, Çiçek et al. 2016 with its widths: valid convolutions, two a level, whose
/// input is 88 voxels larger than the output on every axis; 19,073,730 parameters. Concat [cropped skip, up].
public struct S0Liver: NetworkDeclaration {
  public enum Norm: String, Sendable, CaseIterable { case none, batch, renorm }

  public var base = 32
  public var classes = 2
  public var norm: Norm
  /// In front of each convolution but the first.
  public var dropout = 0.0
  /// One slice: kernels 1×3×3, windows 1×2×2. The twin for sanity checks.
  public var is2D: Bool
  public init(norm: Norm = .batch, is2D: Bool = false) {
    self.norm = norm
    self.is2D = is2D
  }

  public var dropoutShare: Double? {
    get { dropout }
    set { dropout = newValue ?? dropout }
  }
  /// Three poolings: an output edge is 8·b − 28 for b voxels at the bottom, two convolutions a level behind its input.
  public var multiple: Extent { is2D ? Extent(1, 8, 8) : 8 }
  public var remainder: Extent { is2D ? Extent(0, 4, 4) : 4 }
  public var margin: Extent { is2D ? Extent(0, 44, 44) : 44 }

  private var kernel: Extent { is2D ? Extent(1, 3, 3) : 3 }
  private var window: Extent { is2D ? Extent(1, 2, 2) : 2 }

  public func callAsFunction(_ net: Network, _ input: Tensor) -> Tensor {
    var x = input
    var skips: [Tensor] = []
    for level in 0..<4 {
      x = net.scope("encoder.\(level)") {
        let pooled = level == 0 ? x : x.maxPool(window)
        return block(block(pooled, base << level, isFirst: level == 0), base << (level + 1))
      }
      skips.append(x)
    }
    for level in [2, 1, 0] {
      let width = base << (level + 1)
      x = net.scope("decoder.\(level)") {
        let up = x.upConv(x.channels, kernel: window, stride: window)
        return block(block(skips[level].crop(to: up.extent).concat(up), width), width)
      }
    }
    return net.scope("head") { x.conv(classes, kernel: 1).softmax() }
  }

  private func block(_ x: Tensor, _ width: Int, isFirst: Bool = false) -> Tensor {
    let kept = dropout > 0 && !isFirst ? x.dropout(dropout) : x
    let z = kept.conv(width, kernel: kernel, padding: .valid)
    switch norm {
    case .none: return z.relu()
    case .batch: return z.norm(Normalisation(.batch, epsilon: 1e-3, momentum: 0.01)).relu()
    case .renorm: return z.norm(Normalisation(.batchRenorm, epsilon: 1e-3, momentum: 0.01)).relu()
    }
  }
}
