extension Patch {
  /// Noise, blur, brightness, contrast, low resolution, then gamma, as drawn for each channel: the order of
  /// nnU-Net's list.
  ///
  /// Padding is treated as image: a network meets it with the same changes as its surroundings.
  mutating func augmentIntensity(_ draws: [IntensityDraw], seed: UInt64, sample: UInt64) {
    let noise = SampleRandom(seed: seed, stream: .noise, sample: sample)
    let size = size
    let count = size.voxelCount
    voxels.withUnsafeMutableBufferPointer { voxels in
      for (channel, draw) in draws.enumerated() {
        let values = UnsafeMutableBufferPointer(
          rebasing: voxels[channel * count..<(channel + 1) * count])
        if let deviation = draw.noiseDeviation {
          noise.addNoise(
            to: values, standardDeviation: deviation,
            firstBlock: UInt32(truncatingIfNeeded: channel * ((count + 3) / 4)))
        }
        if let sigma = draw.blurSigma { blur(values, size: size, sigmaInVoxels: sigma) }
        if let factor = draw.brightness { scaleAndShift(values, factor: factor, shift: 0) }
        if let shift = draw.brightnessShift { scaleAndShift(values, factor: 1, shift: shift) }
        if let factor = draw.contrast { scaleContrast(values, factor: factor) }
        if let resolution = draw.resolution { lowerResolution(values, size: size, share: resolution) }
        if let gamma = draw.negatedGamma { applyGamma(values, gamma: gamma, inverts: true) }
        if let gamma = draw.gamma { applyGamma(values, gamma: gamma, inverts: draw.invertsGamma) }
      }
    }
  }
}

/// value ← factor · value + shift.
func scaleAndShift(_ values: UnsafeMutableBufferPointer<Float>, factor: Float, shift: Float) {
  for index in 0..<values.count { values[index] = factor * values[index] + shift }
}

/// value ← mean + factor · (value − mean), kept within the values' range.
func scaleContrast(_ values: UnsafeMutableBufferPointer<Float>, factor: Float) {
  let statistics = ValueStatistics(values)
  let mean = Float(statistics.mean)
  let (low, high) = (statistics.range.lowerBound, statistics.range.upperBound)
  for index in 0..<values.count {
    let scaled = mean + factor * (values[index] - mean)
    let raised = scaled > low ? scaled : low
    values[index] = raised < high ? raised : high
  }
}

/// value ← ((value − low) / span)^gamma · span + low, then shifted and scaled to the mean and deviation that
/// it had. `inverts` does this to the negated image. Source: nnU-Net's gamma with kept statistics.
func applyGamma(_ values: UnsafeMutableBufferPointer<Float>, gamma: Float, inverts: Bool) {
  let before = ValueStatistics(values)
  // Of the image, or of its negative.
  let sign: Float = inverts ? -1 : 1
  let low = inverts ? -before.range.upperBound : before.range.lowerBound
  let span = before.range.upperBound - before.range.lowerBound
  guard span > 0, span.isFinite else { return }
  for index in 0..<values.count {
    let fraction = (sign * values[index] - low) / span
    values[index] = sign * (fastPower(fraction, gamma) * span + low)
  }
  let after = ValueStatistics.meanAndDeviation(values)
  guard after.standardDeviation > 0 else { return }
  let factor = Float(before.standardDeviation / after.standardDeviation)
  let (oldMean, newMean) = (Float(before.mean), Float(after.mean))
  for index in 0..<values.count { values[index] = oldMean + factor * (values[index] - newMean) }
}
