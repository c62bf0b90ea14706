import LayerGraph
import Models
import Volumes

/// A network by name with its options. Classes and channels come from the data.
public struct ModelSettings: Sendable, Equatable {
  public var name = "unet3d"
  /// Of `unet3d`; its `classes` is not read.
  public var unet = UNet3D()
  /// Of `nnunet-plain`; its `classes` is not read.
  public var nnunet = R2NNUNet()
  /// Channels of the first level of the other models; nil: their own.
  public var base: Int?
  /// Of models that have dropout.
  public var dropout: Double?
  /// Of `s0-liver` and `s0-liver-2d`; nil: batch norm.
  public var norm: S0Liver.Norm?

  public init() {}

  /// The network with its options, whatever its number of classes.
  var network: any NetworkDeclaration {
    if name == "nnunet-plain" { return nnunet }
    guard name != "unet3d", let model = BuiltInModel.named(name) else {
      var network = unet
      network.dropoutShare = dropout
      return network
    }
    var network = model.network
    if let base { network.base = base }
    if let dropout { network.dropoutShare = dropout }
    if let norm, var liver = network as? S0Liver {
      liver.norm = norm
      network = liver
    }
    return network
  }

  /// The graph whose output is N×classes×D×H×W; its input is larger by `margin` on each side.
  /// - Parameter patch: voxels of the output along x, y, z.
  public func graph(
    batch: Int, channels: Int, classes: Int, patch: SIMD3<Int>
  ) throws(GraphError) -> Graph {
    var network = network
    network.classes = classes
    let size = patch &+ 2 &* margin
    let input = Shape(batch: batch, channels: channels, extent: Extent(size.z, size.y, size.x))
    return try Graph(name, input: input) { [network] net, x in network(net, x) }
  }

  /// The graph of a recipe whose data was not looked at, for an input of that shape or for its own patch and batch.
  ///
  /// - Parameter input: N×C×D×H×W of the input, margin included.
  public func graph(_ recipe: Recipe, batch: Int? = nil, input: Shape? = nil) throws(GraphError) -> Graph {
    let own = recipe.sampler.patch
    let patch = input.map { SIMD3($0.extent.w, $0.extent.h, $0.extent.d) &- 2 &* margin } ?? own
    let data = recipe.data
    return try graph(
      batch: input?.batch ?? batch ?? recipe.sampler.batch, channels: input?.channels ?? max(1, data.channels.count),
      classes: data.regions.isEmpty ? max(2, data.classes.count) : data.regions.count, patch: patch)
  }

  /// What patch extents are multiples of, behind `remainder`; along x, y, z.
  public var divisor: SIMD3<Int> { Self.axes(network.multiple) }

  /// What patch extents leave when divided by `divisor`.
  public var remainder: SIMD3<Int> { Self.axes(network.remainder) }

  /// Voxels by which the network's input is larger than its patch on each side (valid convolutions).
  public var margin: SIMD3<Int> { Self.axes(network.margin) }

  private static func axes(_ extent: Extent) -> SIMD3<Int> { SIMD3(extent.w, extent.h, extent.d) }
}
