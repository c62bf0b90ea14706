import CPUBackend
import KernelCatalog
import Testing

@Suite struct MaterialiseTests {
  @Test(arguments: TestSegment.Kind.allCases, [(3, 3, 0), (17, 40, 16), (20, 41, 5), (5, 21, 16),
      (16, 37, 0)])
  func storesALazyValue(_ kind: TestSegment.Kind, _ place: (c: Int, outC: Int, first: Int)) throws {
    var random = TestRandom(8)
    let extent = [3, 2, 7]
    for (planar, half, n) in [(false, false, 2), (true, false, 1), (false, true, 1), (true, true, 3)] {
      let segment = TestSegment.random(kind, n: n, c: place.c, extent: extent, &random)
      let value = segment.value(extent), before = TestTensor.random(n, place.outC, extent, &random)
      var expected = before.rounded(half: half)
      for i in 0..<n { for c in 0..<place.c { for v in 0..<value.voxels {
        expected.values[(i * place.outC + place.first + c) * value.voxels + v] =
          activate(value.values[(i * place.c + c) * value.voxels + v], .leaky, 0.5)
      } } }
      var call = try KernelCall("materialise")
      call.define("OUT_HALF", half ? 1 : 0)
      call.define("OUT_BLOCK", planar ? 1 : 16)
      call.define("OUT_ACT", Activation.leaky.rawValue)
      let out = call.floats(before.encoded(planar: planar), half: half)
      call.set("out", out)
      call.set(["N", "outC", "firstC", "D", "H", "W"], [n, place.outC, place.first] + extent)
      call.set("slopeBits", 0.5)
      segment.add(to: &call)
      try call.runEverywhere {
        let result = TestTensor.decoded($0.floats(out), n, place.outC, extent, planar: planar)
        #expect(deviation(result.tensor.values, expected.values) < (half ? 1e-3 : 1e-5), "\(kind) \(place)")
        #expect(result.padding == 0)
      }
    }
  }

  /// A block that is touched loses what stood in its padding lanes; the values do not depend on it.
  @Test func clearsPaddingLanes() throws {
    var random = TestRandom(8)
    for (c, first) in [(3, 0), (2, 1)] {
      let extent = [1, 2, 3]
      let segment = TestSegment.random(.plain, n: 1, c: c, extent: extent, &random)
      var call = try KernelCall("materialise")
      for (name, value) in [("OUT_HALF", 0), ("OUT_BLOCK", 16), ("OUT_ACT", 0)] { call.define(name, value) }
      let out = call.poisoned(6 * 16)
      call.set("out", out)
      call.set(["N", "outC", "firstC", "D", "H", "W"], [1, 3, first] + extent)
      call.set("slopeBits", 0)
      segment.add(to: &call)
      try call.runEverywhere { after in
        let lanes = after.floats(out)
        #expect((0..<6).allSatisfy { v in (3..<16).allSatisfy { lanes[v * 16 + $0] == 0 } })
        #expect(lanes[0].isNaN == (first > 0), "channels before firstC stay")
      }
    }
  }

  @Test(arguments: [TestSegment.Kind.crop, .nearest, .trilinear],
      [(3, false, false), (17, false, true), (5, true, false)])
  func mapBackwardIsTheAdjoint(_ kind: TestSegment.Kind, _ form: (c: Int, planar: Bool, half: Bool)) throws {
    var random = TestRandom(11)
    for (extent, accumulate) in [([4, 3, 9], false), ([5, 1, 140], true), ([1, 2, 1], false)] {
      let segment = TestSegment.random(kind, n: 2, c: form.c, extent: extent, &random)
      let source = segment.terms[0].stored.extent
      let g = TestTensor.random(2, form.c, extent, &random),
          old = TestTensor.random(2, form.c, source, &random)
      var expected = accumulate ? old : TestTensor(n: 2, c: form.c, extent: source)
      for n in 0..<2 { for c in 0..<form.c { for d in 0..<extent[0] {
          for h in 0..<extent[1] { for w in 0..<extent[2] {
        for reader in segment.readers([d, h, w]) {
          expected[n, c, reader.at[0], reader.at[1], reader.at[2]] += reader.weight * g[n, c, d, h, w]
        }
      } } } } }
      var call = try KernelCall("map_backward")
      for (name, value) in [
        ("G_HALF", form.half ? 1 : 0), ("OUT_HALF", form.half ? 1 : 0), ("BLOCK", form.planar ? 1 : 16),
        ("MAP", segment.map), ("ACCUMULATE", accumulate ? 1 : 0),
      ] { call.define(name, value) }
      let stored = old.encoded(planar: form.planar)
      let out = accumulate ? call.floats(stored, half: form.half)
          : call.poisoned(stored.count, half: form.half)
      call.set("gSource", out)
      call.set("g", call.floats(g.encoded(planar: form.planar), half: form.half))
      call.set(["N", "C"], [2, form.c])
      call.set(["sourceD", "sourceH", "sourceW"], source)
      call.set(["D", "H", "W"], extent)
      call.set(["cropD", "cropH", "cropW"], segment.crop)
      call.set(["factorD", "factorH", "factorW"], segment.factor)
      try call.runEverywhere {
        let result = TestTensor.decoded($0.floats(out), 2, form.c, source, planar: form.planar)
        #expect(deviation(result.tensor.values, expected.values) < (form.half ? 2e-3 : 1e-5),
            "\(kind) \(extent)")
        #expect(result.padding == 0)
      }
    }
  }
}
