/// Mean, standard deviation (of the population), least and largest value of a channel.
///
/// Sums are kept in double precision, in eight lanes whose order never changes.
struct ValueStatistics {
  var mean: Double
  var standardDeviation: Double
  var range: ClosedRange<Float>

  init(_ values: UnsafeMutableBufferPointer<Float>) {
    self.init(mean: Self.mean(values), of: values)
    var low = Float.infinity
    var high = -Float.infinity
    for value in values {
      low = value < low ? value : low
      high = value > high ? value : high
    }
    range = low <= high ? low...high : 0...0
  }

  private init(mean: Double, of values: UnsafeMutableBufferPointer<Float>) {
    self.mean = mean
    let squares = Self.sum(values) { value in
      let distance = value - mean
      return distance * distance
    }
    standardDeviation = values.isEmpty ? 0 : (squares / Double(values.count)).squareRoot()
    range = 0...0
  }

  /// Without least and largest value.
  static func meanAndDeviation(_ values: UnsafeMutableBufferPointer<Float>) -> ValueStatistics {
    ValueStatistics(mean: mean(values), of: values)
  }

  private static func mean(_ values: UnsafeMutableBufferPointer<Float>) -> Double {
    values.isEmpty ? 0 : sum(values) { $0 } / Double(values.count)
  }

  @inline(__always)
  private static func sum(
    _ values: UnsafeMutableBufferPointer<Float>, _ term: (SIMD8<Double>) -> SIMD8<Double>
  ) -> Double {
    guard let base = values.baseAddress else { return 0 }
    var lanes = SIMD8<Double>()
    let whole = values.count & ~7
    for index in stride(from: 0, to: whole, by: 8) {
      let eight = UnsafeRawPointer(base + index).loadUnaligned(as: SIMD8<Float>.self)
      lanes += term(SIMD8<Double>(eight))
    }
    var rest = 0.0
    for index in whole..<values.count { rest += term(SIMD8(repeating: Double(base[index])))[0] }
    return lanes.sum() + rest
  }
}
