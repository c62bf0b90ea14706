import Interchange
import LayerGraph
import Models
import Testing

/// The network of a case of `networks`, from its options.
struct ReferenceNetwork {
  let graph: Graph
  var endsInSoftmax: Bool { graph.nodes[graph.output].op == .softmax }
  /// In training its logits depend on the batch's statistics; `predict` uses the running ones.
  var usesBatchNorm: Bool {
    graph.nodes.contains {
      if case .normalisation(let norm) = $0.op { norm.kind == .batch } else { false }
    }
  }

  init(_ values: ReferenceValues) throws {
    let options = try #require(values.attributes["options"]?.objectValue)
    let shape = try values.integers("inputShape")
    let input = Shape(batch: shape[0], channels: shape[1], extent: Extent(Array(shape[2...])))
    switch try values.text("model") {
    case "unet3d":
      let unet = try Self.unet3d(options)
      graph = try Graph("unet3d", input: input) { unet($0, $1) }
    case "S2":
      var s2 = S2Liver()
      s2.base = try #require(options["base"]?.integerValue)
      let fixed = s2
      graph = try Graph("s2", input: input) { fixed($0, $1) }
    case "S3":
      var s3 = S3Prostate()
      s3.base = try #require(options["base"]?.integerValue)
      s3.classes = try #require(options["classes"]?.integerValue)
      s3.dropout = try #require(options["dropout"]?.doubleValue)
      let fixed = s3
      graph = try Graph("s3", input: input) { fixed($0, $1) }
    case let other: throw UnknownOperation(name: other)
    }
  }

  private static func unet3d(_ options: JSONObject) throws -> UNet3D {
    func extents(_ value: JSONValue) throws -> [Extent] {
      try #require(value.arrayValue).map { axes in
        Extent(try #require(axes.arrayValue).map { try #require($0.integerValue) })
      }
    }
    var unet = UNet3D()
    for member in options.members {
      let value = member.value
      switch member.key {
      case "widths": unet.widths = try #require(value.arrayValue).map { try #require($0.integerValue) }
      case "classes": unet.classes = try #require(value.integerValue)
      case "norm": unet.norm = try #require(UNet3D.Norm(rawValue: value.stringValue ?? ""))
      case "activation": unet.activation = value.stringValue == "relu" ? .relu : .leakyReLU(slope: 0.01)
      case "down": unet.down = try #require(UNet3D.Down(rawValue: value.stringValue ?? ""))
      case "up": unet.up = try #require(UNet3D.Up(rawValue: value.stringValue ?? ""))
      case "residual": unet.residual = try #require(value.boolValue as Bool?)
      case "kernels": unet.kernels = try extents(value)
      case "factors": unet.factors = try extents(value)
      case "inputChannels": break  // the input's own
      case let other: throw UnknownOperation(name: "option \(other)")
      }
    }
    return unet
  }
}
