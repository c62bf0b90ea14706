import ExecutionPlan
import GraphCompiler
import LayerGraph
import Training

/// Small integers whose sums are exact even in half precision (all partial sums below 2048): a wrong bit is a
/// miscompiled kernel, not rounding. The expected values are plain loops over the definition.
struct ExactCase: Sendable {
  var operation: String
  var name: String
  var input: Shape
  var declare: @Sendable (Network, Tensor) -> Tensor
  var algorithm = ConvolutionAlgorithm.direct

  static let all: [ExactCase] = [
    ExactCase(operation: "convolution", name: "3³", input: shape(17)) { _, x in x.conv(19) },
    ExactCase(operation: "convolution", name: "1×3×3, stride 2", input: shape(5)) { _, x in
      x.conv(20, kernel: .init(1, 3, 3), stride: 2)
    },
    ExactCase(operation: "transposed convolution", name: "2³, stride 2", input: shape(17)) { _, x in x.upConv(5) },
    ExactCase(operation: "dilated convolution", name: "2×1×3", input: shape(5)) { _, x in
      x.conv(20, dilation: .init(2, 1, 3))
    },
  ]

  private static func shape(_ channels: Int) -> Shape {
    Shape(batch: 2, channels: channels, extent: Extent(3, 4, 7))
  }

  /// Output, weight gradient, bias gradient and input gradient of loss = Σ y·z, all exact.
  func check(_ precision: Precision, on device: any Device) throws -> SelfTest.Check {
    let graph = try Graph(operation, input: input, declare)
    let out = graph.outputShape
    guard let node = graph.nodes.last, var loss = LossCatalog.named("linear") else {
      preconditionFailure("internal: no network")
    }
    loss.entropyWeight = Double(out.count)
    var options = CompilerOptions()
    options.precision = precision
    options.algorithm = algorithm
    options.training = TrainingOptions(loss: loss)
    options.training?.differentiatesInput = true
    let plan = try compile(graph, options: options, device: device.description).plan
    var random = SelfTestRandom(seed: 5)
    /// Mostly zeros: sums stay below 2048.
    func integers(_ count: Int, _ reach: Int) -> [Int] {
      (0..<count).map { _ in random.below(3) == 0 ? random.below(2 * reach + 1) - reach : 0 }
    }
    let x = integers(input.count, 3)
    let parameters = graph.parameters.map { integers($0.count, 2) }
    let target = integers(out.count, 2)
    let session = try TrainingSession(
      device.load(plan), parameters: parameters.flatMap { $0.map(Float.init) }, optimizer: OptimizerSettings())
    let output = try session.predict(x.map(Float.init))
    try session.accumulate(
      MicroBatch(input: x.map(Float.init), target: .channels(target.map(Float.init))), index: 0, of: 1, step: 0)
    let found = try output + session.gradients() + session.read("inputGradient")
    let expected = IntegerConvolution(graph.inputShape, node).all(x, parameters, target)
    let wrong = zip(found, expected).reduce(0) { $0 + ($1.0 == Float($1.1) ? 0 : 1) }
    return SelfTest.Check(
      operation: operation, variant: "\(name), exact integers", precision: precision, what: "exact integers",
      error: wrong == 0 && found.count == expected.count ? 0 : .infinity, digest: SelfTest.digest(found))
  }
}

/// A convolution or transposed convolution and its adjoints in integers, term by term.
private struct IntegerConvolution {
  let from, to: Shape
  let shape: ConvolutionShape
  let isTransposed: Bool

  init(_ input: Shape, _ node: Node) {
    from = input
    to = node.shape
    switch node.op {
    case .convolution(let shape): (self.shape, isTransposed) = (shape, false)
    case .transposedConvolution(let shape): (self.shape, isTransposed) = (shape, true)
    default: preconditionFailure("internal: no convolution")
    }
  }

  /// Output, weight gradient, bias gradient, input gradient, one behind the other.
  func all(_ x: [Int], _ parameters: [[Int]], _ g: [Int]) -> [Int] {
    let weights = parameters[0]
    let bias = parameters[1]
    var y = (0..<to.count).map { bias[$0 / to.extent.count % to.channels] }
    var gradW = [Int](repeating: 0, count: weights.count)
    var gradX = [Int](repeating: 0, count: x.count)
    forEachTerm { xAt, wAt, yAt in
      y[yAt] += weights[wAt] * x[xAt]
      gradW[wAt] += g[yAt] * x[xAt]
      gradX[xAt] += g[yAt] * weights[wAt]
    }
    let gradB = (0..<to.channels).map { c in
      g.indices.reduce(0) { $0 + ($1 / to.extent.count % to.channels == c ? g[$1] : 0) }
    }
    return y + gradW + gradB + gradX
  }

  /// Places of input, weight and output of each product.
  private func forEachTerm(_ body: (Int, Int, Int) -> Void) {
    let taps = shape.kernel.count
    for n in 0..<from.batch {
      for tap in 0..<taps {
        let k = position(tap, in: shape.kernel)
        // The side that the kernel slides over is the input, or a transposed convolution's output.
        let (small, large) = isTransposed ? (from.extent, to.extent) : (to.extent, from.extent)
        for p in 0..<small.count {
          let at = position(p, in: small).map(shape.stride) { $0 * $1 }.map(shape.padding) { $0 - $1 }
            .map(k.map(shape.dilation) { $0 * $1 }) { $0 + $1 }
          guard at.map(large, { $0 >= 0 && $0 < $1 ? 1 : 0 }) == 1 else { continue }
          let q = (at.d * large.h + at.h) * large.w + at.w
          let (xVoxel, yVoxel) = isTransposed ? (p, q) : (q, p)
          for i in 0..<from.channels {
            for o in 0..<to.channels {
              let weight = isTransposed ? (i * to.channels + o) * taps + tap : (o * from.channels + i) * taps + tap
              body(
                (n * from.channels + i) * from.extent.count + xVoxel, weight,
                (n * to.channels + o) * to.extent.count + yVoxel)
            }
          }
        }
      }
    }
  }

  private func position(_ index: Int, in extent: Extent) -> Extent {
    Extent(index / (extent.h * extent.w), index / extent.w % extent.h, index % extent.w)
  }
}
