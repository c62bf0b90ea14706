import KernelCatalog
import Testing

/// A stored tensor and how it is cut into chunks.
struct Chunked {
  var samples, channels, voxels, chunkVoxels: Int
  var planar: Bool
  var chunks: Int { quotient(voxels, roundedUpBy: chunkVoxels) }
  var elements: Int { size(samples, channels, voxels, planar: planar) }
  /// Σ [n][block][chunk][16].
  var partials: Int { samples * blocks(channels) * chunks * 16 }
  var integers: [String: Int] {
    ["N": samples, "C": channels, "voxels": voxels, "chunkVoxels": chunkVoxels, "chunks": chunks]
  }

  static func random(_ r: inout RandomNumbers) -> Chunked {
    let planar = r.int(0...3) == 0
    return Chunked(
      samples: r.int(1...3), channels: planar ? r.int(1...8) : r.of(oddChannels),
      voxels: r.of([1, 7, 64, 129, 343]),
      chunkVoxels: r.of([5, 16, 64, 1000]), planar: planar)
  }
  /// Lanes beyond C of partials [n][block][chunk][2][16]: what statistics of zeros are.
  func clearPadding(_ partials: inout [Float]) {
    for i in partials.indices {
      let block = i / 32 / chunks % blocks(channels)
      if 16 * block + i % 16 >= channels { partials[i] = 0 }
    }
  }
  func tensor(_ r: inout RandomNumbers, _ range: ClosedRange<Float> = -2...2) -> [Float] {
    ConformanceTests.tensor(samples, channels, voxels, planar: planar, in: range, &r)
  }
}

@Suite struct NormCases {
  @Test(arguments: 0..<16) func channel_sums(_ seed: UInt64) {
    var r = RandomNumbers(seed: seed)
    let t = Chunked.random(&r)
    let half = seed % 2 == 1
    expectAgreement(
      KernelCase(
        interface: KernelCatalog.channelSums, defines: ["HALF": half ? 1 : 0, "BLOCK": t.planar ? 1 : 16],
        operands: ["g": .input(t.tensor(&r), half: half), "partials": .output(t.partials)],
        integers: t.integers))
  }

  @Test(arguments: 0..<6) func bias_gradient(_ seed: UInt64) {
    var r = RandomNumbers(seed: seed)
    let t = Chunked.random(&r)
    expectAgreement(
      KernelCase(
        interface: KernelCatalog.biasGradient,
        operands: ["gradient": .updated(r.floats(t.channels)), "partials": .input(r.floats(t.partials))],
        integers: t.integers))
  }

  /// The mean is far from zero, where Σz² − (Σz)² would lose every digit.
  @Test(arguments: 0..<16) func norm_statistics(_ seed: UInt64) {
    var r = RandomNumbers(seed: seed)
    let t = Chunked.random(&r)
    let half = seed % 2 == 1
    expectAgreement(
      KernelCase(
        interface: KernelCatalog.normStatistics, defines: ["HALF": half ? 1 : 0, "BLOCK": t.planar ? 1 : 16],
        operands: [
          "z": .input(t.tensor(&r, half ? -2...2 : 99...101), half: half),
          "partials": .output(2 * t.partials),
        ],
        integers: t.integers, tolerance: 1e-4))
  }

  @Test(arguments: [0, 1], 0...4) func norm_finalise(_ batch: Int, _ running: Int) {
    for seed in 0..<5 as Range<UInt64> {
      var r = RandomNumbers(seed: seed)
      let t = Chunked.random(&r)
      let scales = 2 * t.samples * padded(t.channels)
      let isAffine = r.bool()
      let hasBias = r.bool()
      func parameter(_ range: ClosedRange<Float>) -> Operand { .input(r.floats(t.channels, range)) }
      var partials: [Float] = []
      for _ in 0..<t.partials / 16 { partials += r.floats(16, -1...1) + r.floats(16, 0...9) }
      t.clearPadding(&partials)
      var operands: [String: Operand] = [
        "partials": running == 2 || running == 4 ? .absent : .input(partials),
        "scalars": .absent, "renorm": .absent,
        "gamma": isAffine ? parameter(0.5...1.5) : .absent,
        "beta": isAffine ? parameter(-1...1) : .absent, "scale": .output(scales), "mean": .output(scales),
        "runningMean": .absent, "runningVariance": .absent,
        "bias": running > 0 && hasBias ? parameter(-1...1) : .absent,
      ]
      if running > 0 {
        let mean = r.floats(t.channels)
        let variance = r.floats(t.channels, 0.5...2)
        let moves = running == 1 || running == 3
        operands["runningMean"] = moves ? .updated(mean) : .input(mean)
        operands["runningVariance"] = moves ? .updated(variance) : .input(variance)
      }
      if running == 3 {
        var scalars = r.floats(64)
        scalars[17] = [1, 1.5, 3][Int(seed % 3)]
        scalars[18] = [0, 0.4, 5][Int(seed % 3)]
        operands["scalars"] = .input(scalars)
        operands["renorm"] = batch == 1 ? .output(2 * padded(t.channels)) : .scratch(2 * padded(t.channels))
      }
      expectAgreement(
        KernelCase(
          interface: KernelCatalog.normFinalise, defines: ["BATCH": batch, "RUNNING": running],
          operands: operands,
          integers: t.integers.merging(["epsilonBits": bits(1e-5), "momentumBits": bits(0.1)]) { $1 }))
    }
  }

