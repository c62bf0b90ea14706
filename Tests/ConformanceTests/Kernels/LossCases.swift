import ExecutionPlan
import KernelCatalog
import Testing

@Suite struct LossCases {
  /// Logits, targets and their chunks.
  private struct Batch {
    var samples, classes, voxels, chunkVoxels: Int
    var logits: [Float]
    var target: Operand
    var weights: Operand
    static let ignore = 255
    var chunks: Int { quotient(voxels, roundedUpBy: chunkVoxels) }
    var elements: Int { samples * classes * voxels }
    var partials: Int { samples * chunks * (3 * classes + 2) }
    var integers: [String: Int] {
      ["N": samples, "C": classes, "voxels": voxels, "chunkVoxels": chunkVoxels, "ignore": Self.ignore, "mean": voxels % 2,
        "gammaBits": bits(voxels % 3 == 0 ? 2 : 1.5), "clipBits": bits(1e-3)]
    }

    /// Logits reach ±40, where exp overflows unless the largest is taken off.
    init(fractional: Bool, _ r: inout RandomNumbers) {
      samples = r.int(1...3)
      classes = r.of([1, 2, 3, 5, 8])
      voxels = r.of([1, 7, 64, 129, 343])
      chunkVoxels = r.of([5, 16, 64, 1000])
      let count = samples * classes * voxels
      logits = r.floats(count, r.bool() ? -40...40 : -4...4)
      let (samples, voxels, classes) = (samples, voxels, classes)
      target =
        fractional
        ? .input(r.floats(count, -0.2...1))
        : .input(
          (0..<samples * voxels).map { _ in
            Int32(r.of([-1, Self.ignore] + (0..<classes).flatMap { [$0, $0] }))
          })
      weights = r.bool() ? .absent : .input(r.floats(classes, 0.2...3))
    }
  }

  /// Sigmoid knows the plain and the focal entropy.
  private static let kinds = [(0, 0), (0, 1), (0, 2), (0, 3), (1, 0), (1, 2)]

  @Test(arguments: kinds, [0, 1]) func loss_sums(_ kind: (sigmoid: Int, entropy: Int), _ target: Int) {
    for seed in 0..<4 as Range<UInt64> {
      var r = RandomNumbers(seed: seed)
      let batch = Batch(fractional: target == 1, &r)
      expectAgreement(
        KernelCase(
          interface: KernelCatalog.lossSums,
          defines: [
            "SIGMOID": kind.sigmoid, "TARGET": target, "ENTROPY": kind.entropy, "SQUARED": kind.entropy % 2,
          ],
          operands: [
            "logits": .input(batch.logits), "target": batch.target, "classWeights": batch.weights,
            "partials": .output(batch.partials),
          ],
          integers: batch.integers, tolerance: 1e-4))
    }
  }

  @Test(arguments: 0...4) func loss_finalise(_ kind: Int) {
    for seed in 0..<10 as Range<UInt64> {
      expectAgreement(finalise(kind, seed, epsilon: 1e-5) { _, _ in false })
    }
    // Every voxel ignored: no weights, no entropy.
    expectAgreement(finalise(kind, 10, epsilon: 1e-5) { $1 == 3 * $0 + 1 })
    // ε = 0 and a class that is neither there nor predicted: a perfect overlap without gradient.
    expectAgreement(finalise(kind, 5, epsilon: 0) { $1 < 3 })
  }

  /// - Parameter isZero: Whether an entry of a chunk's sums is 0, by number of classes and entry.
  private func finalise(
    _ kind: Int, _ seed: UInt64, epsilon: Float, isZero: (Int, Int) -> Bool
  ) -> KernelCase {
    var r = RandomNumbers(seed: seed)
    let batch = Batch(fractional: false, &r)
    var partials = r.floats(batch.partials, 1...4)
    for i in partials.indices {
      let entry = i % (3 * batch.classes + 2)
      if entry < 3 * batch.classes && entry % 3 == 0 { partials[i] *= 0.25 }  // Σ p·y ≤ Σ p, Σ y
      if isZero(batch.classes, entry) { partials[i] = 0 }
    }
    var scalars = r.floats(64, 0.5...1.5)
    scalars[Scalar.microBatch.rawValue] = Float(bitPattern: UInt32(seed % 2))
    scalars[Scalar.lossScale.rawValue] = 1024
    return KernelCase(
      interface: KernelCatalog.lossFinalise, defines: ["KIND": kind],
      operands: [
        "partials": .input(partials), "coefficients": .output(2 * batch.samples * batch.classes + 1),
        "scalars": .updated(scalars),
      ],
      integers: batch.integers.merging([
        "firstClass": batch.classes > 1 && epsilon > 0 ? r.int(0...1) : 0, "batch": r.int(0...1), "first": r.int(0...1),
        "alphaBits": bits(0.3), "betaBits": bits(0.7),
        "regionWeightBits": bits(0.75), "entropyWeightBits": bits(1.25), "epsilonBits": bits(epsilon),
      ]) { $1 })
  }

  @Test(arguments: kinds, [0, 1]) func loss_gradient(_ kind: (sigmoid: Int, entropy: Int), _ target: Int) {
    for seed in 0..<4 as Range<UInt64> {
      var r = RandomNumbers(seed: seed)
      let batch = Batch(fractional: target == 1, &r)
      let isInPlace = seed % 2 == 1
      expectAgreement(
        KernelCase(
          interface: KernelCatalog.lossGradient,
          defines: [
            "SIGMOID": kind.sigmoid, "TARGET": target, "ENTROPY": kind.entropy, "SQUARED": kind.entropy % 2,
          ],
          operands: [
            "g": isInPlace ? .alias("logits") : .output(batch.elements),
            "logits": isInPlace ? .updated(batch.logits) : .input(batch.logits), "target": batch.target,
            "classWeights": batch.weights,
            "coefficients": .input(r.floats(2 * batch.samples * batch.classes + 1)),
          ],
          integers: batch.integers, tolerance: 1e-4))
    }
  }

  @Test(arguments: [0, 1]) func pick_target(_ target: Int) {
    var r = RandomNumbers(seed: UInt64(target))
    let (planes, d, h, w) = (3, 2, 3, 5)
    let factor = [r.int(1...3), r.int(1...3), r.int(1...4)]
    let count = planes * d * h * w * factor.reduce(1, *)
    expectAgreement(
      KernelCase(
        interface: KernelCatalog.pickTarget, defines: ["TARGET": target],
        operands: [
          "out": .output(planes * d * h * w, target == 1 ? .float32 : .int32),
          "target": target == 1 ? .input(r.floats(count)) : .input((0..<count).map { Int32($0) }),
        ],
        integers: [
          "planes": planes, "D": d, "H": h, "W": w, "factorD": factor[0], "factorH": factor[1],
          "factorW": factor[2],
        ], tolerance: 0))
  }

  @Test(arguments: [0, 1]) func probabilities(_ sigmoid: Int) {
    for seed in 0..<6 as Range<UInt64> {
      var r = RandomNumbers(seed: seed)
      let batch = Batch(fractional: false, &r)
      let isInPlace = seed % 2 == 1
      expectAgreement(
        KernelCase(
          interface: KernelCatalog.probabilities, defines: ["SIGMOID": sigmoid],
          operands: [
            "out": isInPlace ? .alias("logits") : .output(batch.elements),
            "logits": isInPlace ? .updated(batch.logits) : .input(batch.logits),
          ],
          integers: batch.integers, tolerance: 1e-4))
    }
  }
}
