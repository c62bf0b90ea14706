import CPUBackend
import KernelCatalog
import Testing

@Suite struct ChainBackwardTests {
  typealias Case = NormTests.Case

  /// y = dropout(act(scale·z + shift)) with scale and shift from z's own statistics.
  struct Chain {
    let c: Case
    let z, g: TestTensor
    let gamma, beta: [Double]
    let keep: [Bool]
    let activation: Activation
    let slope = 0.25, keepScale = 1.5, epsilon = 1e-3

    init(_ c: Case, _ activation: Activation, seed: UInt64) {
      self.c = c
      self.activation = activation
      var random = TestRandom(seed)
      z = .random(c.n, c.c, c.extent, &random)
      g = .random(c.n, c.c, c.extent, &random)
      gamma = random.values(c.c)
      beta = random.values(c.c)
      keep = z.values.map { _ in random.below(4) > 0 }
    }

    func samples(_ n: Int) -> [Int] { c.batch ? Array(0..<c.n) : [n] }
    func index(_ n: Int, _ channel: Int, _ v: Int) -> Int { (n * c.c + channel) * c.voxels + v }

    func statistics(_ z: [Double], _ n: Int, _ channel: Int) -> (mean: Double, rstd: Double) {
      let values = samples(n).flatMap { s in (0..<c.voxels).map { z[index(s, channel, $0)] } }
      let mean = values.reduce(0, +) / Double(values.count)
      let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count)
      return (mean, 1 / (variance + epsilon).squareRoot())
    }

    /// Σ g·y, whose gradient with respect to z, γ and β the kernels compute.
    func objective(_ z: [Double], _ gamma: [Double], _ beta: [Double]) -> Double {
      var sum = 0.0
      for n in 0..<c.n { for channel in 0..<c.c {
        let s = statistics(z, n, channel)
        for v in 0..<c.voxels {
          let i = index(n, channel, v)
          let y = activate((z[i] - s.mean) * s.rstd * gamma[channel] + beta[channel], activation, slope)
          sum += keep[i] ? g.values[i] * y * keepScale : 0
        }
      } }
      return sum
    }

