import LayerGraph

/// S2: mrshamshir/3D-Liver-Segmentation, 96³, background, liver, tumour; 5,836,099 parameters. Convolutions with
/// ReLU and no norm, max-pools, trilinear up-sampling without parameters, concat [up, skip].
public struct S2Liver: NetworkDeclaration {
  public var base = 32
  public var classes = 3
  public init() {}

  public var multiple: Extent { 8 }

  public func callAsFunction(_ net: Network, _ input: Tensor) -> Tensor {
    let e0 = net.scope("encoder.0") { double(input, base) }
    let e1 = net.scope("encoder.1") { double(e0.maxPool(2), 2 * base) }
    let e2 = net.scope("encoder.2") { double(e1.maxPool(2), 4 * base) }
    var x = net.scope("middle") { double(e2.maxPool(2), 8 * base) }
    x = net.scope("decoder.2") { double(x.upsample(.trilinear, 2).concat(e2), 4 * base) }
    x = net.scope("decoder.1") { double(x.upsample(.trilinear, 2).concat(e1), 2 * base) }
    x = net.scope("decoder.0") { double(x.upsample(.trilinear, 2).concat(e0), base) }
    return net.scope("head") { x.conv(classes, kernel: 1) }
  }

  private func double(_ x: Tensor, _ width: Int) -> Tensor { x.conv(width).relu().conv(width).relu() }
}
