import RealModule

/// A one-dimensional linear map as weights: out[i] = Σₜ weights[i·taps + t] · in[indices[i·taps + t]].
struct AxisTaps: Sendable {
  var targetCount: Int
  var tapsPerTarget: Int
  var indices: [Int32]
  var weights: [Float]

  private init(targetCount: Int, tapsPerTarget: Int) {
    self.targetCount = targetCount
    self.tapsPerTarget = tapsPerTarget
    indices = []
    weights = []
    indices.reserveCapacity(targetCount * tapsPerTarget)
    weights.reserveCapacity(targetCount * tapsPerTarget)
  }

  /// Weights for resampling; for `.cubic` the input must be spline coefficients (`SplinePrefilter`).
  init(_ mapping: AxisMapping, method: ResamplingMethod) {
    let last = mapping.sourceCount - 1
    switch method {
    case .nearest:
      self.init(targetCount: mapping.targetCount, tapsPerTarget: 1)
      for i in 0..<targetCount { append(NearestVoxel.index(mapping, i), 1) }
    case .linear:
      self.init(targetCount: mapping.targetCount, tapsPerTarget: 2)
      for i in 0..<targetCount {
        let x = min(max(mapping.position(i), 0), Double(last))
        let low = min(Int(x), max(last - 1, 0))
        let t = x - Double(low)
        append(low, 1 - t)
        append(min(low + 1, last), t)
      }
    case .cubic:
      self.init(targetCount: mapping.targetCount, tapsPerTarget: 4)
      for i in 0..<targetCount {
        let x = mapping.position(i)
        let low = x.rounded(.down)
        let t = x - low
        let u = 1 - t
        // The cubic B-spline's four pieces at distances 1 + t, t, 1 − t, 2 − t (Unser 1999, equation 5).
        let values = [
          u * u * u / 6, (4 - 6 * t * t + 3 * t * t * t) / 6, (4 - 6 * u * u + 3 * u * u * u) / 6,
          t * t * t / 6,
        ]
        for (k, weight) in values.enumerated() {
          append(Self.mirrored(Int(low) + k - 1, count: mapping.sourceCount), weight)
        }
      }
    case .area:
      let bins = (0..<mapping.targetCount).map { Self.touched(mapping, $0) }
      self.init(targetCount: mapping.targetCount, tapsPerTarget: bins.map(\.count).max() ?? 1)
      for bin in bins {
        for k in 0..<tapsPerTarget {
          append(bin.lowerBound + (k < bin.count ? k : 0), k < bin.count ? 1 / Double(bin.count) : 0)
        }
      }
    }
  }

  /// The source voxels that a target voxel touches, at least one. Faces within 1e-6 of each other are one.
  private static func touched(_ mapping: AxisMapping, _ target: Int) -> Range<Int> {
    let (centre, half) = (mapping.position(target) + 0.5, mapping.scale / 2)
    let last = mapping.sourceCount - 1
    let low = min(max(Int((centre - half + 1e-6).rounded(.down)), 0), last)
    return low..<max(low + 1, min(Int((centre + half - 1e-6).rounded(.up)), last + 1))
  }

  /// A Gaussian of this standard deviation in voxels, cut at four of them, mirrored about the edge voxels'
  /// centres (scipy's `gaussian_filter1d(mode="mirror")`).
  init(gaussian sigma: Double, count: Int) {
    let radius = Int(4 * sigma + 0.5)
    var kernel = (-radius...radius).map { d in Double.exp(-0.5 * Double(d * d) / (sigma * sigma)) }
    let sum = kernel.reduce(0, +)
    kernel = kernel.map { $0 / sum }
    self.init(targetCount: count, tapsPerTarget: 2 * radius + 1)
    for i in 0..<count {
      for (k, weight) in kernel.enumerated() {
        append(Self.mirrored(i + k - radius, count: count), weight)
      }
    }
  }

  /// Of `.linear`: what each target voxel reads.
  var pairs: [LinearPair] {
    (0..<targetCount).map {
      LinearPair(low: Int(indices[2 * $0]), high: Int(indices[2 * $0 + 1]), share: weights[2 * $0 + 1])
    }
  }

  private mutating func append(_ index: Int, _ weight: Double) {
    indices.append(Int32(index))
    weights.append(Float(weight))
  }

  /// … c b | a b c d | c b …: reflection about the centres of the edge voxels.
  static func mirrored(_ index: Int, count: Int) -> Int {
    if count == 1 { return 0 }
    let period = 2 * (count - 1)
    let folded = ((index % period) + period) % period
    return folded < count ? folded : period - folded
  }
}

/// What linear interpolation reads along an axis.
struct LinearPair {
  var low: Int
  var high: Int
  /// Of `high`; `low` has the rest.
  var share: Float
}

/// The tie rule of nearest, in one place.
enum NearestVoxel {
  /// ⌊x + ½⌋, clamped to the axis. A position within 1e-6 below a tie counts as the tie, so that rounding of
  /// affines does not decide.
  static func index(_ mapping: AxisMapping, _ target: Int) -> Int {
    let nearest = (mapping.position(target) + 0.5 + 1e-6).rounded(.down)
    return Int(min(max(nearest, 0), Double(mapping.sourceCount - 1)))
  }
}
