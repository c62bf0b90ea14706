/// A setting of one number: its key in a recipe and where it is kept.
public typealias NumberSetting = (key: String, path: WritableKeyPath<AugmentationSettings, Double>)
/// A setting of [low, high].
public typealias RangeSetting = (key: String, path: WritableKeyPath<AugmentationSettings, SIMD2<Double>>)

extension AugmentationSettings {
  /// All probabilities: 0 to 1.
  public static var probabilities: [NumberSetting] {
    [
      ("leftRightFlipProbability", \.leftRightFlipProbability),
      ("anteriorPosteriorFlipProbability", \.anteriorPosteriorFlipProbability),
      ("inferiorSuperiorFlipProbability", \.inferiorSuperiorFlipProbability),
      ("rotationProbability", \.rotationProbability), ("scalingProbability", \.scalingProbability),
      ("translationProbability", \.translationProbability), ("elasticProbability", \.elasticProbability),
      ("noiseProbability", \.noiseProbability), ("blurProbability", \.blurProbability),
      ("blurChannelProbability", \.blurChannelProbability),
      ("brightnessProbability", \.brightnessProbability),
      ("brightnessShiftProbability", \.brightnessShiftProbability),
      ("contrastProbability", \.contrastProbability),
      ("lowResolutionProbability", \.lowResolutionProbability),
      ("lowResolutionChannelProbability", \.lowResolutionChannelProbability),
      ("negatedGammaProbability", \.negatedGammaProbability), ("gammaProbability", \.gammaProbability),
      ("gammaInvertedProbability", \.gammaInvertedProbability),
    ]
  }

  /// Ranges of factors and lengths: 0 < low ≤ high.
  public static var positiveRanges: [RangeSetting] {
    [
      ("scalingRange", \.scalingRange),
      ("elasticSpacingRangeInMillimetres", \.elasticSpacingRangeInMillimetres),
      ("brightnessRange", \.brightnessRange), ("contrastRange", \.contrastRange),
      ("lowResolutionRange", \.lowResolutionRange), ("gammaRange", \.gammaRange),
    ]
  }

  /// Ranges of deviations and distances: 0 ≤ low ≤ high.
  public static var nonNegativeRanges: [RangeSetting] {
    [
      ("elasticDisplacementRangeInMillimetres", \.elasticDisplacementRangeInMillimetres),
      ("noiseStandardDeviationRange", \.noiseStandardDeviationRange), ("blurSigmaRange", \.blurSigmaRange),
    ]
  }

  /// Above this share of the control points' spacing, a displacement can fold tissue onto itself.
  ///
  /// Source: Choi, Lee, "Injectivity conditions of 2D and 3D uniform cubic B-spline functions", 2000: 1/2.48.
  static let largestElasticShare = 0.4

  /// All mistakes at once; empty where the settings are sound.
  public var problems: [SettingProblem] {
    var problems: [SettingProblem] = []
    func check(_ sound: Bool, _ key: String, _ problem: @autoclosure () -> String) {
      if !sound { problems.append(SettingProblem(key: key, problem: problem())) }
    }
    func text(_ range: SIMD2<Double>) -> String { "[\(range.x), \(range.y)]" }
    func text(_ axes: SIMD3<Double>) -> String { "[\(axes.x), \(axes.y), \(axes.z)]" }
    for (key, path) in Self.probabilities {
      let value = self[keyPath: path]
      check((0...1).contains(value), key, "is \(value); a probability is 0 to 1")
    }
    for (key, path) in Self.positiveRanges {
      let range = self[keyPath: path]
      check(
        range.x > 0 && range.x <= range.y && range.y.isFinite, key,
        "is \(text(range)); expected [low, high] with 0 < low ≤ high")
    }
    for (key, path) in Self.nonNegativeRanges {
      let range = self[keyPath: path]
      check(
        range.x >= 0 && range.x <= range.y && range.y.isFinite, key,
        "is \(text(range)); expected [low, high] with 0 ≤ low ≤ high")
    }
    check(
      brightnessShiftRange.x <= brightnessShiftRange.y && (brightnessShiftRange.y - brightnessShiftRange.x).isFinite,
      "brightnessShiftRange", "is \(text(brightnessShiftRange)); expected [low, high] with low ≤ high")
    check(
      lowResolutionRange.y <= 1, "lowResolutionRange",
      "is \(text(lowResolutionRange)); a share of the voxels is at most 1")
    check(
      blurSigmaRange.y <= 100, "blurSigmaRange", "is \(text(blurSigmaRange)); expected at most 100 voxels")
    check(
      rotationInDegrees.min() >= 0 && rotationInDegrees.max() <= 180, "rotationInDegrees",
      "is \(text(rotationInDegrees)); each is 0 to 180")
    check(
      translationInMillimetres.min() >= 0 && translationInMillimetres.max().isFinite,
      "translationInMillimetres", "is \(text(translationInMillimetres)); each is at least 0")
    let limit = Self.largestElasticShare * elasticSpacingRangeInMillimetres.x
    check(
      !(elasticDisplacementRangeInMillimetres.y > limit), "elasticDisplacementRangeInMillimetres",
      "is \(text(elasticDisplacementRangeInMillimetres)); above \(limit), 0.4 of the least "
        + "elasticSpacingRangeInMillimetres, tissue can fold onto itself")
    check(
      inPlaneAboveAnisotropy >= 1, "inPlaneAboveAnisotropy",
      "is \(inPlaneAboveAnisotropy); a ratio of spacings is at least 1")
    return problems
  }
}
