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
      if case .normalisation(let norm) = $0.op { norm.isOverBatch } else { false }
    }
  }

  init(_ values: ReferenceValues) throws {
    let options = try #require(values.attributes["options"]?.objectValue)
    let shape = try values.integers("inputShape")
    let input = Shape(batch: shape[0], channels: shape[1], extent: Extent(Array(shape[2...])))
    let declare = try Self.network(values.text("model"), options)
    graph = try Graph("network", input: input, declare)
  }

  private static func network(_ model: String, _ options: JSONObject) throws -> (Network, Tensor) -> Tensor {
    func integer(_ key: String) throws -> Int { try #require(options[key]?.integerValue) }
    func widths() throws -> [Int] {
      try #require(options["widths"]?.arrayValue).map { try #require($0.integerValue) }
    }
    switch model {
    case "unet3d":
      let unet = try unet3d(options)
      return { unet($0, $1) }
    case "S0":
      var s0 = S0Liver()
      s0.base = try integer("base")
      s0.norm = try #require(S0Liver.Norm(rawValue: options["norm"]?.stringValue ?? ""))
      s0.is2D = try #require(options["is2D"]?.boolValue as Bool?)
      return { [s0] in s0($0, $1) }
    case "S1":
      var s1 = S1LiverLesion(options["form"]?.stringValue == "asText" ? .asText : .asCode)
      s1.base = try integer("base")
      return { [s1] in s1($0, $1) }
    case "S2":
      var s2 = S2Liver()
      s2.base = try integer("base")
      return { [s2] in s2($0, $1) }
    case "S3":
      var s3 = S3Prostate()
      s3.base = try integer("base")
      s3.classes = try integer("classes")
      s3.dropout = try #require(options["dropout"]?.doubleValue)
      return { [s3] in s3($0, $1) }
    case "S4":
      var s4 = S4Pancreas()
      s4.base = try integer("base")
      return { [s4] in s4($0, $1) }
    case "R1":
      var r1 = R1MLPerfUNet3D()
      r1.widths = try widths()
      return { [r1] in r1($0, $1) }
    case "R2":
      var r2 = R2NNUNet()
      r2.widths = try widths()
      return { [r2] in r2($0, $1) }
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
