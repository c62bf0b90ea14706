/// What happens to the intensities of one channel of one sample, drawn; nil is nothing.
struct IntensityDraw: Equatable {
  var noiseDeviation: Float?
  /// In voxels along x, y, z.
  var blurSigma: SIMD3<Double>?
  var brightness: Float?
  var brightnessShift: Float?
  var contrast: Float?
  /// Share of the voxels that are left along each axis.
  var resolution: SIMD3<Double>?
  var negatedGamma: Float?
  var gamma: Float?
  var invertsGamma = false

  /// One for each channel. The number of draws never depends on the settings, so turning one on leaves the
  /// others' samples as they were.
  ///
  /// - Parameter coarseAxis: keeps its resolution.
  static func draw(
    _ settings: AugmentationSettings, channelCount: Int, coarseAxis: Int?, seed: UInt64, sample: UInt64
  ) -> [IntensityDraw] {
    var random = SampleRandom(seed: seed, stream: .intensityAugmentation, sample: sample)
    var others = SampleRandom(seed: seed, stream: .blurAndResolution, sample: sample)
    let blurs = others.chance(settings.blurProbability)
    let losesResolution = others.chance(settings.lowResolutionProbability)
    var draws: [IntensityDraw] = []
    for _ in 0..<channelCount {
      // Where all channels share decisions, the first one's count.
      let first = settings.intensityProbabilityPer == .sample ? draws.first : nil
      var draw = IntensityDraw()
      func set(_ path: WritableKeyPath<IntensityDraw, Float?>, _ value: Double, if chance: Bool) {
        let acts = first.map { $0[keyPath: path] != nil } ?? chance
        if acts { draw[keyPath: path] = Float(value) }
      }
      func factor(_ path: WritableKeyPath<IntensityDraw, Float?>, _ p: Double, _ range: SIMD2<Double>) {
        let chance = random.chance(p)
        set(path, settings.factor(random.uniform(), in: range), if: chance)
      }
      let noises = random.chance(settings.noiseProbability)
      set(\.noiseDeviation, random.uniform(settings.noiseStandardDeviationRange), if: noises)
      if let first { draw.noiseDeviation = first.noiseDeviation }
      factor(\.brightness, settings.brightnessProbability, settings.brightnessRange)
      factor(\.contrast, settings.contrastProbability, settings.contrastRange)
      factor(\.gamma, settings.gammaProbability, settings.gammaRange)
      let inverts = random.chance(settings.gammaInvertedProbability)
      draw.invertsGamma = first?.invertsGamma ?? inverts

      let blursChannel = others.chance(settings.blurChannelProbability)
      let sigma = SIMD3(
        others.uniform(settings.blurSigmaRange), others.uniform(settings.blurSigmaRange),
        others.uniform(settings.blurSigmaRange))
      if blurs && blursChannel { draw.blurSigma = sigma }
      let shifts = others.chance(settings.brightnessShiftProbability)
      set(\.brightnessShift, others.uniform(settings.brightnessShiftRange), if: shifts)
      let losesChannel = others.chance(settings.lowResolutionChannelProbability)
      var share = SIMD3(repeating: others.uniform(settings.lowResolutionRange))
      if let coarseAxis { share[coarseAxis] = 1 }
      if losesResolution && losesChannel { draw.resolution = share }
      let negates = others.chance(settings.negatedGammaProbability)
      set(\.negatedGamma, settings.factor(others.uniform(), in: settings.gammaRange), if: negates)
      draws.append(draw)
    }
    return draws
  }
}

extension SampleRandom {
  /// Uniform in [low, high].
  mutating func uniform(_ range: SIMD2<Double>) -> Double { uniform(range.x, range.y) }
}

extension AugmentationSettings {
  /// The factor in `range` that `fraction`, uniform in 0 … 1, stands for.
  func factor(_ fraction: Double, in range: SIMD2<Double>) -> Double {
    guard factorDistribution == .balanced, range.x < 1, range.y > 1 else {
      return range.x + (range.y - range.x) * fraction
    }
    let half = 2 * fraction
    return half < 1 ? range.x + (1 - range.x) * half : 1 + (range.y - 1) * (half - 1)
  }
}
