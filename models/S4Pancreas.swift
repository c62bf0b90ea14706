import LayerGraph

/// S4: IvanKuchin/pancreas_segmentation, attention U-Net with deep-supervision maps fused into one output, whole
/// volumes of 160³; 2,575,741 parameters. No operation mixes slices: the author's 3×3×1 is Extent(1, 3, 3).
/// No norm. Concat [up, gated skip]; the finest skip is not gated.
public struct S4Pancreas: NetworkDeclaration {
  public var base = 16
  public var classes = 2
  public init() {}

  public var multiple: Extent { Extent(1, 16, 16) }

  private let inPlane = Extent(1, 2, 2)

  public func callAsFunction(_ net: Network, _ input: Tensor) -> Tensor {
    net.initialisation = .heUniform
    var x = input
    var skips: [Tensor] = []
    for level in 0..<5 {
      x = net.scope("encoder.\(level)") { double(level == 0 ? x : x.maxPool(inPlane), base << level) }
      skips.append(x)
    }
    let gating = net.scope("gating") { x.conv(8 * base, kernel: 1) }
    var maps: [Tensor] = []
    for level in [3, 2, 1, 0] {
      let width = base << level
      x = net.scope("decoder.\(level)") {
        let up = x.upConv(width, kernel: Extent(1, 4, 4), stride: inPlane, padding: Extent(0, 1, 1))
        let skip = level == 0 ? skips[0] : net.scope("gate") { gate(skips[level], gating) }
        return double(up.concat(skip), width)
      }
      let map = net.scope("supervision.\(level)") { x.conv(classes, kernel: 1) }
      maps.append(level == 0 ? map : map.upsample(.nearest, Extent(1, 1 << level, 1 << level)))
    }
    return net.scope("head") { maps[0].concat(Array(maps.dropFirst())).conv(classes, kernel: 1).softmax() }
  }

  private func double(_ x: Tensor, _ width: Int) -> Tensor {
    x.conv(width, kernel: Extent(1, 3, 3)).relu().conv(width, kernel: Extent(1, 3, 3)).relu()
  }

  /// Additive attention (Oktay et al. 2018): W(x·ψ), ψ = σ(conv(relu(θ(x) + φ(g)))).
  private func gate(_ x: Tensor, _ gating: Tensor) -> Tensor {
    let theta = x.conv(x.channels / 2, kernel: inPlane, stride: inPlane, padding: .valid, bias: false, name: "theta")
    let phi = gating.conv(x.channels / 2, kernel: 1, name: "phi")
    let factor = theta.extent.map(gating.extent) { $0 / $1 }
    let psi = theta.add(phi.upsample(.nearest, factor)).relu().conv(1, kernel: 1, name: "psi").sigmoid()
    return x.multiply(psi.upsample(.nearest, inPlane)).conv(x.channels, kernel: 1, name: "W")
  }
}
