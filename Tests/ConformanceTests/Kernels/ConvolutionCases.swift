import ExecutionPlan
import Testing

@testable import KernelCatalog

@Suite struct ConvolutionCases {
  @Test(arguments: [false, true]) func pack_weights(_ isTransposed: Bool) {
    for seed in 0..<12 as Range<UInt64> {
      var r = RandomNumbers(seed: seed)
      let c = ConvolutionCase(isTransposed: isTransposed, &r)
      expectAgreement(c.packing(outputBlocks: 1 + Int(seed % 4), isCompared: true))
    }
  }

  /// Dense weights with zeros where two groups of channels would meet.
  @Test(arguments: [false, true]) func pack_groups(_ isTransposed: Bool) {
    for seed in 0..<8 as Range<UInt64> {
      var r = RandomNumbers(seed: seed + 500)
      var c = ConvolutionCase(isTransposed: isTransposed, &r)
      let groups = r.of([2, 3, 5, 16])
      c.segments = [c.segments[0]]
      c.segments[0].channels = groups * r.int(1...4)
      c.outC = groups * r.int(1...5)
      let inner = c.inC / groups
      c.weights = r.floats(c.outC * inner * c.taps)
      (c.strideIn, c.strideOut) = (c.taps, inner * c.taps)
      var test = c.packing(outputBlocks: 1 + Int(seed % 3), isCompared: true)
      test.integers.merge([
        "groupIn": inner, "groupOut": c.outC / groups, "groupShift": inner * c.taps,
      ]) { $1 }
      expectAgreement(test)
    }
  }

  /// Runs and tiles that divide nothing; up to three segments with any load.
  @Test(arguments: [false, true], 0..<20) func conv3d(_ isTransposed: Bool, _ seed: UInt64) {
    var r = RandomNumbers(seed: seed + 1000)
    var c = ConvolutionCase(isTransposed: isTransposed, &r)
    c.cutToSlab(&r)
    let epilogue = c.epilogue(&r)
    expectAgreement(direct(c, epilogue, &r))
  }

  private func direct(
    _ c: ConvolutionCase, _ epilogue: (defines: [String: Int], operands: [String: Operand]),
    run: Int? = nil, statistics: Bool = false, _ r: inout RandomNumbers
  ) -> KernelCase {
    let isPlanar = epilogue.defines["OUT_BLOCK"] == 1
    let lanes = isPlanar ? r.of([0, min(8, c.outC), r.of([1, 2, 4, 8])]) : 0
    let run = lanes > 0 ? 16 * r.int(1...min(4, 24 / lanes)) : run ?? r.of([1, 2, 5, 8, 12])
    let outputBlocks = run > 12 ? 1 : r.int(1...4)
    let tile = [r.int(1...3), r.int(1...4), statistics ? c.output.w : r.of([1, run, 2 * run])]
    var shape = c.shape()
    shape.outputIsPlanar = lanes > 0
    shape.wantsStatistics = statistics
    let slotFloats = DirectTiling.slotFloats(shape, run: run, outputBlocks: outputBlocks, tile: tile)
    var test = KernelCase(
      interface: KernelCatalog.conv3d, defines: epilogue.defines, operands: epilogue.operands,
      integers: c.integers, segments: c.segments,
      before: [c.packing(outputBlocks: outputBlocks, isCompared: false)], tolerance: 5e-5)
    test.defines.merge([
      "TRANSPOSED": c.isTransposed ? 1 : 0, "STRIDE_W": c.stride.w, "T": run, "LANES": lanes, "OB": outputBlocks,
      "STATISTICS": statistics ? 1 : 0,
    ]) { $1 }
    test.operands["weights"] = .alias("before0.packed")
    test.operands["slots"] = .slots(floatsForEachGroup: slotFloats)
    test.operands["tiles"] = .absent
    test.integers.merge([
      "tileD": tile[0], "tileH": tile[1], "tileW": tile[2], "slotFloats": slotFloats,
    ]) { $1 }
    return test
  }

  /// The statistics that it leaves of each row, and what they come to. Values that round to another half differ more.
  @Test(arguments: 0..<20) func rowStatistics(_ seed: UInt64) {
    var r = RandomNumbers(seed: seed + 7000)
    let c = ConvolutionCase(isTransposed: false, width: seed % 3 == 0 ? r.int(16...45) : nil, &r)
    let isHalf = seed % 4 == 3
    var convolution = direct(
      c, (["OUT_BLOCK": 16, "OUT_HALF": isHalf ? 1 : 0, "BIAS": 1, "OUT_ACT": 0, "ACCUMULATE": 0, "MASK": 0], [:]),
      statistics: true, &r)
    let planes = c.samples * blocks(c.outC) * c.output.d
    convolution.operands.merge([
      "out": .output(size(c.samples, c.outC, c.output.voxels, planar: false), half: isHalf),
      "bias": .input(r.floats(c.outC).map { 5 * $0 }), "mask": .absent, "tiles": .output(planes * c.output.h * 32),
    ]) { $1 }
    expectAgreement(
      KernelCase(
        interface: KernelCatalog.mergeStatistics,
        operands: ["tiles": .alias("before1.tiles"), "partials": .output(planes * 32)],
        integers: [
          "N": c.samples, "C": c.outC, "D": c.output.d, "H": c.output.h, "W": c.output.w, "tileD": 1, "tileH": 1,
          "tileW": c.output.w, "chunks": c.output.d,
        ],
        before: convolution.before + [convolution], tolerance: isHalf ? 5e-3 : 5e-4))
  }

