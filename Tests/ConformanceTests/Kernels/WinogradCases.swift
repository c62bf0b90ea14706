import KernelCatalog
import Testing

/// Transformed weights are one backend's own matter: they are compared by the convolution that they give.
@Suite struct WinogradCases {
  private static func kernel(_ seed: UInt64) -> Extents { Extents(seed % 3 == 2 ? 1 : 3, 3, 3) }

  @Test(arguments: [2, 4], 0..<15) func conv3d_winograd(_ m: Int, _ seed: UInt64) {
    var r = RandomNumbers(seed: seed + 5000)
    var c = ConvolutionCase(isTransposed: false, kernel: Self.kernel(seed), &r)
    c.cutToSlab(&r)
    let epilogue = c.epilogue(&r)
    var test = winograd(c, m, flip: seed % 2 == 1, &r)
    test.defines.merge(epilogue.defines) { $1 }
    test.operands.merge(epilogue.operands) { $1 }
    expectAgreement(test)
  }

  /// Stride 2, plain and transposed, of three and four taps, in the plane and not.
  @Test(arguments: [false, true], 0..<12) func phases(_ isTransposed: Bool, _ seed: UInt64) {
    var r = RandomNumbers(seed: seed + 7000)
    var c = Self.strided(isTransposed: isTransposed, &r)
    let epilogue = c.epilogue(&r)
    var test = winograd(c, 5, flip: isTransposed, &r)
    test.defines.merge(epilogue.defines) { $1 }
    test.operands.merge(epilogue.operands) { $1 }
    expectAgreement(test)
  }

  @Test(arguments: [false, true], 0..<3) func phasesFollowTheFormula(_ isTransposed: Bool, _ seed: UInt64) throws {
    var r = RandomNumbers(seed: seed + 7500)
    let c = Self.strided(isTransposed: isTransposed, plain: true, &r)
    let bias = r.floats(c.outC)
    var test = winograd(c, 5, flip: isTransposed, &r)
    test.defines.merge(["OUT_BLOCK": 16, "OUT_HALF": 0, "BIAS": 1, "OUT_ACT": 0, "ACCUMULATE": 0, "MASK": 0]) { $1 }
    test.operands["out"] = .output(size(c.samples, c.outC, c.output.voxels, planar: false))
    test.operands["bias"] = .input(bias)
    try expectFormula(test, c.reference(bias: bias), tolerance: 1e-3)
  }

  private static func strided(isTransposed: Bool, plain: Bool = false, _ r: inout RandomNumbers) -> ConvolutionCase {
    let taps = r.int(3...4), isPlane = r.bool()
    return ConvolutionCase(
      isTransposed: isTransposed, kernel: Extents(isPlane ? 1 : taps, taps, taps),
      stride: Extents(isPlane ? 1 : 2, 2, 2), plain: plain, &r)
  }

  /// The statistics that it leaves of each tile, and what they come to. Values that round to another half differ more.
  @Test(arguments: [2, 4], 0..<15) func merge_statistics(_ m: Int, _ seed: UInt64) {
    var r = RandomNumbers(seed: seed + 5500)
    let c = ConvolutionCase(isTransposed: false, kernel: Self.kernel(seed), &r)
    let isHalf = seed % 4 == 3
    let bias = r.floats(c.outC).map { 5 * $0 }
    var convolution = winograd(c, m, flip: false, &r)
    convolution.defines.merge(
      ["OUT_BLOCK": 16, "OUT_HALF": isHalf ? 1 : 0, "BIAS": 1, "OUT_ACT": 0, "ACCUMULATE": 0, "MASK": 0, "STATISTICS": 1]
    ) { $1 }
    let tile = [c.kernel.d == 1 ? 1 : m, m, m]
    let tiles = zip(c.output.list, tile).map { quotient($0, roundedUpBy: $1) }
    let rows = c.samples * blocks(c.outC)
    let planes = rows * tiles[0]
    let chunks = tiles[0] + r.of([0, 0, 3])
    convolution.operands["out"] = .output(size(c.samples, c.outC, c.output.voxels, planar: false), half: isHalf)
    convolution.operands["bias"] = .input(bias)
    convolution.operands["tiles"] = .output(planes * tiles[1] * tiles[2] * 32)
    expectAgreement(
      KernelCase(
        interface: KernelCatalog.mergeStatistics,
        operands: ["tiles": .alias("before1.tiles"), "partials": .updated(r.floats(((rows - 1) * chunks + tiles[0]) * 32))],
        integers: [
          "N": c.samples, "C": c.outC, "D": c.output.d, "H": c.output.h, "W": c.output.w, "tileD": tile[0], "tileH": m,
          "tileW": m,
          "chunks": chunks,
        ],
        before: convolution.before + [convolution], tolerance: isHalf ? 5e-3 : 5e-4))
  }

