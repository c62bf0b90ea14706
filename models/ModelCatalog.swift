import LayerGraph

/// A network that can be had narrower or wider than its author's.
public protocol NetworkDeclaration: Sendable {
  /// Channels of the first level; all others are in proportion.
  var base: Int { get set }
  /// Channels of the output.
  var classes: Int { get set }
  /// The share that dropout drops; nil where the network has none.
  var dropoutShare: Double? { get set }
  /// What the extents of the output (D×H×W) are multiples of, behind the remainder.
  var multiple: Extent { get }
  var remainder: Extent { get }
  /// Voxels by which the input is larger than the output, on each side.
  var margin: Extent { get }
  func callAsFunction(_ net: Network, _ input: Tensor) -> Tensor
}

extension NetworkDeclaration {
  public var dropoutShare: Double? {
    get { nil }
    set {}
  }
  public var remainder: Extent { 0 }
  public var margin: Extent { 0 }

  /// `widths` with `base` in front, at least one channel a level.
  static func scaled(_ widths: [Int], to base: Int) -> [Int] { widths.map { max(1, $0 * base / widths[0]) } }
}

/// The built-in networks by name. The labels of the published systems are aliases.
public struct BuiltInModel: Sendable {
  public var name: String
  public var aliases: [String]
  public var summary: String
  /// The author's own input, N×C×D×H×W.
  public var defaultInput: Shape
  public var classes: Int
  public var network: any NetworkDeclaration

  /// The graph for one input shape.
  /// - Parameter base: channels of the first level, all others in proportion; nil: its author's.
  public func graph(input: Shape? = nil, base: Int? = nil) throws(GraphError) -> Graph {
    var network = network
    network.classes = classes
    if let base { network.base = base }
    return try Graph(name, input: input ?? defaultInput) { [network] net, x in network(net, x) }
  }

  public static let all: [BuiltInModel] = [
    BuiltInModel(
      name: "unet3d", aliases: [],
      summary: "3D U-Net, widths 16 to 128, instance norm, leaky ReLU; every choice is a recipe's option",
      defaultInput: Shape(batch: 2, channels: 1, extent: 64), classes: 2,
      network: UNet3D()),
    BuiltInModel(
      name: "s0-liver", aliases: ["S0"],
      summary: "3D U-Net of the liver blog (Çiçek 2016), valid convolutions, batch norm",
      defaultInput: Shape(batch: 1, channels: 1, extent: 140), classes: 2,
      network: S0Liver()),
    BuiltInModel(
      name: "s0-liver-renorm", aliases: ["S0-renorm"],
      summary: "S0 with batch renorm, whose limits change between the sessions of a run",
      defaultInput: Shape(batch: 1, channels: 1, extent: 140), classes: 2,
      network: S0Liver(norm: .renorm)),
    BuiltInModel(
      name: "s0-liver-2d", aliases: ["S0-2D"],
      summary: "S0's twin on single slices",
      defaultInput: Shape(batch: 1, channels: 1, extent: Extent(1, 148, 148)), classes: 2,
      network: S0Liver(is2D: true)),
    BuiltInModel(
      name: "s1-lits-as-code", aliases: ["S1-as-code"],
      summary: "liver and lesion as independent channels, slabs, one convolution a block",
      defaultInput: Shape(batch: 12, channels: 1, extent: Extent(16, 168, 168)), classes: 2,
      network: S1LiverLesion(.asCode)),
    BuiltInModel(
      name: "s1-lits-as-text", aliases: ["S1-as-text"],
      summary: "liver and lesion as independent channels, slabs, two convolutions a block",
      defaultInput: Shape(batch: 12, channels: 1, extent: Extent(16, 168, 168)), classes: 2,
      network: S1LiverLesion(.asText)),
    BuiltInModel(
      name: "s2-liver", aliases: ["S2"],
      summary: "liver and tumour, no norm, trilinear up-sampling",
      defaultInput: Shape(batch: 2, channels: 1, extent: 96), classes: 3,
      network: S2Liver()),
    BuiltInModel(
      name: "s3-prostate", aliases: ["S3"],
      summary: "improved 3D U-Net (Isensee 2017), six classes, context modules, deep supervision",
      defaultInput: Shape(batch: 2, channels: 1, extent: Extent(128, 128, 64)), classes: 6,
      network: S3Prostate()),
    BuiltInModel(
      name: "s4-pancreas", aliases: ["S4"],
      summary: "attention U-Net in the slices' plane, whole volumes, fused deep-supervision maps",
      defaultInput: Shape(batch: 1, channels: 1, extent: 160), classes: 2,
      network: S4Pancreas()),
    BuiltInModel(
      name: "mlperf-unet3d", aliases: ["R1"],
      summary: "UNet3D of MLPerf Training (KiTS19), instance norm, strided convolutions",
      defaultInput: Shape(batch: 2, channels: 1, extent: 128), classes: 3,
      network: R1MLPerfUNet3D()),
    BuiltInModel(
      name: "nnunet-plain", aliases: ["R2"],
      summary: "nnU-Net's plain six-stage network with five deep-supervision heads",
      defaultInput: Shape(batch: 2, channels: 1, extent: 128), classes: 3,
      network: R2NNUNet()),
  ]

  /// By name or alias, whatever the case.
  public static func named(_ name: String) -> BuiltInModel? {
    let wanted = name.lowercased()
    return all.first { model in
      model.name == wanted || model.aliases.contains { $0.lowercased() == wanted }
    }
  }
}
