import ExecutionPlan
import KernelCatalog
import Testing

@Suite struct UpdateCases {
  private static let counts = [1, 15, 16, 1000, 4099]

  /// Plausible scalars of a step, the rest random.
  private static func scalars(_ r: inout RandomNumbers) -> [Float] {
    var scalars = r.floats(Scalar.count, 0.1...0.9)
    func set(_ scalar: Scalar, _ value: Float) { scalars[scalar.rawValue] = value }
    func set(_ scalar: Scalar, integer value: UInt32) { scalars[scalar.rawValue] = Float(bitPattern: value) }
    set(.microBatch, integer: 0)
    set(.epsilon, 1e-8)
    set(.learningRate, 0.01)
    set(.clipNorm, r.of([0, 0.5, 1e6]))
    set(.beta1, 0.9)
    set(.beta2, 0.999)
    set(.logBeta1, -0.105_360_516)
    set(.logBeta2, -0.001_000_500_3)
    set(.scaleGrowth, 2)
    set(.scaleBackoff, 0.5)
    set(.scaleInterval, integer: 5)
    set(.lossScale, r.of([1, 1024, 16_777_216]))
    set(.goodSteps, integer: UInt32(r.int(0...5)))
    set(.updates, integer: UInt32(r.of([0, 1, 7])))
    set(.skipped, integer: 0)
    return scalars
  }

  @Test(arguments: [0, 1]) func store_planes(_ half: Int) {
    for seed in 0..<12 as Range<UInt64> {
      var r = RandomNumbers(seed: seed + 900)
      let rows = r.int(1...5), run = 16 * r.of([1, 7, 255, 256, 257, 1100])
      let stride = run + 16 * r.of([0, 1, 300])
      expectAgreement(
        KernelCase(
          interface: KernelCatalog.storePlanes, defines: ["HALF": half],
          operands: [
            "out": .updated(r.floats((rows - 1) * stride + run), half: half == 1),
            "slab": .input(r.floats(rows * run), half: half == 1),
          ],
          integers: ["rows": rows, "run": run, "stride": stride]))
    }
  }

  @Test(arguments: [0, 1], [0, 1, 2]) func clear(_ onlyFirst: Int, _ microBatch: UInt32) {
    for count in Self.counts {
      var r = RandomNumbers(seed: UInt64(count))
      var scalars = Self.scalars(&r)
      scalars[Scalar.microBatch.rawValue] = Float(bitPattern: microBatch)
      expectAgreement(
        KernelCase(
          interface: KernelCatalog.clear, defines: ["ONLY_FIRST": onlyFirst],
          operands: ["values": .updated(r.floats(count)), "scalars": .input(scalars)],
          integers: ["count": count]))
    }
  }

  @Test(arguments: [1, 3, 17], [0, 1, 100]) func device_limit(_ rows: Int, _ repeats: Int) {
    var r = RandomNumbers(seed: UInt64(1000 * rows + repeats))
    expectAgreement(
      KernelCase(
        interface: KernelCatalog.deviceLimit, defines: ["STREAM": 0],
        operands: ["values": .updated(r.floats(16 * rows, -0.9...0.9))],
        integers: ["count": rows, "repeats": repeats], tolerance: 1e-4))
    for count in Self.counts {
      expectAgreement(
        KernelCase(
          interface: KernelCatalog.deviceLimit, defines: ["STREAM": 1], operands: ["values": .updated(r.floats(count))],
          integers: ["count": count, "repeats": 0]))
    }
  }

  @Test(arguments: 0..<8) func gradient_norm(_ seed: UInt64) {
    var r = RandomNumbers(seed: seed)
    let count = r.of(Self.counts)
    let chunk = r.of([7, 64, 1000])
    var gradient = r.floats(count, -100...100)
    if seed % 2 == 1 {
      gradient[r.int(0...count - 1)] = .infinity
      gradient[r.int(0...count - 1)] = .nan
    }
    expectAgreement(
      KernelCase(
        interface: KernelCatalog.gradientNorm,
        operands: [
          "gradient": .input(gradient), "partials": .output(2 * quotient(count, roundedUpBy: chunk)),
          "scalars": .input(Self.scalars(&r)),
        ],
        integers: ["count": count, "chunkVoxels": chunk], tolerance: 1e-4))
  }

  @Test(arguments: [0, 1]) func update_prepare(_ dynamic: Int) {
    for seed in 0..<12 as Range<UInt64> {
      var r = RandomNumbers(seed: seed)
      let chunks = r.of([1, 5, 300])
      let isFinite = seed % 3 != 2
      let partials = (0..<chunks).flatMap { i in [r.float(0...2), isFinite || i > 0 ? 0 : 3] }
      expectAgreement(
        KernelCase(
          interface: KernelCatalog.updatePrepare, defines: ["DYNAMIC": dynamic],
          operands: ["partials": .input(partials), "scalars": .updated(Self.scalars(&r))],
          integers: ["chunks": chunks], tolerance: 1e-4))
    }
  }

  @Test(arguments: [0, 1, 2], [0, 1] as [UInt32]) func optimizer_step(_ kind: Int, _ skipped: UInt32) {
    for (i, count) in Self.counts.enumerated() {
      // Each kind of decay alone, then both.
      let unused: [Scalar] = [[.coupledDecay], [.decoupledDecay], []][i % 3]
      expectAgreement(
        step(kind: kind, skipped: skipped, count: count, seed: i) { scalars in
          for scalar in unused { scalars[scalar.rawValue] = 0 }
        })
    }
  }

  private func step(
    kind: Int, skipped: UInt32, count: Int, seed: Int, change: (inout [Float]) -> Void
  ) -> KernelCase {
    var r = RandomNumbers(seed: UInt64(seed))
    var scalars = Self.scalars(&r)
    scalars[Scalar.updates.rawValue] = Float(bitPattern: UInt32(1 + seed % 3))
    scalars[Scalar.skipped.rawValue] = Float(bitPattern: skipped)
    change(&scalars)
    return KernelCase(
      interface: KernelCatalog.optimizerStep, defines: ["KIND": kind],
      operands: [
        "weights": .updated(r.floats(count)), "gradient": .input(r.floats(count)),
        "first": .updated(r.floats(count)),
        "second": kind == 1 ? .updated(r.floats(count, 0...2)) : .absent, "scalars": .input(scalars),
      ],
      integers: ["count": count])
  }
}