  /// Both backends against the catalogue's formula; F(4³, 3³) loses two digits.
  @Test(arguments: [2, 4], [false, true]) func conv3dWinogradFollowsItsFormula(_ m: Int, _ flip: Bool) throws
  {
    for seed in 0..<3 as Range<UInt64> {
      var r = RandomNumbers(seed: seed + 6000)
      var c = ConvolutionCase(isTransposed: false, kernel: Self.kernel(seed), plain: true, &r)
      c.cutToSlab(&r)
      let bias = r.floats(c.outC)
      var test = winograd(c, m, flip: flip, &r)
      test.defines.merge(["OUT_BLOCK": 16, "OUT_HALF": 0, "BIAS": 1, "OUT_ACT": 0, "ACCUMULATE": 0, "MASK": 0]) { $1 }
      test.operands["out"] = .output(size(c.samples, c.outC, c.output.voxels, planar: false))
      test.operands["bias"] = .input(bias)
      if flip {
        for k in stride(from: 0, to: c.weights.count, by: c.taps) { c.weights[k..<k + c.taps].reverse() }
      }
      try expectFormula(test, c.reference(bias: bias), tolerance: 1e-3)
    }
  }

  /// A is the convolution's input and B its output's gradient; partial sums are reduced in the same plan.
  @Test(arguments: [2, 4, 5], 0..<18) func conv3d_winograd_grad_weight(_ m: Int, _ seed: UInt64) {
    var r = RandomNumbers(seed: seed + 6500)
    let c =
      m == 5
      ? Self.strided(isTransposed: false, &r) : ConvolutionCase(isTransposed: false, kernel: Self.kernel(seed), &r)
    let bChannels = r.of([[5], [19], [16, 5], [37], [64], [40, 24, 3]])
    let bBlocks = bChannels.reduce(0) { $0 + blocks($1) }
    let b = bChannels.map {
      var flags = Segment.randomFlags(&r, planar: r.int(0...3) == 0)
      if $0 > 16 { flags.isPlanar = false }
      return Segment.random(flags, samples: c.samples, channels: $0, value: c.output, &r)
    }
    let aSegments = Array(c.segments.prefix(5 - b.count))
    let aChannels = aSegments.map(\.channels)
    let aBlocks = aChannels.reduce(0) { $0 + blocks($1) }, inC = aChannels.reduce(0, +)
    let tile = [c.kernel.d == 1 ? 1 : m, m, m]
    let tiles = zip(c.output.list, tile).reduce(c.samples) { $0 * quotient($1.0, roundedUpBy: $1.1) }
    let inSet = r.of([1, 3, 8, 12, 24, 32])
    let partitions = r.int(1...quotient(tiles, roundedUpBy: inSet))
    let atOnce = r.of((1...3).filter { bBlocks % $0 == 0 })
    let bShare = r.of(stride(from: atOnce, through: bBlocks, by: atOnce).filter { bBlocks % $0 == 0 })
    let rowPhases = m < 5 ? 1 : c.kernel.d == 1 ? 2 : 4, step = m < 5 ? 1 : 2
    let aShare = r.int(1...aBlocks * rowPhases)
    // The formula of kernels/conv3d_winograd_grad_weight.cl.
    let p = m == 2 ? 4 : 6, pD = c.kernel.d == 1 ? 1 : p
    let inRow = quotient(c.output.w, roundedUpBy: m), rows = (inSet + inRow - 2) / inRow + 1
    let columns = step * aShare * (m * inSet + (p - m) * rows) + bShare * (m * inSet + rows)
    let sumsWait = quotient(tiles, roundedUpBy: inSet) > partitions || aShare * bShare == 1
    let slotFloats =
      sumsWait
      ? 16 * (pD * p * columns + p * (inSet | 1) * (step * aShare + bShare) + pD * p * p * 16 * step * aShare * bShare)
      : 16 * pD * p * (step * (m * min(inSet, inRow) + p - m) + p * ((inSet | 1) * (step + bShare) + 16 * atOnce))
    var integers = c.integers
    integers.merge([
      "aBlocks": aBlocks, "bBlocks": bBlocks, "partitions": partitions, "aShare": aShare, "bShare": bShare,
      "slotFloats": slotFloats, "taps": c.taps, "strideA": c.taps, "strideB": inC * c.taps,
    ]) { $1 }
    integers.set("a", c.input)
    integers.set("b", c.output)
    integers.merge(c.counts("a", aChannels)) { $1 }
    integers.merge(c.counts("b", bChannels)) { $1 }
    let wantsSums = r.int(0...1)
    let before = KernelCase(
      interface: KernelCatalog.convWinogradGradWeight,
      defines: [
        "A_SEGMENTS": aSegments.count, "M": m, "KD": Self.taps(c, m), "TW": inSet, "A_LANES": r.of([1, 4, 8, 16]),
        "B_BLOCKS": atOnce, "SUMS": wantsSums,
      ],
      operands: [
        "partials": .scratch(partitions * aBlocks * bBlocks * c.taps * 256),
        "sums": wantsSums == 1 ? .output(partitions * bBlocks * 16) : .absent,
        "slots": .slots(floatsForEachGroup: slotFloats),
      ],
      integers: integers, segments: aSegments + b)
    expectAgreement(
      KernelCase(
        interface: KernelCatalog.gradWeightReduce,
        operands: [
          "gradient": .updated(r.floats(inC * bChannels.reduce(0, +) * c.taps)), "partials": .alias("before0.partials"),
        ],
        integers: integers, before: [before], tolerance: 2e-4))
  }