  /// Planes in and out by sixteen voxels at a time, and what is left of a row.
  @Test(arguments: [false, true], 0..<12) func planarSides(_ isTransposed: Bool, _ seed: UInt64) {
    var r = RandomNumbers(seed: seed + 6000)
    var c = ConvolutionCase(
      isTransposed: isTransposed, kernel: Extents(1, r.of([1, 3]), r.of([1, 3])),
      stride: Extents(1, r.of([1, 2]), r.of([1, 2, 3])), width: r.int(16...45), &r)
    var flags = SegmentFlags()
    flags.isPlanar = true
    flags.terms[0].isHalf = r.bool()
    let planar = Segment.random(flags, samples: c.samples, channels: r.int(1...18), value: c.input, &r)
    c.segments = [.random(.init(), samples: c.samples, channels: 17, value: c.input, &r), planar]
    c.weights = r.floats(c.inC * c.outC * c.taps, -0.5...0.5)
    (c.strideIn, c.strideOut) = (c.taps, c.inC * c.taps)
    c.outC = min(c.outC, 18)
    var epilogue = c.epilogue(&r)
    epilogue.defines["OUT_BLOCK"] = 1
    let isHalf = epilogue.defines["OUT_HALF"] == 1
    epilogue.operands["out"] =
      epilogue.defines["ACCUMULATE"] == 1
      ? .updated(tensor(c.samples, c.outC, c.output.voxels, planar: true, &r), half: isHalf)
      : .output(size(c.samples, c.outC, c.output.voxels, planar: true), half: isHalf)
    if epilogue.defines["MASK"] != 0 { epilogue.operands["mask"] = .input(c.maskValues(planar: true, &r), half: isHalf) }
    expectAgreement(direct(c, epilogue, run: r.of([16, 24, 26]), &r))
  }

  /// Both backends against the formula of the catalogue, so that they cannot be wrong alike.
  @Test(arguments: [false, true], 0..<6) func conv3dFollowsItsFormula(_ isTransposed: Bool, _ seed: UInt64)
    throws
  {
    var r = RandomNumbers(seed: seed + 2000)
    var c = ConvolutionCase(isTransposed: isTransposed, plain: true, &r)
    c.cutToSlab(&r)
    let bias = r.floats(c.outC)
    let mask = c.maskValues(planar: false, &r)
    let test = direct(
      c,
      (
        ["OUT_BLOCK": 16, "OUT_HALF": 0, "BIAS": 1, "OUT_ACT": 0, "ACCUMULATE": 0, "MASK": 2],
        [
          "out": .output(size(c.samples, c.outC, c.output.voxels, planar: false)), "bias": .input(bias),
          "mask": .input(mask),
        ]
      ), &r)
    let expected = zip(c.reference(bias: bias), mask).map { $1 > 0 ? $0 : $0 * 0.1 }
    try expectFormula(test, expected, tolerance: 2e-4)
  }

