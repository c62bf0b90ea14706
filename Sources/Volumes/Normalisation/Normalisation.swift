/// How intensities become a network's input; every case is a pure function of one volume.
///
/// Statistics that come from training cases (`windowZScore`) are parameters, so that a checkpoint carries
/// them.
public enum Normalisation: Sendable, Equatable {
  case none
  /// min(max(v, lower), upper), no more.
  case clip(lower: Double, upper: Double)
  /// clip to [lower, upper], then linearly from that range to `to`.
  case window(lower: Double, upper: Double, to: ValueRange = .unit)
  /// clip to [lower, upper], then (v − mean) / deviation: nnU-Net's CT scheme with foreground statistics.
  case windowZScore(lower: Double, upper: Double, mean: Double, standardDeviation: Double)
  /// (v − mean) / deviation of this volume; over its non-zero voxels only where asked, the others stay 0.
  case zScore(nonZeroOnly: Bool)
  /// Linearly from this volume's minimum and maximum to `to`.
  case minMax(to: ValueRange)
  /// clip to two percentiles of this volume, then linearly from that range to `to`.
  case percentile(lower: Double, upper: Double, to: ValueRange = .unit)

  /// `minMax(to: .unit)`.
  public static var minMax: Normalisation { .minMax(to: .unit) }

  /// The range that intensities are brought to.
  public struct ValueRange: Sendable, Equatable {
    public var low: Double
    public var high: Double

    public init(_ low: Double, _ high: Double) {
      self.low = low
      self.high = high
    }

    /// 0 … 1.
    public static let unit = ValueRange(0, 1)
  }

  /// Deviations and ranges below this count as it: a constant volume becomes 0 and never NaN.
  static let smallestDivisor = 1e-8

  /// v ↦ (clip(v) − shift) · factor + offset, the form that all cases take once their statistics are known.
  struct Map: Equatable {
    var lower = -Float.infinity
    var upper = Float.infinity
    var shift = 0.0
    var factor = 1.0
    var offset = 0.0
    var leavesZero = false
  }

  /// Changes the voxels in place. Sums are Double, deviations are of the population (÷ n). Linear time.
  public func apply(to voxels: inout [Float]) {
    if self == .none || voxels.isEmpty { return }
    let map = map(for: voxels)
    voxels.withUnsafeMutableBufferPointer { v in
      for i in v.indices {
        if map.leavesZero && v[i] == 0 { continue }
        let clipped = min(max(v[i], map.lower), map.upper)
        v[i] = Float((Double(clipped) - map.shift) * map.factor + map.offset)
      }
    }
  }

  /// The volume with normalised intensities.
  public func callAsFunction(_ volume: Volume) -> Volume {
    var result = volume
    apply(to: &result.voxels)
    return result
  }

  private func map(for voxels: [Float]) -> Map {
    switch self {
    case .none: return Map()
    case .clip(let lower, let upper): return Map(lower: Float(lower), upper: Float(upper))
    case .window(let lower, let upper, let range): return Self.scaled(lower, upper, range)
    case .windowZScore(let lower, let upper, let mean, let deviation):
      return Map(
        lower: Float(lower), upper: Float(upper), shift: mean,
        factor: 1 / max(deviation, Self.smallestDivisor))
    case .zScore(let nonZeroOnly):
      let moments = Moments(of: voxels, nonZeroOnly: nonZeroOnly)
      return Map(
        shift: moments.mean, factor: 1 / max(moments.standardDeviation, Self.smallestDivisor),
        leavesZero: nonZeroOnly)
    case .minMax(let range):
      let (least, most) = Self.extremes(voxels)
      return Self.scaled(least, most, range)
    case .percentile(let lower, let upper, let range):
      let limits: (Double, Double)
      if lower == 0 && upper == 100 {
        limits = Self.extremes(voxels)
      } else {
        let found = Percentiles.of(voxels, [lower, upper])
        limits = (found[0], found[1])
      }
      return Self.scaled(limits.0, limits.1, range)
    }
  }

  private static func extremes(_ voxels: [Float]) -> (Double, Double) {
    voxels.withUnsafeBufferPointer { v in
      var (least, most) = (v[0], v[0])
      for value in v {
        least = min(least, value)
        most = max(most, value)
      }
      return (Double(least), Double(most))
    }
  }

  private static func scaled(_ lower: Double, _ upper: Double, _ range: ValueRange) -> Map {
    Map(
      lower: Float(lower), upper: Float(upper), shift: lower,
      factor: (range.high - range.low) / max(upper - lower, smallestDivisor), offset: range.low)
  }
}

/// Mean and population deviation of finite values, in two passes of Double.
struct Moments {
  var count = 0
  var mean = 0.0
  var standardDeviation = 0.0

  init(of voxels: [Float], nonZeroOnly: Bool = false) {
    voxels.withUnsafeBufferPointer { v in
      var sum = 0.0
      for i in v.indices where !nonZeroOnly || v[i] != 0 {
        sum += Double(v[i])
        count += 1
      }
      guard count > 0 else { return }
      mean = sum / Double(count)
      var squares = 0.0
      for i in v.indices where !nonZeroOnly || v[i] != 0 {
        let d = Double(v[i]) - mean
        squares += d * d
      }
      standardDeviation = (squares / Double(count)).squareRoot()
    }
  }
}
