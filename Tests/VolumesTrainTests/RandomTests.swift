import Testing

@testable import Volumes

@Suite struct RandomTests {
  /// Known answers of the Random123 distribution, `kat_vectors`, philox4x32 10.
  @Test func philoxMatchesKnownAnswers() {
    #expect(
      Philox4x32.block(counter: .zero, key: .zero)
        == SIMD4(0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8))
    #expect(
      Philox4x32.block(counter: SIMD4(repeating: .max), key: SIMD2(repeating: .max))
        == SIMD4(0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd))
    #expect(
      Philox4x32.block(
        counter: SIMD4(0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344),
        key: SIMD2(0xa409_3822, 0x299f_31d0))
        == SIMD4(0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1))
  }

  @Test func samplesDependOnSeedStreamAndIndexOnly() {
    func words(_ seed: UInt64, _ stream: RandomStream, _ sample: UInt64) -> [UInt32] {
      var random = SampleRandom(seed: seed, stream: stream, sample: sample)
      return (0..<9).map { _ in random.nextWord() }
    }
    #expect(words(3, .noise, 7) == words(3, .noise, 7))
    let variants = [
      words(3, .noise, 7), words(4, .noise, 7), words(3, .patchCentre, 7), words(3, .noise, 8),
      words(3, .noise, 7 + 1 << 32), words(3 + 1 << 32, .noise, 7),
    ]
    #expect(Set(variants).count == variants.count)
  }

  @Test func distributionsHaveTheirMoments() {
    var random = SampleRandom(seed: 1, stream: .noise, sample: 0)
    let count = 40_000
    let uniforms = (0..<count).map { _ in random.uniform() }
    let normals = (0..<count).map { _ in random.normal() }
    func moment(_ values: [Double], _ power: Int) -> Double {
      values.reduce(0) { sum, v in sum + (0..<power).reduce(1.0) { p, _ in p * v } } / Double(count)
    }
    #expect(uniforms.allSatisfy { $0 >= 0 && $0 < 1 })
    #expect(abs(moment(uniforms, 1) - 0.5) < 0.008)
    #expect(abs(moment(uniforms, 2) - 1.0 / 3) < 0.008)
    #expect(abs(moment(normals, 1)) < 0.03)
    #expect(abs(moment(normals, 2) - 1) < 0.04)
    #expect(abs(moment(normals, 4) - 3) < 0.3)
    var counts = [Int](repeating: 0, count: 7)
    for _ in 0..<count { counts[random.integer(below: 7)] += 1 }
    // 5 standard deviations of a binomial share of 1/7.
    #expect(counts.allSatisfy { abs(Double($0) - Double(count) / 7) < 5 * 70 })
    #expect(random.permutation(50).sorted() == Array(0..<50))
  }

  @Test func noiseHasItsDeviation() {
    var values = [Float](repeating: 2, count: 30_001)
    values.withUnsafeMutableBufferPointer {
      SampleRandom(seed: 9, stream: .noise, sample: 1).addNoise(to: $0, standardDeviation: 3)
    }
    values.withUnsafeMutableBufferPointer {
      let statistics = ValueStatistics($0)
      #expect(abs(statistics.mean - 2) < 0.09)
      #expect(abs(statistics.standardDeviation - 3) < 0.08)
    }
  }
}
