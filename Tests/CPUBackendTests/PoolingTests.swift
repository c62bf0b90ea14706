import CPUBackend
import KernelCatalog
import Testing

@Suite struct PoolingTests {
  struct Case: CustomStringConvertible {
    var kind = TestSegment.Kind.plain
    var n = 2, c = 5, input = [4, 6, 8], window = [2, 2, 2], planar = false, half = false, mask = 0
    var output: [Int] { (0..<3).map { input[$0] / window[$0] } }
    var description: String { "\(kind) C \(c) \(input) window \(window)" }
  }
  static let cases = [
    Case(), Case(kind: .normLeaky, n: 1, c: 17, input: [5, 7, 9], mask: 2),
    Case(kind: .relu, c: 18, input: [3, 5, 9], window: [2, 2, 3], mask: 1),
        Case(kind: .planar, c: 3, input: [3, 5, 131], planar: true),
    Case(kind: .half, c: 37, input: [3, 4, 7], window: [1, 2, 3], half: true),
        Case(kind: .twoTerms, c: 16, window: [3, 3, 3]),
    Case(kind: .relu, c: 4, input: [1, 2, 3], window: [1, 2, 1]),
  ]

  private static func set(_ call: inout KernelCall, _ c: Case) {
    call.set(["N", "C"], [c.n, c.c])
    call.set(["inD", "inH", "inW"], c.input)
    call.set(["outD", "outH", "outW"], c.output)
    call.set(["windowD", "windowH", "windowW"], c.window)
  }

  /// Input voxels of a window in D, H, W order.
  private static func voxels(_ c: Case, _ d: Int, _ h: Int, _ w: Int) -> [(Int, Int, Int)] {
    (0..<c.window[0]).flatMap { i in (0..<c.window[1]).flatMap { j in (0..<c.window[2]).map { k in
      (d * c.window[0] + i, h * c.window[1] + j, w * c.window[2] + k)
    } } }
  }

  @Test(arguments: cases, [false, true])
  func takesTheLargest(_ c: Case, accumulate: Bool) throws {
    var random = TestRandom(6)
    let segment = TestSegment.random(c.kind, n: c.n, c: c.c, extent: c.input, &random)
    let x = segment.value(c.input), g = TestTensor.random(c.n, c.c, c.output, &random)
    let old = TestTensor.random(c.n, c.c, c.input, &random)
    var pooled = TestTensor(n: c.n, c: c.c, extent: c.output)
    var gIn = accumulate ? old : TestTensor(n: c.n, c: c.c, extent: c.input)
    for n in 0..<c.n { for channel in 0..<c.c {
      for d in 0..<c.output[0] { for h in 0..<c.output[1] { for w in 0..<c.output[2] {
        var best: (Int, Int, Int)?
        for v in PoolingTests.voxels(c, d, h, w) {
          guard let b = best else { best = v; continue }
          if x[n, channel, v.0, v.1, v.2] > x[n, channel, b.0, b.1, b.2] { best = v }
        }
        guard let b = best else { continue }
        pooled[n, channel, d, h, w] = x[n, channel, b.0, b.1, b.2]
        gIn[n, channel, b.0, b.1, b.2] += g[n, channel, d, h, w]
      } } }
    } }
    for i in gIn.values.indices where c.mask > 0 && x.values[i] <= 0 { gIn.values[i] *= c.mask == 2 ? 0.25 : 0 }
    var call = try KernelCall("max_pool")
    call.define("OUT_HALF", c.half ? 1 : 0)
    call.define("BLOCK", c.planar ? 1 : 16)
    let out = call.poisoned(pooled.encoded(planar: c.planar).count, half: c.half)
    call.set("out", out)
    PoolingTests.set(&call, c)
    segment.add(to: &call)
    try call.runEverywhere {
      let result = TestTensor.decoded($0.floats(out), c.n, c.c, c.output, planar: c.planar)
      #expect(deviation(result.tensor.values, pooled.values) < (c.half ? 1e-3 : 1e-6), "\(c)")
      #expect(result.padding == 0)
    }

    var back = try KernelCall("max_pool_backward")
    for (name, value) in [
      ("G_HALF", c.half ? 1 : 0), ("OUT_HALF", c.half ? 1 : 0), ("BLOCK", c.planar ? 1 : 16),
      ("ACCUMULATE", accumulate ? 1 : 0), ("MASK", c.mask),
    ] { back.define(name, value) }
    back.set("slopeBits", 0.25)
    let stored = old.encoded(planar: c.planar)
    let target = accumulate ? back.floats(stored, half: c.half) : back.poisoned(stored.count, half: c.half)
    back.set("gIn", target)
    back.set("g", back.floats(g.encoded(planar: c.planar), half: c.half))
    PoolingTests.set(&back, c)
    segment.add(to: &back)
    try back.runEverywhere {
      let result = TestTensor.decoded($0.floats(target), c.n, c.c, c.input, planar: c.planar)
      #expect(deviation(result.tensor.values, gIn.values) < (c.half ? 1e-3 : 1e-6), "\(c)")
      #expect(result.padding == 0)
    }
  }

  @Test func notANumberWins() throws {
    var x = TestTensor(n: 1, c: 1, extent: [1, 2, 2], values: [5, .nan, 7, .nan])
    let segment = TestSegment(terms: [TestTerm(stored: x)])
    let c = Case(n: 1, c: 1, input: [1, 2, 2], window: [1, 2, 2])
    var call = try KernelCall("max_pool_backward")
    for (name, value) in [("G_HALF", 0), ("OUT_HALF", 0), ("BLOCK", 16), ("ACCUMULATE", 0), ("MASK", 0)] {
      call.define(name, value)
    }
    call.set("slopeBits", 0)
    let gIn = call.poisoned(64)
    call.set("gIn", gIn)
    call.set("g", call.floats(TestTensor(n: 1, c: 1, extent: [1, 1, 1], values: [3]).encoded(planar: false)))
    PoolingTests.set(&call, c)
    segment.add(to: &call)
    x.values = [0, 3, 0, 0]
    try call.runEverywhere { #expect($0.floats(gIn) == x.encoded(planar: false)) }
  }
}
