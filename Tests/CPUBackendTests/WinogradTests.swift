import CPUBackend
import Testing

@Suite struct WinogradTests {
  static let cases: [ConvolutionCase] = [
    ConvolutionCase(),
    ConvolutionCase(n: 2, inputs: [(.normLeaky, 17)], outC: 37, input: [5, 7, 13], outputBlocks: 2),
    ConvolutionCase(inputs: [(.plain, 3)], outC: 50, input: [4, 3, 9], outputBlocks: 4),
    ConvolutionCase(inputs: [(.twoTerms, 5), (.half, 18)], outC: 20, input: [4, 8, 53], halfOutput: true),
    ConvolutionCase(inputs: [(.planar, 2)], outC: 3, input: [1, 2, 3], planarOutput: true, activation: .relu),
    ConvolutionCase(n: 3, inputs: [(.crop, 16)], outC: 16, input: [7, 5, 3], pad: [0, 2, 1],
        accumulate: true, mask: .leaky),
  ]

  /// G of F(m, 3) by its definition: row j is (1, a, a²) / Π (a − other points); the last is (0, 0, 1).
  static func weightMatrix(_ m: Int) -> [[Double]] {
    let points: [Double] = m == 4 ? [0, 0.75, -0.75, 1.5, -1.5] : [0, 1, -1]
    return points.map { a in
      let product = points.filter { $0 != a }.reduce(1) { $0 * (a - $1) }
      return [1, a, a * a].map { $0 / product }
    } + [[0, 0, 1]]
  }

  /// U as the catalogue says.
  static func transformed(_ c: ConvolutionCase, _ weights: [Double], m: Int, flip: Bool) -> [Double] {
    let g = weightMatrix(m), n = m + 2, lanes = c.inputLanes
    let outputs = (c.outC + 16 * c.outputBlocks - 1) / (16 * c.outputBlocks) * 16 * c.outputBlocks
    let width = 16 * c.outputBlocks
    var u = [Double](repeating: 0, count: n * n * n * lanes.count * outputs)
    for (row, lane) in lanes.enumerated() {
      guard let i = lane else { continue }
      for o in 0..<c.outC {
        for f in 0..<n * n * n {
          var sum = 0.0
          for tap in 0..<27 {
            let w = weights[i * c.strideIn + o * c.strideOut + (flip ? 26 - tap : tap)]
            sum += g[f / n / n][tap / 9] * g[f / n % n][tap / 3 % 3] * g[f % n][tap % 3] * w
          }
          u[((f * (outputs / width) + o / width) * lanes.count + row) * width + o % width] = sum
        }
      }
    }
    return u
  }

  @Test(arguments: cases, [2, 4])
  func transformsWeights(_ c: ConvolutionCase, m: Int) throws {
    var random = TestRandom(3)
    let weights = random.values(c.inC * c.outC * 27)
    for flip in [false, true] {
      let expected = WinogradTests.transformed(c, weights, m: m, flip: flip)
      var call = try KernelCall("winograd_weights")
      call.define("M", m)
      call.define("KD", 3)
      call.set("outputBlocks", c.outputBlocks)
      call.set("flip", flip ? 1 : 0)
      call.set("kH", 3)
      let packed = call.poisoned(expected.count)
      call.set("packed", packed)
      call.set("weights", call.floats(weights))
      c.setSegments(&call)
      try call.runEverywhere { #expect(deviation($0.doubles(packed), expected) < 1e-6) }
    }
  }

  @Test(arguments: cases, [2, 4])
  func equalsDirectConvolution(_ c: ConvolutionCase, m: Int) throws {
    let problem = ConvolutionProblem(c)
    var call = try KernelCall("conv3d_winograd")
    call.define("M", m)
    call.define("KD", 3)
    call.define("TRANSPOSED", 0)
    call.define("TW", 4)
    call.define("INNER", 0)  // 1: ConformanceTests
    let out = problem.prepare(&call, weights: WinogradTests.transformed(c, problem.weights, m: m,
        flip: false))
    try call.runEverywhere { try problem.check($0, out, tolerance: 1e-5) }
  }
}
