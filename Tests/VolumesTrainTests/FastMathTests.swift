import RealModule
import Testing

@testable import Volumes

@Suite struct FastMathTests {
  @Test func powersAreCloseToTheLibrarys() {
    var worst = 0.0
    for exponent in [0.1, 0.5, 0.7, 0.99, 1, 1.3, 1.5, 2, 4] as [Float] {
      for step in 0...4000 {
        // Both ends: near 0 in powers of two, and all of 0 … 1.
        for x in [Float(step) / 4000, Float.exp2(-Float(step) / 200)] {
          let expected = Double.pow(Double(x), Double(exponent))
          let found = Double(fastPower(x, exponent))
          if x == 0 {
            #expect(found == 0)
          } else {
            worst = max(worst, abs(found - expected) / expected)
          }
        }
      }
    }
    #expect(worst < 1e-5, "largest relative error \(worst)")
    #expect(fastPower(1, 0.7) == 1)
  }

  @Test func logarithmsExponentialsAndRootsAreCloseToTheLibrarys() {
    for step in 1...4000 {
      let x = Float(step) * 0.37
      let logarithm = Double.log2(Double(x))
      #expect(abs(Double(fastLog2(x)) - logarithm) <= 3e-7 * abs(logarithm) + 1e-9)
      let small = Float.exp2(-Float(step) / 100)
      #expect(abs(Double(fastSquareRoot(small)) / Double(small).squareRoot() - 1) < 3e-7)
      let power = -Float(step) / 40
      #expect(abs(Double(fastExp2(power)) / Double.exp2(Double(power)) - 1) < 3e-7)
    }
    #expect(fastExp2(-1000) == Float.leastNormalMagnitude)
  }

  @Test func gaussianPairsAreBoxMullers() {
    var random = SampleRandom(seed: 4, stream: .noise, sample: 2)
    var worst = 0.0
    let corners: [(UInt32, UInt32)] = [(0, 0), (0, .max), (1 << 31, 1 << 30), (1 << 20, 3 << 30)]
    for (u, v) in corners + (0..<4000).map({ _ in (random.nextWord(), random.nextWord()) }) {
      let radius = (-2 * Double.log((Double(u >> 8) + 0.5) * 0x1p-24)).squareRoot()
      let angle = 2 * Double.pi * (Double(v >> 8) + 0.5) * 0x1p-24
      let (a, b) = gaussianPair(u, v)
      worst = max(worst, abs(Double(a) - radius * .cos(angle)), abs(Double(b) - radius * .sin(angle)))
    }
    #expect(worst < 5e-6, "largest error \(worst)")
    // The last half step is lost in single precision: the least radius is 0, not 2.4e-4.
    #expect(gaussianPair(.max, 0) == (0, 0))
  }
}
