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

  public init() {}

  /// The graph for N×C×D×H×W patches.
  /// - Parameter patch: voxels along x, y, z.
  public func graph(
    batch: Int, channels: Int, classes: Int, patch: SIMD3<Int>
  ) throws(GraphError) -> Graph {
    let input = Shape(batch: batch, channels: channels, extent: Extent(patch.z, patch.y, patch.x))
    switch name {
    case "nnunet-plain":
      var model = nnunet
      model.classes = classes
      return try Graph(name, input: input) { net, x in model(net, x) }
    case "s2-liver":
      var model = S2Liver()
      model.base = base ?? model.base
      model.classes = classes
      return try Graph(name, input: input) { net, x in model(net, x) }
    case "s3-prostate":
      var model = S3Prostate()
      model.base = base ?? model.base
      model.dropout = dropout ?? model.dropout
      model.classes = classes
      return try Graph(name, input: input) { net, x in model(net, x) }
    default:
      var model = unet
      model.classes = classes
      model.dropout = dropout ?? model.dropout
      return try Graph(name, input: input) { net, x in model(net, x) }
    }
  }

  /// What patch extents must be multiples of, along x, y, z.
  public var divisor: SIMD3<Int> {
    switch name {
    case "nnunet-plain":
      let divisor = nnunet.divisor
      return SIMD3(divisor.w, divisor.h, divisor.d)
    case "s2-liver": return SIMD3(repeating: 8)
    case "s3-prostate": return SIMD3(repeating: 16)
    default:
      let divisor = unet.divisor
      return SIMD3(divisor.w, divisor.h, divisor.d)
    }
  }
}
