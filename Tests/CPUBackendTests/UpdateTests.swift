import CPUBackend
import ExecutionPlan
import KernelCatalog
import Testing

#if canImport(Glibc)
  import Glibc
#endif

@Suite struct UpdateTests {
  @Test(arguments: [0, 1], [0, 3])
  func clears(onlyFirst: Int, microBatch: Int) throws {
    var call = try KernelCall("clear")
    call.define("ONLY_FIRST", onlyFirst)
    let values = call.floats([Float](repeating: 7, count: 40_001))
    call.set("values", values)
    call.set("scalars", call.floats(scalarArray([], integers: [(.microBatch, Int32(microBatch))])))
    call.set("count", 40_000)
    let cleared = onlyFirst == 0 || microBatch == 0
    try call.runEverywhere {
      let after = $0.floats(values)
      #expect(after.dropLast().allSatisfy { $0 == (cleared ? 0 : 7) })
      #expect(after.last == 7)
    }
  }

  @Test func sumsSquaresAndCountsNonFinite() throws {
    var random = TestRandom(2)
    var gradient = random.values(1003).map { Float($0) }
    let call = try KernelCall("gradient_norm")
    let expected = stride(from: 0, to: 1003, by: 100).flatMap { first -> [Double] in
      [gradient[first..<min(1003, first + 100)].reduce(0) { $0 + Double($1) * Double($1) / 64 }, 0]
    }
    for broken in [false, true] {
      if broken {
        gradient[250] = .infinity
        gradient[299] = .nan
      }
      var copy = call
      copy.set("gradient", copy.floats(gradient))
      let partials = copy.poisoned(22)
      copy.set("partials", partials)
      copy.set("scalars", copy.floats(scalarArray([(.lossScale, 8)])))
      copy.set(["count", "chunkVoxels"], [1003, 100])
      try copy.runEverywhere {
        let after = $0.doubles(partials)
        #expect(broken ? after[5] == 2 && after[7] == 0 : deviation(after, expected) < 1e-6)
      }
    }
  }

  struct Prepare {
    var partials: [Float], dynamic = true, good: Int32 = 0, clip: Float = 0
    var skipped: Int32 = 0, norm: Float, factor: Float, scale: Float, goodAfter: Int32, updates: Int32
  }
  @Test(arguments: [
    Prepare(partials: [9, 0, 16, 0], norm: 5, factor: 0.125, scale: 8, goodAfter: 1, updates: 4),
    Prepare(partials: [9, 0, 16, 0], good: 2, norm: 5, factor: 0.125, scale: 16, goodAfter: 0, updates: 4),
    Prepare(partials: [9, 0, 16, 0], clip: 2.5, norm: 5, factor: 0.0625, scale: 8, goodAfter: 1, updates: 4),
    Prepare(partials: [9, 0, 16, 0], clip: 50, norm: 5, factor: 0.125, scale: 8, goodAfter: 1, updates: 4),
    Prepare(partials: [9, 1, 16, 0], good: 2, skipped: 1, norm: 5, factor: 0, scale: 4, goodAfter: 0,
        updates: 3),
    Prepare(partials: [9, 1, 16, 0], dynamic: false, good: 2, skipped: 1, norm: 5, factor: 0, scale: 8,
        goodAfter: 2,
      updates: 3),
  ])
  func preparesAnUpdate(_ c: Prepare) throws {
    var call = try KernelCall("update_prepare")
    call.define("DYNAMIC", c.dynamic ? 1 : 0)
    call.set("partials", call.floats(c.partials))
    let scalars = call.floats(scalarArray(
      [(.lossScale, 8), (.clipNorm, c.clip), (.scaleGrowth, 2), (.scaleBackoff, 0.5)],
      integers: [(.updates, 3), (.goodSteps, c.good), (.scaleInterval, 3)]))
    call.set("scalars", scalars)
    call.set("chunks", 2)
    try call.runEverywhere {
      let s = $0.floats(scalars)
      #expect(integer(s, .skipped) == c.skipped)
      #expect(integer(s, .goodSteps) == c.goodAfter)
      #expect(integer(s, .updates) == c.updates)
      #expect(s[Scalar.lossScale.rawValue] == c.scale)
      #expect(abs(s[Scalar.gradientNorm.rawValue] - c.norm) < 1e-6)
      #expect(abs(s[Scalar.gradientFactor.rawValue] - c.factor) < 1e-6)
    }
  }

