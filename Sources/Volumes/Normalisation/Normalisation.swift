/// How intensities become a network's input; every case is a pure function of one volume.
///
/// Statistics that come from training cases (`windowZScore`) are parameters, so that a checkpoint carries
/// them.
public enum Normalisation: Sendable, Equatable {
  case none
  /// clip to [lower, upper], then (v − lower) / (upper − lower): 0 … 1.
  case window(lower: Double, upper: Double)
  /// clip to [lower, upper], then (v − mean) / deviation: nnU-Net's CT scheme with foreground statistics.
  case windowZScore(lower: Double, upper: Double, mean: Double, standardDeviation: Double)
  /// (v − mean) / deviation of this volume; over its non-zero voxels only where asked, the others stay 0.
  case zScore(nonZeroOnly: Bool)
  /// (v − min) / (max − min): 0 … 1.
  case minMax
  /// clip to two percentiles of this volume, then to 0 … 1 between them.
  case percentile(lower: Double, upper: Double)

  /// Deviations and ranges below this count as it: a constant volume becomes 0 and never NaN.
  static let smallestDivisor = 1e-8

  /// v ↦ (clip(v) − shift) · factor, the form that all cases take once their statistics are known.
  struct Map: Equatable {
    var lower = -Float.infinity
    var upper = Float.infinity
    var shift = 0.0
    var factor = 1.0
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
        v[i] = Float((Double(clipped) - map.shift) * map.factor)
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
    case .window(let lower, let upper): return Self.toUnit(lower, upper)
    case .windowZScore(let lower, let upper, let mean, let deviation):
      return Map(
        lower: Float(lower), upper: Float(upper), shift: mean,
        factor: 1 / max(deviation, Self.smallestDivisor))
    case .zScore(let nonZeroOnly):
      let moments = Moments(of: voxels, nonZeroOnly: nonZeroOnly)
      return Map(
        shift: moments.mean, factor: 1 / max(moments.standardDeviation, Self.smallestDivisor),
        leavesZero: nonZeroOnly)
    case .minMax:
      return Self.toUnit(Double(voxels.min() ?? 0), Double(voxels.max() ?? 0))
    case .percentile(let lower, let upper):
      let limits = Percentiles.of(voxels, [lower, upper])
      return Self.toUnit(limits[0], limits[1])
    }
  }

  private static func toUnit(_ lower: Double, _ upper: Double) -> Map {
    Map(
      lower: Float(lower), upper: Float(upper), shift: lower,
      factor: 1 / max(upper - lower, smallestDivisor))
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