  @Test(arguments: 0..<8, [0, 1]) func norm_backward_sums(_ activation: Int, _ keep: Int) {
    for seed in 0..<4 as Range<UInt64> {
      var r = RandomNumbers(seed: seed + 10 * UInt64(activation))
      let t = Chunked.random(&r)
      let gHalf = r.int(0...1)
      let zHalf = r.int(0...1)
      expectAgreement(
        KernelCase(
          interface: KernelCatalog.normBackwardSums,
          defines: [
            "Z_HALF": zHalf, "G_HALF": gHalf, "BLOCK": t.planar ? 1 : 16, "ACT": activation, "KEEP": keep,
          ],
          operands: [
            "g": .input(t.tensor(&r), half: gHalf == 1), "z": .input(t.tensor(&r), half: zHalf == 1),
            "scale": .input(affine(t.samples, t.channels, &r)),
            "mean": .input(affine(t.samples, t.channels, second: 0.5...1.5, &r)),
            "keep": keep == 1 ? .input(keepBits(t.samples, t.channels, t.voxels, &r)) : .absent,
            "partials": .output(2 * t.partials),
          ],
          integers: t.integers.merging(["slopeBits": bits(0.1), "keepScaleBits": bits(1.25)]) { $1 },
          tolerance: 1e-4))
    }
  }

  @Test(arguments: [0, 1], [0, 1]) func norm_backward_finalise(_ batch: Int, _ renorm: Int) {
    for seed in 0..<6 as Range<UInt64> {
      var r = RandomNumbers(seed: seed)
      let t = Chunked.random(&r)
      let isAffine = r.bool()
      var partials: [Float] = []
      for _ in 0..<t.partials / 16 { partials += r.floats(32) }
      t.clearPadding(&partials)
      expectAgreement(
        KernelCase(
          interface: KernelCatalog.normBackwardFinalise, defines: ["BATCH": batch, "RENORM": renorm],
          operands: [
            "scale": .input(affine(t.samples, t.channels, &r)),
            "renorm": renorm == 1 ? .input(affine(1, t.channels, &r)) : .absent,
            "partials": .input(partials), "sums": .output(2 * t.samples * padded(t.channels)),
            "gradGamma": isAffine ? .updated(r.floats(t.channels)) : .absent,
            "gradBeta": isAffine ? .updated(r.floats(t.channels)) : .absent,
          ],
          integers: t.integers))
    }
  }

  /// Statistics and gradients of groups that do not begin at a block.
  @Test(arguments: 0..<12) func group_norm_finalise(_ seed: UInt64) {
    var r = RandomNumbers(seed: seed)
    var t = Chunked.random(&r)
    let sets = [1, 2, 3, 5][Int(seed % 4)]
    t.channels = sets * r.int(1...9)
    t.planar = false
    let scales = 2 * t.samples * padded(t.channels)
    let isAffine = r.bool()
    let gamma: Operand = isAffine ? .input(r.floats(t.channels, 0.5...1.5)) : .absent
    var moments: [Float] = []
    for _ in 0..<t.partials / 16 { moments += r.floats(16, -1...1) + r.floats(16, 0...9) }
    t.clearPadding(&moments)
    let integers = t.integers.merging(["sets": sets, "epsilonBits": bits(1e-5)]) { $1 }
    expectAgreement(
      KernelCase(
        interface: KernelCatalog.groupNormFinalise,
        operands: [
          "partials": .input(moments), "gamma": gamma,
          "beta": isAffine ? .input(r.floats(t.channels)) : .absent,
          "scale": .output(scales), "mean": .output(scales),
        ], integers: integers))
    expectAgreement(
      KernelCase(
        interface: KernelCatalog.groupNormBackwardFinalise,
        operands: [
          "partials": .input(moments), "gamma": gamma, "sums": .output(scales),
          "mean": .input(affine(t.samples, t.channels, second: 0.5...1.5, &r)),
          "gradGamma": isAffine ? .updated(r.floats(t.channels)) : .absent,
          "gradBeta": isAffine ? .updated(r.floats(t.channels)) : .absent,
        ], integers: integers))
  }

