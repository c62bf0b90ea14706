import CPUBackend
import KernelCatalog
import Testing

#if canImport(Glibc)
  import Glibc
#endif

@Suite struct NormTests {
  /// Shapes: odd extents, several blocks and chunks, planar and blocked, both storage types.
  struct Case: CustomStringConvertible {
    var n = 2, c = 5, extent = [3, 5, 7], chunk = 32, planar = false, half = false, batch = false
    var voxels: Int { extent.reduce(1, *) }
    var chunks: Int { (voxels + chunk - 1) / chunk }
    var blocks: Int { (c + 15) / 16 }
    var description: String {
      "N \(n) C \(c) \(extent) chunk \(chunk) planar \(planar) half \(half) batch \(batch)"
    }
  }
  static let cases = [
    Case(), Case(n: 1, c: 1, extent: [1, 1, 1]), Case(n: 3, c: 37, chunk: 50, half: true, batch: true),
    Case(c: 7, chunk: 1000, planar: true), Case(n: 3, c: 16, extent: [1, 1, 13], chunk: 7, planar: true,
        half: true),
    Case(c: 17, extent: [5, 6, 7], chunk: 128, batch: true),
  ]

  static func setShape(_ call: inout KernelCall, _ c: Case) {
    call.set(["N", "C", "voxels", "chunkVoxels"], [c.n, c.c, c.voxels, c.chunk])
  }

  /// partials[n][block][chunk][2][16] by definition.
  static func partials(_ c: Case, _ of: (_ n: Int, _ c: Int, _ voxels: Range<Int>) -> [Double]) -> [Double] {
    var result: [Double] = []
    for n in 0..<c.n { for block in 0..<c.blocks { for chunk in 0..<c.chunks {
      let range = chunk * c.chunk..<min(c.voxels, (chunk + 1) * c.chunk)
      let pairs = (0..<16).map { 16 * block + $0 < c.c ? of(n, 16 * block + $0, range) : [0, 0] }
      for i in 0..<pairs[0].count { result += pairs.map { $0[i] } }
    } } }
    return result
  }

  @Test(arguments: cases)
  func measuresChunks(_ c: Case) throws {
    var random = TestRandom(1)
    var z = TestTensor.random(c.n, c.c, c.extent, &random)
    for i in z.values.indices { z.values[i] += 8 }  // a large mean, where Σz² would cancel
    z = z.rounded(half: c.half)
    let expected = NormTests.partials(c) { n, channel, range in
      let values = range.map { z.values[(n * c.c + channel) * c.voxels + $0] }
      let mean = values.reduce(0, +) / Double(values.count)
      return [mean, values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }]
    }
    var call = try KernelCall("norm_statistics")
    call.define("HALF", c.half ? 1 : 0)
    call.define("BLOCK", c.planar ? 1 : 16)
    call.set("z", call.floats(z.encoded(planar: c.planar), half: c.half))
    let partials = call.poisoned(expected.count)
    call.set("partials", partials)
    NormTests.setShape(&call, c)
    try call.runEverywhere { #expect(deviation($0.doubles(partials), expected) < 1e-5, "\(c)") }
  }