    /// scale | shift and mean | rstd, each [N][CP].
    func tables() -> (scale: [Double], mean: [Double]) {
      let padded = c.blocks * 16
      var scale = [Double](repeating: 0, count: 2 * c.n * padded), mean = scale
      for n in 0..<c.n { for channel in 0..<c.c {
        let s = statistics(z.values, n, channel), at = n * padded + channel
        scale[at] = gamma[channel] * s.rstd
        scale[c.n * padded + at] = beta[channel] - s.mean * scale[at]
        mean[at] = s.mean
        mean[c.n * padded + at] = s.rstd
      } }
      return (scale, mean)
    }
  }

  static let cases = [
    Case(c: 3, extent: [1, 3, 5], chunk: 7), Case(n: 3, c: 17, extent: [1, 2, 3], chunk: 4, batch: true),
    Case(c: 2, extent: [2, 3, 5], chunk: 100, planar: true),
  ]

  @Test(arguments: cases, [Activation.none, .relu, .leaky, .sigmoid, .elu, .silu, .gelu, .tanh])
  func agreesWithFiniteDifferences(_ c: Case, _ activation: Activation) throws {
    let chain = Chain(c, activation, seed: 4), tables = chain.tables(), padded = c.blocks * 16
    func common(_ call: inout KernelCall) {
      call.define("Z_HALF", 0)
      call.define("G_HALF", 0)
      call.define("BLOCK", c.planar ? 1 : 16)
      call.define("ACT", activation.rawValue)
      call.define("KEEP", 1)
      call.set("g", call.floats(chain.g.encoded(planar: c.planar)))
      call.set("z", call.floats(chain.z.encoded(planar: c.planar)))
      call.set("scale", call.floats(tables.scale))
      call.set("mean", call.floats(tables.mean))
      call.set("keep", call.region(of: keepBits(chain.keep, chain.z)))
      call.set(["N", "C", "voxels"], [c.n, c.c, c.voxels])
      call.set("slopeBits", chain.slope)
      call.set("keepScaleBits", chain.keepScale)
    }
    var sums = try KernelCall("norm_backward_sums")
    common(&sums)
    sums.set("chunkVoxels", c.chunk)
    let partials = sums.poisoned(c.n * c.blocks * c.chunks * 32)
    sums.set("partials", partials)
    let h = 1e-6
    func slope(_ at: Int, _ values: [Double], _ f: ([Double]) -> Double) -> Double {
      var up = values, down = values
      up[at] += h
      down[at] -= h
      return (f(up) - f(down)) / (2 * h)
    }
    let dz = chain.z.values.indices.map { i in
      slope(i, chain.z.values) { chain.objective($0, chain.gamma, chain.beta) }
    }
    let dGamma = (0..<c.c).map { i in
      slope(i, chain.gamma) { chain.objective(chain.z.values, $0, chain.beta) }
    }
    let dBeta = (0..<c.c).map { i in
      slope(i, chain.beta) { chain.objective(chain.z.values, chain.gamma, $0) }
    }

    try sums.runEverywhere { after in
      var finalise = try KernelCall("norm_backward_finalise")
      finalise.define("BATCH", c.batch ? 1 : 0)
      finalise.define("RENORM", 0)
      finalise.set("scale", finalise.floats(tables.scale))
      finalise.set("renorm", nil)
      finalise.set("partials", finalise.floats(after.floats(partials)))
      let means = finalise.poisoned(2 * c.n * padded)
      let gradGamma = finalise.floats([Float](repeating: 2, count: c.c))
      let gradBeta = finalise.floats([Float](repeating: -1, count: c.c))
      finalise.set("sums", means)
      finalise.set("gradGamma", gradGamma)
      finalise.set("gradBeta", gradBeta)
      NormTests.setShape(&finalise, c)
      try finalise.runEverywhere { finalised in
        #expect(deviation(finalised.doubles(gradGamma), dGamma.map { $0 + 2 }) < 1e-4)
        #expect(deviation(finalised.doubles(gradBeta), dBeta.map { $0 - 1 }) < 1e-4)
        var back = try KernelCall("chain_backward")
        common(&back)
        for (name, value) in [("OUT_HALF", 0), ("NORM", 1), ("PRE_ACT", 0), ("ACCUMULATE", 0)] {
          back.define(name, value)
        }
        back.set("sums", back.floats(finalised.floats(means)))
        back.set("preSlopeBits", 0)
        let out = back.poisoned(chain.g.encoded(planar: c.planar).count)
        back.set("out", out)
        try back.runEverywhere {
          let result = TestTensor.decoded($0.floats(out), c.n, c.c, c.extent, planar: c.planar)
          #expect(deviation(result.tensor.values, dz) < 1e-4, "\(c) \(activation)")
          #expect(result.padding == 0)
        }
      }
    }
  }

  @Test(arguments: NormTests.cases, [Activation.none, .relu, .leaky, .sigmoid])
  func goesThroughTheProducersActivation(_ c: Case, _ before: Activation) throws {
    let chain = Chain(c, .leaky, seed: 9)
    let old = chain.g.values.map { 0.5 - $0 }
    for accumulate in [false, true] {
      let expected = chain.g.values.indices.map { i -> Double in
        let z = chain.z.values[i]
        var v = chain.keep[i] ? chain.g.values[i] * chain.keepScale : 0
        v *= activationSlope(z, .leaky, chain.slope)
        v *= before == .sigmoid ? z * (1 - z) : activationSlope(z, before, 0.5)
        return v + (accumulate ? old[i] : 0)
      }
      var call = try KernelCall("chain_backward")
      let half = c.half ? 1 : 0
      for (name, value) in [
        ("Z_HALF", half), ("G_HALF", half), ("OUT_HALF", half), ("BLOCK", c.planar ? 1 : 16), ("NORM", 0),
        ("ACT", Activation.leaky.rawValue), ("KEEP", 1), ("PRE_ACT", before.rawValue),
        ("ACCUMULATE", accumulate ? 1 : 0),
      ] { call.define(name, value) }
      for name in ["scale", "mean", "sums"] { call.set(name, nil) }
      let g = call.floats(chain.g.encoded(planar: c.planar), half: c.half)
      var stored = TestTensor(n: c.n, c: c.c, extent: c.extent, values: old)
      if !accumulate { stored.values = chain.g.values }
      // Without accumulation it runs in place over g.
      let out = accumulate ? call.floats(stored.encoded(planar: c.planar), half: c.half) : g
      call.set("out", out)
      call.set("g", g)
      call.set("z", call.floats(chain.z.encoded(planar: c.planar), half: c.half))
      call.set("keep", call.region(of: keepBits(chain.keep, chain.z)))
      call.set(["N", "C", "voxels"], [c.n, c.c, c.voxels])
      call.set("slopeBits", chain.slope)
      call.set("keepScaleBits", chain.keepScale)
      call.set("preSlopeBits", 0.5)
      try call.runEverywhere {
        let result = TestTensor.decoded($0.floats(out), c.n, c.c, c.extent, planar: c.planar)
        #expect(deviation(result.tensor.values, expected) < (c.half ? 1e-3 : 1e-5), "\(c) \(before)")
      }
    }
  }
}
