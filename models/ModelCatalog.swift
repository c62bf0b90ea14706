import LayerGraph

/// The built-in networks by name. The labels of the published systems are aliases.
public struct BuiltInModel: Sendable {
  public var name: String
  public var aliases: [String]
  public var summary: String
  /// The author's own input, N×C×D×H×W.
  public var defaultInput: Shape
  public var classes: Int
  public var declare: @Sendable (Network, Tensor) -> Tensor

  /// The graph for one input shape.
  public func graph(input: Shape? = nil) throws(GraphError) -> Graph {
    try Graph(name, input: input ?? defaultInput, declare)
  }

  public static let all: [BuiltInModel] = [
    BuiltInModel(
      name: "unet3d", aliases: [],
      summary: "3D U-Net, widths 16 to 128, instance norm, leaky ReLU; every choice is a recipe's option",
      defaultInput: Shape(batch: 2, channels: 1, extent: 64), classes: 2,
      declare: { net, x in UNet3D()(net, x) }),
    BuiltInModel(
      name: "s2-liver", aliases: ["S2"],
      summary: "liver and tumour, no norm, trilinear up-sampling",
      defaultInput: Shape(batch: 2, channels: 1, extent: 96), classes: 3,
      declare: { net, x in S2Liver()(net, x) }),
    BuiltInModel(
      name: "s3-prostate", aliases: ["S3"],
      summary: "improved 3D U-Net (Isensee 2017), six classes, context modules, deep supervision",
      defaultInput: Shape(batch: 2, channels: 1, extent: Extent(128, 128, 64)), classes: 6,
      declare: { net, x in S3Prostate()(net, x) }),
  ]

  /// By name or alias, whatever the case.
  public static func named(_ name: String) -> BuiltInModel? {
    let wanted = name.lowercased()
    return all.first { model in
      model.name == wanted || model.aliases.contains { $0.lowercased() == wanted }
    }
  }
}
