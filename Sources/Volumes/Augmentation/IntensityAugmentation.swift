import RealModule

extension Patch {
  /// Noise, brightness, contrast, then gamma, each with its probability and drawn per channel.
  ///
  /// Padding is treated as image: a network meets it with the same changes as its surroundings.
  mutating func augmentIntensity(_ settings: AugmentationSettings, seed: UInt64, sample: UInt64) {
    var random = SampleRandom(seed: seed, stream: .intensityAugmentation, sample: sample)
    let noise = SampleRandom(seed: seed, stream: .noise, sample: sample)
    let count = size.voxelCount
    voxels.withUnsafeMutableBufferPointer { voxels in
      for channel in 0..<channelCount {
        let values = UnsafeMutableBufferPointer(
          rebasing: voxels[channel * count..<(channel + 1) * count])
        func draw(_ probability: Double, _ range: SIMD2<Double>) -> Float? {
          let acts = random.chance(probability)
          let value = random.uniform(range.x, range.y)
          return acts ? Float(value) : nil
        }
        if let deviation = draw(settings.noiseProbability, settings.noiseStandardDeviationRange) {
          noise.addNoise(
            to: values, standardDeviation: deviation,
            firstBlock: UInt32(truncatingIfNeeded: channel * ((count + 3) / 4)))
        }
        if let factor = draw(settings.brightnessProbability, settings.brightnessRange) {
          for index in 0..<values.count { values[index] *= factor }
        }
        if let factor = draw(settings.contrastProbability, settings.contrastRange) {
          scaleContrast(values, factor: factor)
        }
        let gamma = draw(settings.gammaProbability, settings.gammaRange)
        let inverts = random.chance(settings.gammaInvertedProbability)
        if let gamma { applyGamma(values, gamma: gamma, inverts: inverts) }
      }
    }
  }
}

/// Mean, standard deviation (of the population), least and largest value of a channel.
struct ValueStatistics {
  var mean: Double
  var standardDeviation: Double
  var range: ClosedRange<Float>

  init(_ values: UnsafeMutableBufferPointer<Float>) {
    var sum = 0.0
    var low = Float.infinity
    var high = -Float.infinity
    for value in values {
      sum += Double(value)
      low = min(low, value)
      high = max(high, value)
    }
    mean = values.isEmpty ? 0 : sum / Double(values.count)
    var squares = 0.0
    for value in values { squares += (Double(value) - mean) * (Double(value) - mean) }
    standardDeviation = values.isEmpty ? 0 : (squares / Double(values.count)).squareRoot()
    range = low <= high ? low...high : 0...0
  }
}

/// value ← mean + factor · (value − mean), kept within the values' range.
func scaleContrast(_ values: UnsafeMutableBufferPointer<Float>, factor: Float) {
  let statistics = ValueStatistics(values)
  let mean = Float(statistics.mean)
  for index in 0..<values.count {
    let scaled = mean + factor * (values[index] - mean)
    values[index] = min(max(scaled, statistics.range.lowerBound), statistics.range.upperBound)
  }
}

/// value ← ((value − low) / span)^gamma · span + low, then shifted and scaled to the mean and deviation that
/// it had. `inverts` bends the curve from the bright end. Source: nnU-Net's gamma with kept statistics.
func applyGamma(_ values: UnsafeMutableBufferPointer<Float>, gamma: Float, inverts: Bool) {
  let before = ValueStatistics(values)
  let low = before.range.lowerBound
  let span = before.range.upperBound - low
  guard span > 0, span.isFinite else { return }
  for index in 0..<values.count {
    let fraction = (values[index] - low) / span
    let bent = inverts ? 1 - Float.pow(1 - fraction, gamma) : Float.pow(fraction, gamma)
    values[index] = bent * span + low
  }
  let after = ValueStatistics(values)
  guard after.standardDeviation > 0 else { return }
  let factor = Float(before.standardDeviation / after.standardDeviation)
  for index in 0..<values.count {
    values[index] = Float(before.mean) + factor * (values[index] - Float(after.mean))
  }
}