  /// A is the convolution's input and B its output's gradient; partial sums are reduced in the same plan. Every third
  /// time B is planes with rows of sixteen voxels and more.
  @Test(arguments: 0..<24) func conv3d_grad_weight(_ seed: UInt64) {
    var r = RandomNumbers(seed: seed + 3000)
    let isWide = seed % 3 == 1
    var c = ConvolutionCase(isTransposed: false, width: isWide ? r.int(16...45) : nil, &r)
    if seed % 4 == 0 { c.segments.removeLast(c.segments.count - 1) }
    c.outC = min(c.outC, 37)
    let bChannels = r.bool() ? [c.outC] : [c.outC, 5]
    let b = bChannels.map {
      var flags = Segment.randomFlags(&r, planar: r.int(0...3) == 0)
      if $0 > 16 { flags.isPlanar = false }
      if isWide {
        flags = SegmentFlags()
        flags.isPlanar = true
        flags.terms[0].isHalf = r.bool()
      }
      return Segment.random(flags, samples: c.samples, channels: $0, value: c.output, &r)
    }
    let bBlocks = bChannels.reduce(0) { $0 + blocks($1) }
    let aChannels = c.segments.map(\.channels)
    let partitions = r.int(1...c.samples * c.output.d)
    // Columns in vectors, where B is few planes.
    let columns = b.count == 1 && b[0].flags.isPlanar && bChannels[0] <= 8 && r.int(0...3) > 0 ? bChannels[0] : 0
    let tapsH = r.int(1...2)
    let tapsW = r.int(1...3)
    let lanes = columns > 2 ? r.of([1, 2]) : r.of([1, 2, 4, 8])
    let bAtOnce = columns > 0 ? 1 : r.int(1...3)
    let tileH = r.int(1...4)
    let tileW = columns > 0 ? r.of([16, 32, c.output.w]) : isWide ? r.int(16...40) : r.int(1...9)
    let wide = columns > 0 ? quotient(tileW, roundedUpBy: 16) * 16 : tileW
    let height =
      (tileH - 1) * c.stride.h + (quotient(c.kernel.h, roundedUpBy: tapsH) * tapsH - 1) * c.dilation.h + 1
    let width =
      (wide - 1) * c.stride.w + (quotient(c.kernel.w, roundedUpBy: tapsW) * tapsW - 1) * c.dilation.w + 1
    let spanD = (c.kernel.d - 1) * c.dilation.d + 1
    let isPlanar = c.segments.count == 1 && c.segments[0].flags.isPlanar
    func planeOf(_ voxels: Int) -> Int { (quotient(voxels, roundedUpBy: 16) | 1) * 16 }
    let most = quotient(min(16, aChannels.max()!), roundedUpBy: lanes) * lanes, voxels = spanD * height * width
    let stagedA = isPlanar || columns > 0 ? planeOf(voxels) * most : voxels * 16
    let stagedB = columns > 0 ? planeOf(tileH * wide) * columns : tileH * tileW * bAtOnce * 16
    let slotFloats = stagedA + stagedB + 16 * width
    var integers = c.integers
    integers.merge([
      "aBlocks": c.inBlocks, "bBlocks": bBlocks, "partitions": partitions, "tileH": tileH, "tileW": tileW,
      "slotFloats": slotFloats, "taps": c.taps, "strideA": c.taps, "strideB": c.inC * c.taps,
    ]) { $1 }
    integers.set("a", c.input)
    integers.set("b", c.output)
    integers.merge(c.counts("a", aChannels)) { $1 }
    integers.merge(c.counts("b", bChannels)) { $1 }
    let sums = r.int(0...1)
    let before = KernelCase(
      interface: KernelCatalog.convGradWeight,
      defines: [
        "A_SEGMENTS": c.segments.count, "STRIDE_W": c.stride.w, "TAPS_H": tapsH, "TAPS_W": tapsW,
        "A_LANES": lanes, "B_BLOCKS": bAtOnce, "LANES": columns, "DILATED": c.dilation.list == [1, 1, 1] ? 0 : 1,
        "SUMS": sums,
      ],
      operands: [
        "partials": .scratch(partitions * c.inBlocks * bBlocks * c.taps * 256),
        "sums": sums == 1 ? .output(partitions * bBlocks * 16) : .absent,
        "slots": .slots(floatsForEachGroup: slotFloats),
      ],
      integers: integers, segments: c.segments + b)
    expectAgreement(
      KernelCase(
        interface: KernelCatalog.gradWeightReduce,
        operands: [
          "gradient": .updated(r.floats(c.inC * bChannels.reduce(0, +) * c.taps)),
          "partials": .alias("before0.partials"),
        ],
        integers: integers, before: [before], tolerance: 1e-4))
  }

  @Test(arguments: 0..<8) func grad_weight_reduce(_ seed: UInt64) {
    var r = RandomNumbers(seed: seed + 4000)
    let c = ConvolutionCase(isTransposed: false, &r)
    let b = (0..<r.int(1...4)).map { _ in r.of([1, 5, 16, 19]) }
    let a = (0..<r.int(1...4)).map { _ in r.of([2, 16, 33]) }
    let bBlocks = b.reduce(0) { $0 + blocks($1) }
    let aBlocks = a.reduce(0) { $0 + blocks($1) }
    let partitions = r.int(1...4)
    let inC = a.reduce(0, +)
    let outC = b.reduce(0, +)
    let isInputOuter = r.bool()
    var integers = [
      "taps": c.taps, "partitions": partitions, "strideA": isInputOuter ? outC * c.taps : c.taps,
      "strideB": isInputOuter ? c.taps : inC * c.taps, "groupA": 1 << 30, "groupB": 1 << 30, "groupShift": 0,
    ]
    if seed % 2 == 1 {  // groups of half the channels, and a rest that is none of them
      integers.merge(["groupA": (inC + 1) / 2, "groupB": (outC + 1) / 2, "groupShift": c.taps]) { $1 }
    }
    integers.merge(c.counts("a", a)) { $1 }
    integers.merge(c.counts("b", b)) { $1 }
    expectAgreement(
      KernelCase(
        interface: KernelCatalog.gradWeightReduce,
        operands: [
          "gradient": .updated(r.floats(inC * outC * c.taps)),
          "partials": .input(r.floats(partitions * aBlocks * bBlocks * c.taps * 256)),
        ],
        integers: integers))
  }
}
