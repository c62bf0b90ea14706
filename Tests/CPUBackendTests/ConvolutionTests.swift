import CPUBackend
import KernelCatalog
import Testing

@Suite struct ConvolutionTests {
  static let cases: [ConvolutionCase] = [
    ConvolutionCase(),
    ConvolutionCase(n: 2, inputs: [(.plain, 16)], outC: 32, input: [3, 7, 13], outputBlocks: 2),
    ConvolutionCase(n: 3, inputs: [(.normLeaky, 17)], outC: 37, input: [1, 3, 25], outputBlocks: 2,
        bias: false),
    ConvolutionCase(inputs: [(.planar, 1)], outC: 33, input: [5, 1, 7], outputBlocks: 2, activation: .leaky),
    ConvolutionCase(inputs: [(.planarHalf, 4), (.half, 3)], outC: 16, input: [2, 3, 5], halfOutput: true),
    ConvolutionCase(inputs: [(.normLeaky, 5), (.crop, 18), (.twoTerms, 7)], outC: 20, accumulate: true),
    ConvolutionCase(n: 2, inputs: [(.nearest, 6), (.trilinear, 9)], outC: 3, input: [5, 3, 11],
        planarOutput: true),
    ConvolutionCase(inputs: [(.keep, 19), (.sigmoid, 3)], outC: 8, activation: .sigmoid),
    ConvolutionCase(inputs: [(.relu, 8)], outC: 35, input: [5, 6, 7], stride: [2, 2, 2], outputBlocks: 2),
    ConvolutionCase(inputs: [(.plain, 8)], outC: 9, input: [5, 6, 27], kernel: [1, 3, 3], stride: [1, 2, 3],
      pad: [0, 1, 1], activation: .relu),
    ConvolutionCase(inputs: [(.plain, 33)], outC: 3, kernel: [1, 1, 1], pad: [0, 0, 0], planarOutput: true,
      halfOutput: true),
    ConvolutionCase(inputs: [(.plain, 4)], outC: 4, input: [7, 7, 7], kernel: [7, 5, 7], pad: [3, 2, 3]),
    // Transposed: k4s2p1, k2s2, k3s2p1 (with output padding), k3s1p1, anisotropic; and one with empty phases.
    ConvolutionCase(n: 2, inputs: [(.norm, 5)], outC: 18, input: [3, 2, 5], kernel: [4, 4, 4],
        stride: [2, 2, 2],
      transposed: true, outputBlocks: 2),
    ConvolutionCase(inputs: [(.normLeaky, 20)], outC: 7, input: [3, 4, 5], kernel: [2, 2, 2],
        stride: [2, 2, 2],
      pad: [0, 0, 0], transposed: true, halfOutput: true),
    ConvolutionCase(inputs: [(.plain, 3)], outC: 5, input: [3, 4, 5], stride: [2, 2, 2], transposed: true,
      accumulate: true),
    ConvolutionCase(inputs: [(.plain, 3)], outC: 5, input: [3, 4, 5], stride: [2, 2, 2], transposed: true,
      outputPadding: 1),
    ConvolutionCase(inputs: [(.planar, 3), (.half, 17)], outC: 35, input: [3, 4, 29], transposed: true,
      outputBlocks: 2),
    ConvolutionCase(inputs: [(.plain, 6)], outC: 2, input: [5, 4, 3], kernel: [1, 3, 3], stride: [1, 2, 2],
      pad: [0, 1, 1], transposed: true, planarOutput: true),
    ConvolutionCase(inputs: [(.plain, 3)], outC: 4, input: [3, 2, 4], kernel: [1, 2, 1], stride: [3, 3, 2],
      pad: [0, 0, 0], transposed: true, outputPadding: 2, activation: .leaky),
    ConvolutionCase(inputs: [(.plain, 5)], outC: 60, input: [3, 4, 7], outputBlocks: 4, mask: .relu),
    ConvolutionCase(inputs: [(.plain, 5)], outC: 7, input: [3, 4, 7], planarOutput: true, accumulate: true, mask: .leaky),
    ConvolutionCase(inputs: [(.plain, 5)], outC: 70, input: [3, 2, 7], outputBlocks: 3, halfOutput: true),
    // More channels than one staging holds.
    ConvolutionCase(inputs: [(.plain, 320)], outC: 4, input: [3, 3, 3], kernel: [5, 5, 5], pad: [2, 2, 2]),
  ]