  @Test(arguments: 0..<8) func prelu_backward(_ seed: UInt64) {
    var r = RandomNumbers(seed: seed)
    let t = Chunked.random(&r)
    let shared = Int(seed % 2)
    let writes = seed % 4 < 3 ? 1 : 0
    let accumulate = writes * r.int(0...1)
    let half = [r.bool(), r.bool(), r.bool()]
    expectAgreement(
      KernelCase(
        interface: KernelCatalog.preluBackward,
        defines: [
          "SHARED": shared, "WRITES": writes, "Z_HALF": half[0] ? 1 : 0, "G_HALF": half[1] ? 1 : 0,
          "OUT_HALF": half[2] ? 1 : 0, "BLOCK": t.planar ? 1 : 16, "ACCUMULATE": accumulate,
        ],
        operands: [
          "out": writes == 0
            ? .absent
            : accumulate == 1 ? .updated(t.tensor(&r), half: half[2]) : .output(t.elements, half: half[2]),
          "z": .input(t.tensor(&r), half: half[0]), "g": .input(t.tensor(&r), half: half[1]),
          "slopes": .input(r.floats(shared == 1 ? 1 : t.channels)), "partials": .output(t.partials),
        ], integers: t.integers))
    expectAgreement(
      KernelCase(
        interface: KernelCatalog.preluSlope, defines: ["SHARED": shared],
        operands: [
          "gradient": .updated(r.floats(shared == 1 ? 1 : t.channels)), "partials": .input(r.floats(t.partials)),
        ], integers: t.integers))
  }

  @Test(arguments: 0...7, [0, 1, 2, 3, 4, 7])
  func chain_backward(_ activation: Int, _ preActivation: Int) {
    for seed in 0..<4 as Range<UInt64> {
      var r = RandomNumbers(seed: seed + UInt64(10 * activation + 40 * preActivation))
      let norm = Int(seed / 2)
      let t = Chunked.random(&r)
      let zHalf = r.int(0...1)
      let gHalf = r.int(0...1)
      let outHalf = r.int(0...1)
      let keep = r.int(0...1)
      let accumulate = r.int(0...1)
      let isInPlace = seed % 2 == 1 && outHalf == gHalf && accumulate == 0
      let g = t.tensor(&r)
      let hasNorm = norm == 1
      expectAgreement(
        KernelCase(
          interface: KernelCatalog.chainBackward,
          defines: [
            "Z_HALF": zHalf, "G_HALF": gHalf, "OUT_HALF": outHalf, "BLOCK": t.planar ? 1 : 16, "NORM": norm,
            "ACT": activation, "KEEP": keep, "PRE_ACT": preActivation, "ACCUMULATE": accumulate,
          ],
          operands: [
            "out": isInPlace
              ? .alias("g")
              : accumulate == 1
                ? .updated(t.tensor(&r), half: outHalf == 1) : .output(t.elements, half: outHalf == 1),
            "g": isInPlace ? .updated(g, half: gHalf == 1) : .input(g, half: gHalf == 1),
            "z": .input(t.tensor(&r), half: zHalf == 1),
            "scale": hasNorm ? .input(affine(t.samples, t.channels, &r)) : .absent,
            "mean": hasNorm ? .input(affine(t.samples, t.channels, second: 0.5...1.5, &r)) : .absent,
            "sums": hasNorm ? .input(affine(t.samples, t.channels, &r)) : .absent,
            "keep": keep == 1 ? .input(keepBits(t.samples, t.channels, t.voxels, &r)) : .absent,
          ],
          integers: t.integers.merging(
            ["slopeBits": bits(0.1), "keepScaleBits": bits(1.25), "preSlopeBits": bits(0.2)]) { $1 }))
    }
  }

  @Test(arguments: 0..<8) func dropout_keep(_ seed: UInt64) {
    var r = RandomNumbers(seed: seed)
    let t = Chunked.random(&r)
    var scalars = r.floats(64)
    scalars[1] = Float(bitPattern: UInt32(seed))  // micro-batch
    scalars[11] = Float(bitPattern: 0xdead_beef)
    scalars[12] = Float(bitPattern: UInt32(truncatingIfNeeded: r.next()) & 0x7fff_ffff)
    scalars[13] = Float(bitPattern: 1_000 + UInt32(seed))
    let threshold = [0, 1 << 32, 1 << 31, 858_993_459][Int(seed % 4)]
    expectAgreement(
      KernelCase(
        interface: KernelCatalog.dropoutKeep, defines: ["SPATIAL": Int(seed / 2 % 2)],
        operands: [
          "keep": .output(t.samples * blocks(t.channels) * t.voxels, .uint16), "scalars": .input(scalars),
        ],
        integers: t.integers.merging(
          ["layerLow": 0x89ab_cdef, "layerHigh": 0xffff_0001, "threshold": threshold]) { $1 }))
  }
}
