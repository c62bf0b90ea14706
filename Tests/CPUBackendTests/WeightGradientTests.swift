import CPUBackend
import KernelCatalog
import Testing

@Suite struct WeightGradientTests {
  struct Case: CustomStringConvertible {
    var n = 1
    var a: [(kind: TestSegment.Kind, channels: Int)] = [(.plain, 3)]
    var b: [(kind: TestSegment.Kind, channels: Int)] = [(.plain, 5)]
    var aExtent = [4, 5, 6]
    var kernel = [3, 3, 3]
    var stride = [1, 1, 1]
    var pad = [1, 1, 1]
    var partitions = 1
    var bExtent: [Int] { (0..<3).map { (aExtent[$0] + 2 * pad[$0] - kernel[$0]) / stride[$0] + 1 } }
    var taps: Int { kernel.reduce(1, *) }
    var description: String {
      "\(a.map(\.channels)) x \(b.map(\.channels)) at \(aExtent) k\(kernel) s\(stride)"
    }

    /// P summed over all partitions: [a][b][tap].
    func gradient(_ x: TestTensor, _ g: TestTensor) -> [Double] {
      var result: [Double] = []
      for i in 0..<x.c { for o in 0..<g.c { for kd in 0..<kernel[0] { for kh in 0..<kernel[1] {
        for kw in 0..<kernel[2] {
          var sum = 0.0
          for s in 0..<n { for d in 0..<bExtent[0] { for h in 0..<bExtent[1] { for w in 0..<bExtent[2] {
            sum += g[s, o, d, h, w] * x.padded(
              s, i, d * stride[0] + kd - pad[0], h * stride[1] + kh - pad[1], w * stride[2] + kw - pad[2])
          } } } }
          result.append(sum)
        }
      } } } }
      return result
    }
  }

  static let cases: [Case] = [
    Case(),
    Case(n: 2, a: [(.normLeaky, 17)], b: [(.half, 33)], aExtent: [5, 3, 7], partitions: 3),
    Case(n: 3, a: [(.planar, 1)], b: [(.plain, 16)], aExtent: [1, 1, 13], partitions: 2),
    Case(a: [(.normLeaky, 5), (.crop, 18)], b: [(.twoTerms, 7)], partitions: 4),
    Case(n: 2, a: [(.plain, 12)], b: [(.plain, 70)], aExtent: [7, 6, 5], stride: [2, 2, 2], partitions: 2),
    Case(a: [(.plain, 2)], b: [(.keep, 3), (.planar, 2)], aExtent: [3, 8, 9], kernel: [1, 3, 4],
      stride: [1, 2, 3], pad: [0, 1, 1]),
    Case(a: [(.plain, 20)], b: [(.plain, 6)], kernel: [2, 2, 2], stride: [2, 2, 2], pad: [0, 0, 0]),
    Case(n: 2, a: [(.trilinear, 4)], b: [(.plain, 3)], aExtent: [3, 37, 40], kernel: [1, 1, 1],
        pad: [0, 0, 0],
      partitions: 7),
  ]

  static let winogradCases = cases.filter { $0.kernel == [3, 3, 3] && $0.stride == [1, 1, 1] } + [
    Case(n: 2, a: [(.normLeaky, 20)], b: [(.plain, 33)], aExtent: [3, 9, 13], kernel: [1, 3, 3], pad: [0, 1, 1]),
    Case(n: 2, a: [(.normLeaky, 40)], b: [(.plain, 90)], aExtent: [6, 9, 10], partitions: 2),
    Case(a: [(.plain, 16), (.half, 3)], b: [(.plain, 48)], aExtent: [5, 4, 71], pad: [0, 2, 1], partitions: 3),
  ]
  /// Stride 2, of three and four taps.
  static let phaseCases = cases.filter { $0.kernel == [3, 3, 3] && $0.stride == [2, 2, 2] } + [
    Case(n: 2, a: [(.normLeaky, 20)], b: [(.plain, 33)], aExtent: [3, 26, 13], kernel: [1, 4, 4], stride: [1, 2, 2],
      pad: [0, 1, 1], partitions: 2),
    Case(a: [(.plain, 16), (.half, 3)], b: [(.plain, 70)], aExtent: [5, 4, 71], kernel: [4, 4, 4], stride: [2, 2, 2],
      pad: [1, 0, 1]),
  ]

  @Test(arguments: cases)
  func sumsOverVoxels(_ c: Case) throws {
    var call = try KernelCall("conv3d_grad_weight")
    for name in call.interface.defines where !name.hasPrefix("SEGMENT") && name != "A_SEGMENTS" {
      call.define(name, 1)
    }
    call.set(["tileH", "tileW"], [1, 1])
    call.set(["kD", "kH", "kW"], c.kernel)
    call.set(["strideD", "strideH", "strideW"], c.stride)
    call.set(["dilD", "dilH", "dilW"], [1, 1, 1])
    try check(c, call)
  }