  @Test(arguments: cases)
  func packsWeights(_ c: ConvolutionCase) throws {
    var random = TestRandom(7)
    let weights = random.values(c.inC * c.outC * c.taps)
    let expected = c.packed(weights)
    var call = try KernelCall("pack_weights")
    call.set("transposed", c.transposed ? 1 : 0)
    call.set("outputBlocks", c.outputBlocks)
    let packed = call.poisoned(expected.count)
    call.set("packed", packed)
    call.set("weights", call.floats(weights))
    c.setSegments(&call)
    c.setGeometry(&call)
    try call.runEverywhere { #expect($0.doubles(packed) == expected) }
  }

  @Test(arguments: cases)
  func convolves(_ c: ConvolutionCase) throws {
    let problem = ConvolutionProblem(c)
    var call = try KernelCall("conv3d")
    call.define("TRANSPOSED", c.transposed ? 1 : 0)
    call.define("STRIDE_W", c.stride[2])
    call.define("T", 4)
    call.define("LANES", 0)
    let out = problem.prepare(&call, weights: c.packed(problem.weights))
    call.set(["tileD", "tileH", "tileW"], [1, 1, 1])
    try call.runEverywhere { try problem.check($0, out, tolerance: 1e-5) }
  }

  @Test func staysWithinItsSlot() throws {
    let c = ConvolutionCase(n: 2, inputs: [(.normLeaky, 18)], outC: 20, input: [5, 6, 7])
    let problem = ConvolutionProblem(c)
    for slotFloats in [100, 20_000] {
      var call = try KernelCall("conv3d")
      for (name, value) in [("TRANSPOSED", 0), ("STRIDE_W", 1), ("T", 4), ("LANES", 0)] { call.define(name, value) }
      let out = problem.prepare(&call, weights: c.packed(problem.weights))
      call.set(["tileD", "tileH", "tileW"], [1, 1, 1])
      call.set("slots", call.floats([Float](repeating: .nan, count: 5 * slotFloats)))
      call.set("slotFloats", slotFloats)
      try call.runEverywhereIgnoringScratch { try problem.check($0, out, tolerance: 1e-5) }
    }
  }
}

/// Random operands of a case, its expected output, and the words that all convolution kernels share.
struct ConvolutionProblem {
  let c: ConvolutionCase
  let segments: [TestSegment]
  let weights: [Double]
  let bias: [Double]
  let before, mask: TestTensor
  let expected: TestTensor

  init(_ c: ConvolutionCase, seed: UInt64 = 1) {
    self.c = c
    var random = TestRandom(seed)
    segments = c.inputs.map { .random($0.kind, n: c.n, c: $0.channels, extent: c.input, &random) }
    weights = random.values(c.inC * c.outC * c.taps)
    bias = random.values(c.outC)
    before = TestTensor.random(c.n, c.outC, c.output, &random)
    mask = TestTensor.random(c.n, c.outC, c.output, &random)
    var out = c.sums(concatenated(segments.map { $0.value(c.input) }), weights)
    for i in out.values.indices {
      let channel = i / out.voxels % c.outC
      out.values[i] = activate(out.values[i] + (c.bias ? bias[channel] : 0), c.activation, 0.25)
      if c.accumulate { out.values[i] += before.values[i] }
      if c.mask != .none && mask.values[i] <= 0 { out.values[i] *= c.mask == .leaky ? 0.25 : 0 }
    }
    expected = out
  }

  func prepare(_ call: inout KernelCall, weights packed: [Double]) -> Region {
    call.define("OB", c.outputBlocks)
    call.define("OUT_BLOCK", c.planarOutput ? 1 : 16)
    call.define("OUT_HALF", c.halfOutput ? 1 : 0)
    call.define("BIAS", c.bias ? 1 : 0)
    call.define("OUT_ACT", c.activation.rawValue)
    call.define("ACCUMULATE", c.accumulate ? 1 : 0)
    call.define("MASK", c.mask.rawValue)
    call.set("mask", c.mask == .none ? nil : call.floats(mask.encoded(planar: c.planarOutput), half: c.halfOutput))
    call.set("maskVoxels", c.output.reduce(1, *))
    let stored = before.encoded(planar: c.planarOutput)
    let out = c.accumulate
      ? call.floats(stored, half: c.halfOutput) : call.poisoned(stored.count, half: c.halfOutput)
    call.set("out", out)
    call.set("weights", call.floats(packed))
    call.set("bias", c.bias ? call.floats(bias) : nil)
    call.define("STATISTICS", 0)  // 1: ConformanceTests
    call.set("tiles", nil)
    call.set("slots", nil)
    call.set("slotFloats", 0)
    call.set("slopeBits", 0.25)
    call.set("N", c.n)
    call.set(["inD", "inH", "inW"], c.input)
    call.set(["outD", "outH", "outW"], c.output)
    call.set("inBlocks", c.inputLanes.count / 16)
    call.set("outC", c.outC)
    c.setGeometry(&call)
    for segment in segments { segment.add(to: &call) }
    return out
  }

  func check(_ after: MemoryAfter, _ out: Region, tolerance: Double) throws {
    let (result, padding) = TestTensor.decoded(
      after.floats(out), c.n, c.outC, c.output, planar: c.planarOutput)
    let error = deviation(result.values, expected.values)
    #expect(error < (c.halfOutput ? 1e-3 : tolerance), "\(c)")
    #expect(padding == 0, "padding lanes of \(c)")
  }
}
