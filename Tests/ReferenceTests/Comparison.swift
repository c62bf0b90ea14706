import RealModule
import Testing

/// Tolerances and how an error is measured.
enum Comparison {
  /// Of outputs in fp32; of gradients and whole networks in fp32; of mixed plans.
  static let forward = 1e-5
  static let fp32 = 1e-4
  static let mixed = 1e-2

  /// Norm of the difference over the norm of what is expected, or over `scale`: a layer's largest gradient norm,
  /// for a gradient beside which this one is small.
  static func expectClose(
    _ found: [Float], _ expected: [Double], scale: Double = 0, tolerance: Double, _ what: String,
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    guard found.count == expected.count else {
      Issue.record(
        "\(what): \(found.count) values, expected \(expected.count)", sourceLocation: sourceLocation)
      return
    }
    let size = max(norm(expected), scale)
    let error = norm(zip(found, expected).map { Double($0) - $1 })
    #expect(
      error <= tolerance * size, "\(what): error \(error) against a norm of \(size)",
      sourceLocation: sourceLocation)
  }

  static func expectClose(
    _ found: Float, _ expected: Double, tolerance: Double, _ what: String,
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    expectClose([found], [expected], tolerance: tolerance, what, sourceLocation: sourceLocation)
  }

  static func norm(_ values: [Double]) -> Double { values.reduce(0) { $0 + $1 * $1 }.squareRoot() }
}

/// 1/(1 + e^(−x)).
func sigmoid(_ x: Double) -> Double { 1 / (1 + Double.exp(-x)) }

/// log(1 + eˣ) without overflow.
func softplus(_ x: Double) -> Double { max(x, 0) + Double.log(onePlus: Double.exp(-abs(x))) }
