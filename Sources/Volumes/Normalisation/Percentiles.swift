/// Percentiles as numpy's default ("linear"): position p/100 · (n − 1), interpolated between order
/// statistics.
public enum Percentiles {
  /// - Parameters:
  ///   - percentages: 0 … 100, in any order.
  ///   - values: finite, at least one. Expected linear time in their number (quickselect on a copy).
  public static func of(_ values: [Float], _ percentages: [Double]) -> [Double] {
    precondition(!values.isEmpty, "internal: percentile of no values")
    var scratch = values
    return scratch.withUnsafeMutableBufferPointer { v in
      percentages.map { percentage in
        let position = min(max(percentage, 0), 100) / 100 * Double(v.count - 1)
        let low = Int(position)
        let lowValue = Double(select(low, in: v))
        let t = position - Double(low)
        if t == 0 { return lowValue }
        // After selection everything above `low` is at least as large: the next statistic is its minimum.
        var next = v[low + 1]
        for i in low + 1..<v.count { next = min(next, v[i]) }
        return lowValue + (Double(next) - lowValue) * t
      }
    }
  }

  /// Moves the k-th smallest value to place k, no larger ones before it, no smaller ones after it (Hoare
  /// 1961).
  private static func select(_ k: Int, in v: UnsafeMutableBufferPointer<Float>) -> Float {
    var low = 0
    var high = v.count - 1
    while low < high {
      // The median of three keeps sorted and constant data linear.
      let (a, b, c) = (v[low], v[low + (high - low) / 2], v[high])
      let pivot = max(min(a, b), min(max(a, b), c))
      var i = low
      var j = high
      while i <= j {
        while v[i] < pivot { i += 1 }
        while v[j] > pivot { j -= 1 }
        if i <= j {
          v.swapAt(i, j)
          i += 1
          j -= 1
        }
      }
      if k <= j {
        high = j
      } else if k >= i {
        low = i
      } else {
        break
      }
    }
    return v[k]
  }
}