  @Test(arguments: cases, [0, 1, 2])
  func finalises(_ c: Case, running: Int) throws {
    var random = TestRandom(2)
    let z = TestTensor.random(c.n, c.c, c.extent, &random)
    let gamma = random.values(c.c), beta = random.values(c.c), bias = random.values(c.c)
    let oldMean = random.values(c.c), oldVariance = random.values(c.c).map { abs($0) + 0.5 }
    let parts = NormTests.partials(c) { n, channel, range in
      let values = range.map { z.values[(n * c.c + channel) * c.voxels + $0] }
      let mean = values.reduce(0, +) / Double(values.count)
      return [mean, values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }]
    }
    for affine in [true, false] {
      var call = try KernelCall("norm_finalise")
      call.define("BATCH", c.batch ? 1 : 0)
      call.define("RUNNING", running)
      let padded = c.blocks * 16
      let scale = call.poisoned(2 * c.n * padded), mean = call.poisoned(2 * c.n * padded)
      let runningMean = call.floats(oldMean), runningVariance = call.floats(oldVariance)
      call.set("partials", running == 2 ? nil : call.floats(parts))
      call.set("gamma", affine ? call.floats(gamma) : nil)
      call.set("beta", affine ? call.floats(beta) : nil)
      call.set("scale", scale)
      call.set("mean", mean)
      call.set("runningMean", running == 0 ? nil : runningMean)
      call.set("runningVariance", running == 0 ? nil : runningVariance)
      call.set("scalars", nil)
      call.set("renorm", nil)
      call.set("bias", running > 0 ? call.floats(bias) : nil)
      NormTests.setShape(&call, c)
      call.set("epsilonBits", 1e-3)
      call.set("momentumBits", 0.25)

      var scales = [Double](repeating: 0, count: 2 * c.n * padded), means = scales
      var newMean = oldMean, newVariance = oldVariance
      for channel in 0..<c.c {
        var batchMean = 0.0, batchVariance = 0.0
        for n in 0..<c.n {
          let samples = c.batch ? Array(0..<c.n) : [n]
          let values = samples.flatMap { s in
            (0..<c.voxels).map { z.values[(s * c.c + channel) * c.voxels + $0] }
          }
          let count = Double(values.count)
          var m = values.reduce(0, +) / count
          let squares = values.reduce(0) { $0 + ($1 - m) * ($1 - m) }
          var variance = squares / count
          batchMean += m / Double(c.n)
          batchVariance += squares / max(1, count - 1) / Double(c.n)
          if running == 2 { (m, variance) = (oldMean[channel] - bias[channel], oldVariance[channel]) }
          let rstd = 1 / (variance + 1e-3).squareRoot()
          let factor = (affine ? gamma[channel] : 1) * rstd
          scales[n * padded + channel] = factor
          scales[(c.n + n) * padded + channel] = (affine ? beta[channel] : 0) - m * factor
          means[n * padded + channel] = m
          means[(c.n + n) * padded + channel] = rstd
        }
        if running == 1 {
          newMean[channel] += 0.25 * (batchMean + bias[channel] - oldMean[channel])
          newVariance[channel] += 0.25 * (batchVariance - oldVariance[channel])
        }
      }
      try call.runEverywhere {
        #expect(deviation($0.doubles(scale), scales) < 1e-5, "\(c)")
        #expect(deviation($0.doubles(mean), means) < 1e-5, "\(c)")
        #expect(deviation($0.doubles(runningMean), newMean) < 1e-5, "\(c)")
        #expect(deviation($0.doubles(runningVariance), newVariance) < 1e-5, "\(c)")
      }
    }
  }

  @Test(arguments: cases)
  func sumsChannels(_ c: Case) throws {
    var random = TestRandom(3)
    let g = TestTensor.random(c.n, c.c, c.extent, &random)
    var expected: [Double] = []
    for n in 0..<c.n { for block in 0..<c.blocks { for chunk in 0..<c.chunks {
      for i in 0..<16 {
        let range = chunk * c.chunk..<min(c.voxels, (chunk + 1) * c.chunk), channel = 16 * block + i
        let at = (n * c.c + channel) * c.voxels
        expected.append(channel < c.c ? range.reduce(0) { $0 + g.values[at + $1] } : 0)
      }
    } } }
    var call = try KernelCall("channel_sums")
    call.define("HALF", c.half ? 1 : 0)
    call.define("BLOCK", c.planar ? 1 : 16)
    call.set("g", call.floats(g.encoded(planar: c.planar), half: c.half))
    let partials = call.poisoned(expected.count)
    call.set("partials", partials)
    NormTests.setShape(&call, c)
    try call.runEverywhere { #expect(deviation($0.doubles(partials), expected) < 1e-5) }

    let before = random.values(c.c)
    let sums = (0..<c.c).map { channel in
      (0..<c.n).reduce(before[channel]) { sum, n in
        sum + (0..<c.voxels).reduce(0) { $0 + g.values[(n * c.c + channel) * c.voxels + $1] }
      }
    }
    var bias = try KernelCall("bias_gradient")
    let gradient = bias.floats(before)
    bias.set("gradient", gradient)
    bias.set("partials", bias.floats(expected))
    bias.set(["N", "C", "chunks"], [c.n, c.c, c.chunks])
    try bias.runEverywhere { #expect(deviation($0.doubles(gradient), sums) < 1e-5) }
  }
}
