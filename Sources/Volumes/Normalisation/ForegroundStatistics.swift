/// Intensities inside the labelled voxels of training cases: what CT normalisation rests on.
public struct ForegroundStatistics: Sendable, Equatable, Codable {
  /// Labelled voxels of all cases.
  public var count: Int
  public var mean: Double
  /// Of the population (÷ count).
  public var standardDeviation: Double
  public var minimum: Double
  public var median: Double
  public var maximum: Double
  /// The 0.5th and 99.5th percentile: nnU-Net's clipping limits.
  public var percentile0_5: Double
  public var percentile99_5: Double

  /// Clip to the percentiles, then z-score: nnU-Net's `CTNormalization`.
  public var ctNormalisation: Normalisation {
    .windowZScore(
      lower: percentile0_5, upper: percentile99_5, mean: mean, standardDeviation: standardDeviation)
  }
}

/// Gathers `ForegroundStatistics` case by case.
///
/// Count, mean, deviation and extremes are exact over all labelled voxels (Chan's combination of moments,
/// cases in the order given). Percentiles come from at most `samplesPerCase` voxels a case, evenly spaced in
/// storage order: no random draw, so two runs agree.
public struct ForegroundStatisticsGatherer: Sendable {
  private let samplesPerCase: Int
  private var count = 0
  private var mean = 0.0
  private var squares = 0.0
  private var minimum = Float.infinity
  private var maximum = -Float.infinity
  private var samples: [Float] = []

  public init(samplesPerCase: Int = 100_000) {
    precondition(samplesPerCase > 0, "internal: no samples")
    self.samplesPerCase = samplesPerCase
  }

  /// Adds the voxels of `image` whose label is above 0 (negative ids are "ignore").
  public mutating func add(image: Volume, labels: LabelVolume) {
    precondition(image.grid.size == labels.grid.size, "internal: image and label sizes differ")
    let values: [Float] = image.voxels.withUnsafeBufferPointer { v in
      labels.voxels.withUnsafeBufferPointer { ids in
        var values: [Float] = []
        for i in v.indices where ids[i] > 0 { values.append(v[i]) }
        return values
      }
    }
    guard !values.isEmpty else { return }
    let moments = Moments(of: values)
    let total = Double(count + moments.count)
    let difference = moments.mean - mean
    squares += moments.standardDeviation * moments.standardDeviation * Double(moments.count)
      + difference * difference * Double(count) * Double(moments.count) / total
    mean += difference * Double(moments.count) / total
    count += moments.count
    minimum = min(minimum, values.min() ?? minimum)
    maximum = max(maximum, values.max() ?? maximum)
    if values.count <= samplesPerCase {
      samples += values
    } else {
      for i in 0..<samplesPerCase {
        samples.append(values[i * values.count / samplesPerCase])
      }
    }
  }

  /// nil where no case had a labelled voxel.
  public var statistics: ForegroundStatistics? {
    guard count > 0 else { return nil }
    let p = Percentiles.of(samples, [0.5, 50, 99.5])
    return ForegroundStatistics(
      count: count, mean: mean, standardDeviation: (squares / Double(count)).squareRoot(),
      minimum: Double(minimum), median: p[1], maximum: Double(maximum), percentile0_5: p[0],
      percentile99_5: p[2])
  }
}