  /// KD: taps along D, of a phase where m is 5.
  private static func taps(_ c: ConvolutionCase, _ m: Int) -> Int { m == 5 && c.kernel.d > 1 ? 2 : c.kernel.d }

  private func winograd(_ c: ConvolutionCase, _ m: Int, flip: Bool, _ r: inout RandomNumbers) -> KernelCase {
    let tiles = r.of([1, 3, 4, 12, 24, 25])
    let outputBlocks = r.int(1...4)
    let p = m == 2 ? 4 : 6, pD = c.kernel.d == 1 ? 1 : p
    let phases = m < 5 ? 1 : c.kernel.d == 1 ? 4 : 8, inPhases = flip ? 1 : phases
    let outGroups = quotient(blocks(c.outC), roundedUpBy: outputBlocks)
    // The formula of kernels/conv3d_winograd.cl.
    let runs = quotient(tiles, roundedUpBy: [24, 14, 9, 6][outputBlocks - 1])
    let atOnce = runs * quotient(tiles, roundedUpBy: runs)
    let cells = phases > 1 && flip ? (c.output.w + c.pad.w + 1) / 2 : c.output.w
    let inRow = quotient(cells, roundedUpBy: m), rows = (tiles + inRow - 2) / inRow + 1
    let frequency = inPhases * c.inBlocks * atOnce | 1
    // A group may transform the weights itself, which come as for the direct sum then.
    let isInner = m < 5 && r.bool(), isLazy = !isInner && outGroups == 1 && (phases == 1 || !flip)
    let values =
      isLazy
      ? pD * p * inPhases * c.inBlocks * (m * tiles + (p - m) * rows) + p * frequency
      : pD * p * (inPhases > 1 ? 2 : 1) * (m * min(tiles, inRow) + p - m) + pD * p * p * frequency
    let vectors = values + outputBlocks * atOnce * (p + p * m + (pD > 1 ? pD * m * m : 0))
    let packed = (isInner ? c.taps : phases * pD * p * p) * outGroups * c.inBlocks * 16 * outputBlocks * 16
    let slotFloats = 16 * (vectors + (isInner ? 16 * outputBlocks * (18 * c.inBlocks + p * 4) : 0))
    let weights = KernelCase(
      interface: isInner ? KernelCatalog.packWeights : KernelCatalog.winogradWeights,
      defines: isInner ? [:] : ["M": m, "KD": Self.taps(c, m)],
      operands: ["packed": .scratch(packed), "weights": .input(c.weights)],
      integers: c.integers.merging(
        ["outputBlocks": outputBlocks, "flip": flip ? 1 : 0, "transposed": flip ? 1 : 0]
      ) { $1 })
    return KernelCase(
      interface: KernelCatalog.conv3dWinograd,
      defines: [
        "M": m, "KD": Self.taps(c, m), "TRANSPOSED": phases > 1 && flip ? 1 : 0, "TW": tiles, "INNER": isInner ? 1 : 0,
        "OB": outputBlocks, "STATISTICS": 0,
      ],
      operands: [
        "weights": .alias("before0.packed"), "slots": .slots(floatsForEachGroup: slotFloats), "tiles": .absent,
        "mask": .absent,
      ],
      integers: c.integers.merging(["slotFloats": slotFloats]) { $1 }, segments: c.segments,
      before: [weights], tolerance: 2e-4)
  }
}
