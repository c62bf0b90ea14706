import KernelCatalog
import Testing

/// Kernels that read a segment voxel by voxel, and the adjoint of its index map.
@Suite struct ResamplingCases {
  /// Sixty of the loads that a segment can ask for.
  @Test(arguments: 0..<60) func materialise(_ seed: UInt64) {
    var r = RandomNumbers(seed: seed)
    let samples = r.int(1...3)
    let value = Extents.random(&r)
    let flags = Segment.randomFlags(&r)
    let channels = flags.isPlanar ? r.int(1...8) : r.of(oddChannels)
    let outPlanar = r.int(0...3) == 0
    let outHalf = r.bool()
    let firstC = r.of([0, 0, 1, 16, 19])
    let outC = firstC + channels + r.of([0, 0, 1, 20])
    expectAgreement(
      KernelCase(
        interface: KernelCatalog.materialise,
        defines: [
          "OUT_HALF": outHalf ? 1 : 0, "OUT_BLOCK": outPlanar ? 1 : 16,
          "OUT_ACT": seed % 3 == 0 ? r.int(1...3) : 0,
        ],
        operands: [
          "out": .updated(tensor(samples, outC, value.voxels, planar: outPlanar, &r), half: outHalf)
        ],
        integers: [
          "N": samples, "outC": outC, "firstC": firstC, "D": value.d, "H": value.h, "W": value.w,
          "slopeBits": bits(0.15),
        ],
        segments: [Segment.random(flags, samples: samples, channels: channels, value: value, &r)]))
  }

  @Test(arguments: 0..<3, [0, 1]) func map_backward(_ map: Int, _ accumulate: Int) {
    for seed in 0..<6 as Range<UInt64> {
      var r = RandomNumbers(seed: seed + 100 * UInt64(map))
      let samples = r.int(1...3)
      let planar = r.int(0...2) == 0
      let channels = planar ? r.int(1...8) : r.of(oddChannels)
      let gHalf = r.bool()
      let outHalf = r.bool()
      let value = Extents.random(&r)
      var flags = SegmentFlags()
      flags.map = map
      let s = Segment.random(flags, samples: 1, channels: 1, value: value, &r)
      let elements = size(samples, channels, s.source.voxels, planar: planar)
      var integers = ["N": samples, "C": channels]
      integers.set("", value)
      integers.set("source", s.source)
      integers.set("crop", s.crop)
      integers.set("factor", s.factor)
      expectAgreement(
        KernelCase(
          interface: KernelCatalog.mapBackward,
          defines: [
            "G_HALF": gHalf ? 1 : 0, "OUT_HALF": outHalf ? 1 : 0, "BLOCK": planar ? 1 : 16, "MAP": map,
            "ACCUMULATE": accumulate,
          ],
          operands: [
            "gSource": accumulate == 1
              ? .updated(tensor(samples, channels, s.source.voxels, planar: planar, &r), half: outHalf)
              : .output(elements, half: outHalf),
            "g": .input(tensor(samples, channels, value.voxels, planar: planar, &r), half: gHalf),
          ],
          integers: integers))
    }
  }

  /// Few distinct values, so that windows have ties.
  private func pooled(
    _ seed: UInt64, backward: Bool, accumulate: Bool
  ) -> KernelCase {
    var r = RandomNumbers(seed: seed)
    let samples = r.int(1...3)
    let planar = r.int(0...3) == 0
    let channels = planar ? r.int(1...8) : r.of(oddChannels)
    let window = Extents(r.int(1...3), r.int(1...3), r.int(1...3))
    let input = Extents(
      window.d * r.int(1...2) + r.int(0...1), window.h * r.int(1...4), window.w * r.int(1...5) + 1)
    let output = Extents(input.d / window.d, input.h / window.h, input.w / window.w)
    var flags = Segment.randomFlags(&r, planar: planar)
    if seed % 2 == 0 { flags.map = 0 }
    var segment = Segment.random(flags, samples: samples, channels: channels, value: input, &r)
    if seed % 3 == 0 {
      let values = tensor(samples, channels, segment.source.voxels, planar: planar, &r).map {
        ($0 * 1.5).rounded()
      }
      segment.operands["tensor0"] = .input(values, half: flags.terms[0].isHalf)
    }
    let outHalf = r.bool()
    let gHalf = r.bool()
    var integers = ["N": samples, "C": channels, "slopeBits": bits(0.1)]
    integers.set("in", input)
    integers.set("out", output)
    integers.set("window", window)
    var test = KernelCase(
      interface: backward ? KernelCatalog.maxPoolBackward : KernelCatalog.maxPool,
      defines: ["OUT_HALF": outHalf ? 1 : 0, "BLOCK": planar ? 1 : 16], integers: integers,
      segments: [segment])
    guard backward else {
      test.operands["out"] = .output(size(samples, channels, output.voxels, planar: planar), half: outHalf)
      return test
    }
    test.defines["G_HALF"] = gHalf ? 1 : 0
    test.defines["ACCUMULATE"] = accumulate ? 1 : 0
    test.defines["MASK"] = r.int(0...2)
    test.operands["gIn"] =
      accumulate
      ? .updated(tensor(samples, channels, input.voxels, planar: planar, &r), half: outHalf)
      : .output(size(samples, channels, input.voxels, planar: planar), half: outHalf)
    test.operands["g"] = .input(tensor(samples, channels, output.voxels, planar: planar, &r), half: gHalf)
    return test
  }

  @Test(arguments: 0..<16) func max_pool(_ seed: UInt64) {
    expectAgreement(pooled(seed, backward: false, accumulate: false))
  }

  /// Without lazy arithmetic: both backends compare the very same values, so that no tie is decided by rounding.
  @Test(arguments: 0..<16) func max_pool_backward(_ seed: UInt64) {
    var test = pooled(seed, backward: true, accumulate: seed % 4 == 3)
    for t in test.segments[0].flags.terms.indices {
      test.segments[0].flags.terms[t].hasNorm = false
      test.segments[0].flags.terms[t].activation = .relu
    }
    if test.segments[0].flags.map == 2 { test.segments[0].flags.map = 1 }
    expectAgreement(test)
  }
}