  @Test func theLossScaleHasBounds() throws {
    for (skipped, scale, expected) in [(false, Float(0x1p24), Float(0x1p24)), (true, 1.5, 1)] {
      var call = try KernelCall("update_prepare")
      call.define("DYNAMIC", 1)
      call.set("partials", call.floats([1, skipped ? 1 : 0] as [Float]))
      let scalars = call.floats(scalarArray(
        [(.lossScale, scale), (.scaleGrowth, 2), (.scaleBackoff, 0.5)], integers: [(.scaleInterval, 1)]))
      call.set("scalars", scalars)
      call.set("chunks", 1)
      try call.runEverywhere { #expect($0.floats(scalars)[Scalar.lossScale.rawValue] == expected) }
    }
  }

  /// Three steps against the update rule in double, from zero moments.
  @Test(arguments: [0, 1, 2], [(0.0, 0.0), (0.1, 0.0), (0.0, 0.2)])
  func steps(kind: Int, decay: (coupled: Double, decoupled: Double)) throws {
    var random = TestRandom(5)
    let count = 5003, rate = 0.01, beta1 = 0.9, beta2 = 0.99, epsilon = 1e-4, factor = 0.5
    var weights = random.values(count), first = [Double](repeating: 0, count: count), second = first
    var stored = (weights, first, second)
    for t in 1...3 {
      let gradient = random.values(count)
      for i in 0..<count {
        weights[i] -= rate * decay.decoupled * weights[i]
        let g = gradient[i] * factor + decay.coupled * weights[i]
        if kind == 1 {
          first[i] = beta1 * first[i] + (1 - beta1) * g
          second[i] = beta2 * second[i] + (1 - beta2) * g * g
          let m = first[i] / (1 - pow(beta1, Double(t))), v = second[i] / (1 - pow(beta2, Double(t)))
          weights[i] -= rate * m / (v.squareRoot() + epsilon)
        } else {
          first[i] = t == 1 ? g : beta1 * first[i] + g
          weights[i] -= rate * (kind == 0 ? g + beta1 * first[i] : first[i])
        }
      }
      for skipped in [true, false] {
        var call = try KernelCall("optimizer_step")
        call.define("KIND", kind)
        let w = call.floats(stored.0), m = call.floats(stored.1), v = call.floats(stored.2)
        call.set("weights", w)
        call.set("gradient", call.floats(gradient))
        call.set("first", m)
        call.set("second", kind == 1 ? v : nil)
        let values: [(Scalar, Double)] = [
          (.learningRate, rate), (.beta1, beta1), (.beta2, beta2), (.epsilon, epsilon),
              (.coupledDecay, decay.coupled),
          (.decoupledDecay, decay.decoupled), (.logBeta1, log(beta1)), (.logBeta2, log(beta2)),
          (.gradientFactor, factor),
        ]
        call.set("scalars", call.floats(scalarArray(
          values.map { ($0.0, Float($0.1)) }, integers: [(.updates, Int32(t)), (.skipped, skipped ? 1 : 0)])))
        call.set("count", count)
        let before = stored
        try call.runEverywhere {
          if skipped {
            #expect($0.doubles(w) == before.0.map { Double(Float($0)) })
          } else {
            #expect(deviation($0.doubles(w), weights) < 1e-6)
            #expect(deviation($0.doubles(m), first) < 1e-6)
            stored = ($0.doubles(w), $0.doubles(m), $0.doubles(v))
          }
        }
      }
    }
  }
}
