import GraphCompiler
import LayerGraph

/// A small network around one operation. It runs on the device under test and on the CPU backend.
struct SelfTestCase: Sendable {
  /// `convolution`, `group norm` …: what a verdict names.
  var operation: String
  var variant: String
  var input: Shape
  var loss = "linear"
  // Adam would turn the rounding of a gradient near zero into a whole step.
  var optimizer = OptimizerKind.nesterov
  var algorithm = ConvolutionAlgorithm.automatic
  /// As under the tightest memory budget: tensors are made again, convolutions write over their input.
  var savesAll = false
  var declare: @Sendable (Network, Tensor) -> Tensor

  func graph() throws(GraphError) -> Graph { try Graph(operation, input: input, declare) }
}

extension SelfTestCase {
  /// Every operation, with odd extents. Blocked tensors (more than 8 channels) and planar ones, of one block and of
  /// two. The cases share shapes where they can, so that a driver compiles each specialisation once.
  static let all: [SelfTestCase] = convolutions + norms + activations + joins + geometry + losses + optimizers + networks
    + slabs

  private static func shape(_ channels: Int, _ extent: Extent = Extent(3, 5, 7), batch: Int = 2) -> Shape {
    Shape(batch: batch, channels: channels, extent: extent)
  }
  private static func one(
    _ operation: String, _ variant: String, _ channels: Int, _ extent: Extent = Extent(3, 5, 7),
    _ algorithm: ConvolutionAlgorithm = .automatic, _ apply: @escaping @Sendable (Tensor) -> Tensor
  ) -> SelfTestCase {
    SelfTestCase(operation: operation, variant: variant, input: shape(channels, extent), algorithm: algorithm) {
      _, x in apply(x)
    }
  }
  /// The operation on a blocked tensor that a convolution wrote, read by another one.
  private static func inside(
    _ operation: String, _ variant: String, _ extent: Extent = Extent(3, 5, 7),
    _ apply: @escaping @Sendable (Tensor) -> Tensor
  ) -> SelfTestCase {
    one(operation, variant, 3, extent) { apply($0.conv(18, kernel: 1)).conv(3, kernel: 1) }
  }

  private static let convolutions = [
    one("convolution", "3³, two blocks", 17, .init(5, 4, 9), .direct) { $0.conv(19) },
    one("convolution", "3³ of one channel", 1, .init(5, 4, 9), .direct) { $0.conv(19) },
    one("convolution", "1×3×3, stride 1×2×2", 17, .init(2, 5, 9)) {
      $0.conv(5, kernel: .init(1, 3, 3), stride: .init(1, 2, 2))
    },
    one("convolution", "2³ valid, stride 2", 5, .init(4, 6, 8)) { $0.conv(20, kernel: 2, stride: 2, padding: .valid) },
    one("convolution", "asymmetric padding", 5) {
      $0.conv(20, padding: .asymmetric(low: .init(0, 1, 2), high: .init(2, 0, 1)))
    },
    one("dilated convolution", "2×1×3", 5, .init(6, 5, 9)) { $0.conv(20, dilation: .init(2, 1, 3)) },
    one("grouped convolution", "3 groups", 6) { $0.conv(36, groups: 3) },
    one("grouped convolution", "depthwise", 20) { $0.conv(20, groups: 20) },
    one("Winograd convolution", "F(4³) or F(2³)", 17, .init(5, 6, 9), .winograd) { $0.conv(19) },
    one("Winograd convolution", "1×3×3", 17, .init(3, 6, 9), .winograd) { $0.conv(19, kernel: .init(1, 3, 3)) },
    one("Winograd convolution", "3³, stride 2", 17, .init(5, 6, 9), .winograd) { $0.conv(19, stride: 2) },
    one("Winograd convolution", "4³, stride 2, transposed", 17, .init(2, 3, 6), .winograd) {
      $0.upConv(19, kernel: 4, padding: 1)
    },
    one("Winograd convolution", "a norm behind", 17, .init(5, 6, 9), .winograd) { $0.conv(19).instanceNorm() },
    one("transposed convolution", "2³, stride 2", 17, .init(2, 3, 4)) { $0.upConv(5) },
    one("transposed convolution", "4³, stride 2, padding 1", 5, .init(2, 3, 4)) { $0.upConv(20, kernel: 4, padding: 1) },
    one("transposed convolution", "3³, output padding", 5, .init(2, 3, 4)) {
      $0.upConv(20, kernel: 3, padding: 1, outputPadding: 1)
    },
  ]

  private static let slabs = [
    one("convolution in slabs", "direct", 17, .init(9, 5, 7), .direct) { $0.conv(20).relu().conv(20).relu().conv(20) },
    one("convolution in slabs", "Winograd, norms", 17, .init(17, 5, 7), .winograd) {
      $0.conv(20).instanceNorm().relu().conv(20).instanceNorm().relu().conv(20)
    },
  ].map {
    var test = $0
    test.savesAll = true
    return test
  }