  @Test(arguments: winogradCases.flatMap { [($0, 2), ($0, 4)] } + phaseCases.map { ($0, 5) })
  func sumsOverWinogradTiles(_ c: Case, m: Int) throws {
    var call = try KernelCall("conv3d_winograd_grad_weight")
    let tapsD = m == 5 && c.kernel[0] > 1 ? 2 : c.kernel[0]
    for (name, value) in [("M", m), ("KD", tapsD), ("TW", 2), ("A_LANES", 8), ("B_BLOCKS", 1)] {
      call.define(name, value)
    }
    call.set(["aShare", "bShare", "kH"], [1, 1, c.kernel[1]])
    try check(c, call)
  }

  private func check(_ c: Case, _ sums: KernelCall) throws {
    var call = sums
    var random = TestRandom(5)
    let a = c.a.map { TestSegment.random($0.kind, n: c.n, c: $0.channels, extent: c.aExtent, &random) }
    let b = c.b.map { TestSegment.random($0.kind, n: c.n, c: $0.channels, extent: c.bExtent, &random) }
    let expected = c.gradient(
      concatenated(a.map { $0.value(c.aExtent) }), concatenated(b.map { $0.value(c.bExtent) }))
    let aBlocks = c.a.reduce(0) { $0 + ($1.channels + 15) / 16 }
    let bBlocks = c.b.reduce(0) { $0 + ($1.channels + 15) / 16 }
    call.define("A_SEGMENTS", c.a.count)
    let partials = call.poisoned(c.partitions * aBlocks * bBlocks * c.taps * 256)
    call.set("partials", partials)
    let bC = c.b.reduce(0) { $0 + $1.channels }
    let channelSums = call.poisoned(c.partitions * bBlocks * 16)
    call.define("SUMS", 1)
    call.set("sums", channelSums)
    call.set("slots", nil)
    call.set("slotFloats", 0)
    call.set("N", c.n)
    call.set(["aD", "aH", "aW"], c.aExtent)
    call.set(["bD", "bH", "bW"], c.bExtent)
    call.set(["aBlocks", "bBlocks", "partitions"], [aBlocks, bBlocks, c.partitions])
    call.set(["padD", "padH", "padW"], c.pad)
    for segment in a + b { segment.add(to: &call) }

    // The second kernel reduces into canonical order with a scattered stride, onto what is there.
    let aC = c.a.reduce(0) { $0 + $1.channels }
    var reduce = try KernelCall("grad_weight_reduce")
    let before = random.values(aC * bC * c.taps)
    let gradient = reduce.floats(before)
    reduce.set("gradient", gradient)
    reduce.set(["aSegments", "bSegments", "taps", "partitions"], [c.a.count, c.b.count, c.taps, c.partitions])
    for i in 0..<4 {
      reduce.set("aC\(i)", i < c.a.count ? c.a[i].channels : 0)
      reduce.set("bC\(i)", i < c.b.count ? c.b[i].channels : 0)
    }
    reduce.set(["strideA", "strideB"], [c.taps, aC * c.taps])
    reduce.set(["groupA", "groupB", "groupShift"], [1 << 30, 1 << 30, 0])

    let g = b.map { $0.value(c.bExtent) }
    try call.runEverywhere { after in
      let found = after.floats(channelSums)
      for (i, segment) in g.enumerated() {
        let first = 16 * g.prefix(i).reduce(0) { $0 + ($1.c + 15) / 16 }
        for channel in 0..<segment.c {
          let all = (0..<c.n).reduce(0.0) { sum, n in
            sum + (0..<segment.voxels).reduce(0.0) { $0 + segment.values[(n * segment.c + channel) * segment.voxels + $1] }
          }
          let sum = (0..<c.partitions).reduce(0.0) { $0 + Double(found[$1 * bBlocks * 16 + first + channel]) }
          #expect(abs(sum - all) < 1e-4 * (1 + abs(all)), "\(c), channel \(channel)")
        }
      }
      var reduction = reduce
      reduction.set("partials", reduction.floats(after.floats(partials)))
      try reduction.runEverywhere { summed in
        var sums = [Double](repeating: 0, count: expected.count)
        let stored = summed.doubles(gradient)
        for i in 0..<aC { for o in 0..<bC { for tap in 0..<c.taps {
          let at = i * c.taps + o * aC * c.taps + tap
          sums[(i * bC + o) * c.taps + tap] = stored[at] - before[at]
        } } }
        #expect(deviation(sums, expected) < 1e-5, "\(c)")
      }
    }
  }
}
