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
      name: "s0-liver", aliases: ["S0"],
      summary: "3D U-Net of the liver blog (Çiçek 2016), valid convolutions, batch norm",
      defaultInput: Shape(batch: 1, channels: 1, extent: 140), classes: 2,
      declare: { net, x in S0Liver()(net, x) }),
    BuiltInModel(
      name: "s0-liver-renorm", aliases: ["S0-renorm"],
      summary: "S0 with batch renorm, whose limits change between the sessions of a run",
      defaultInput: Shape(batch: 1, channels: 1, extent: 140), classes: 2,
      declare: { net, x in
        var model = S0Liver()
        model.norm = .renorm
        return model(net, x)
      }),
    BuiltInModel(
      name: "s0-liver-2d", aliases: ["S0-2D"],
      summary: "S0's twin on single slices",
      defaultInput: Shape(batch: 1, channels: 1, extent: Extent(1, 148, 148)), classes: 2,
      declare: { net, x in
        var model = S0Liver()
        model.is2D = true
        return model(net, x)
      }),
    BuiltInModel(
      name: "s1-lits-as-code", aliases: ["S1-as-code"],
      summary: "liver and lesion as independent channels, slabs, one convolution a block",
      defaultInput: Shape(batch: 12, channels: 1, extent: Extent(16, 168, 168)), classes: 2,
      declare: { net, x in S1LiverLesion(.asCode)(net, x) }),
    BuiltInModel(
      name: "s1-lits-as-text", aliases: ["S1-as-text"],
      summary: "liver and lesion as independent channels, slabs, two convolutions a block",
      defaultInput: Shape(batch: 12, channels: 1, extent: Extent(16, 168, 168)), classes: 2,
      declare: { net, x in S1LiverLesion(.asText)(net, x) }),
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
    BuiltInModel(
      name: "s4-pancreas", aliases: ["S4"],
      summary: "attention U-Net in the slices' plane, whole volumes, fused deep-supervision maps",
      defaultInput: Shape(batch: 1, channels: 1, extent: 160), classes: 2,
      declare: { net, x in S4Pancreas()(net, x) }),
    BuiltInModel(
      name: "mlperf-unet3d", aliases: ["R1"],
      summary: "UNet3D of MLPerf Training (KiTS19), instance norm, strided convolutions",
      defaultInput: Shape(batch: 2, channels: 1, extent: 128), classes: 3,
      declare: { net, x in R1MLPerfUNet3D()(net, x) }),
    BuiltInModel(
      name: "nnunet-plain", aliases: ["R2"],
      summary: "nnU-Net's plain six-stage network with five deep-supervision heads",
      defaultInput: Shape(batch: 2, channels: 1, extent: 128), classes: 3,
      declare: { net, x in R2NNUNet()(net, x) }),
  ]

  /// By name or alias, whatever the case.
  public static func named(_ name: String) -> BuiltInModel? {
    let wanted = name.lowercased()
    return all.first { model in
      model.name == wanted || model.aliases.contains { $0.lowercased() == wanted }
    }
  }
}