  private static let norms =
    [
      ("instance norm", Normalisation(.instance)), ("batch norm", Normalisation(.batch)),
      ("batch renorm", Normalisation(.batchRenorm)), ("group norm", Normalisation(.group, groups: 3)),
      ("layer norm", Normalisation(.group)),
    ].flatMap { name, norm in
      [one(name, "planar", 6) { $0.norm(norm) }, inside(name, "two blocks, with leaky ReLU") { $0.norm(norm).leakyReLU() }]
    }

  private static let activations =
    [
      ("ReLU", ActivationKind.relu), ("leaky ReLU", .leakyReLU(slope: 0.1)), ("sigmoid", .sigmoid),
      ("ELU", .elu(alpha: 0.7)),
      ("SiLU", .silu), ("GELU", .gelu), ("tanh", .tanh),
    ].flatMap { name, kind in
      [
        inside(name, "in an epilogue") { $0.activation(kind) },
        inside(name, "in a load") { $0.instanceNorm().activation(kind) },
      ]
    } + [
      one("PReLU", "one slope", 5) { $0.prelu().conv(3, kernel: 1) },
      inside("PReLU", "a slope a channel") { $0.prelu(perChannel: true) },
      inside("softmax", "two blocks") { $0.softmax() }, one("softmax", "planar", 5) { $0.softmax().conv(3, kernel: 1) },
      inside("dropout", "of elements") { $0.dropout(0.3) }, inside("dropout", "of channels") { $0.spatialDropout(0.3) },
    ]

  private static let joins = [
    inside("add", "equal shapes") { $0.add($0.relu()) },
    inside("add", "repeated") { $0.add($0.conv(1, kernel: 1)) },
    inside("multiply", "equal shapes") { $0.multiply($0.relu()) },
    inside("multiply", "by a map") { $0.multiply($0.conv(1, kernel: 1).sigmoid()) },
    inside("multiply", "by a gate") { $0.multiply($0.globalAveragePool().sigmoid()) },
    inside("concat", "read by a convolution") { $0.concat($0.relu(), $0.conv(3, kernel: 1)) },
    inside("concat", "stored") { $0.concat($0.conv(3, kernel: 1)).instanceNorm() },
    inside("concat", "six parts") { $0.concat($0.conv(3, kernel: 1), $0, $0.relu(), $0, $0) },
    inside("crop", "centre") { $0.crop(to: .init(1, 3, 4)) },
  ]

  private static let geometry = [
    inside("max pool", "2³", .init(4, 6, 8)) { $0.maxPool(2) },
    inside("max pool", "3³, stride 2, padding 1") { $0.maxPool(3, stride: 2, padding: 1) },
    inside("average pool", "2³", .init(4, 6, 8)) { $0.averagePool(2) },
    inside("average pool", "3³, padding not counted") { $0.averagePool(3, stride: 2, padding: 1, countsPadding: false) },
    inside("average pool", "global") { $0.globalAveragePool() },
    inside("upsample", "nearest", .init(2, 3, 4)) { $0.upsample(.nearest, .init(1, 2, 3)) },
    inside("upsample", "linear", .init(2, 3, 4)) { $0.upsample(.trilinear, 2) },
    inside("resize", "nearest") { $0.resize(.nearest, to: .init(5, 3, 8)) },
    inside("resize", "linear") { $0.resize(.trilinear, to: .init(5, 3, 8)) },
    inside("resize", "linear, aligned corners") { $0.resize(.trilinear, to: .init(5, 3, 8), alignCorners: true) },
    inside("pad", "constant") { $0.pad(low: 1, high: .init(0, 2, 1), .constant(0.5)) },
    inside("pad", "reflect") { $0.pad(low: 1, high: .init(0, 2, 1), .reflect) },
    inside("pad", "edge") { $0.pad(low: 1, high: .init(0, 2, 1), .edge) },
  ]

  private static let losses = [
    "cross-entropy", "dice", "dice-ce", "bce", "dice-bce", "jaccard", "squared-dice", "generalised-dice", "tversky",
    "soft-jaccard", "focal", "focal-bce", "clipped-cce", "softmax-twice", "weighted-ce",
  ].map { name in
    SelfTestCase(operation: "loss", variant: name, input: shape(3), loss: name) { _, x in x.conv(4, kernel: 1) }
  }

  private static let optimizers = [("Nesterov", OptimizerKind.nesterov), ("Adam", .adam), ("momentum", .momentum)].map {
    name, kind in
    SelfTestCase(operation: "optimizer", variant: name, input: shape(3), optimizer: kind) { _, x in x.conv(4, kernel: 1) }
  }

  private static let networks = [
    SelfTestCase(
      operation: "network", variant: "deep supervision", input: shape(1, .init(4, 4, 8)), loss: "dice-ce"
    ) { net, x in
      let fine = x.conv(9).instanceNorm().leakyReLU()
      let coarse = fine.conv(17, stride: 2).instanceNorm().leakyReLU()
      net.supervise(coarse.conv(3, kernel: 1), weight: 0.5)
      return coarse.upConv(9).concat(fine).conv(9).instanceNorm().leakyReLU().conv(3, kernel: 1)
    }
  ]
}
