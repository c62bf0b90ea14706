/// What is done to training patches, and how often. All is off by default; probabilities are 0 to 1, every
/// list is [x, y, z] of the RAS+ volume, every range is [low, high] and drawn from uniformly.
public struct AugmentationSettings: Codable, Sendable, Equatable {
  /// Probability of mirroring left and right (x).
  public var leftRightFlipProbability = 0.0
  /// Probability of mirroring front and back (y).
  public var anteriorPosteriorFlipProbability = 0.0
  /// Probability of mirroring top and bottom (z).
  public var inferiorSuperiorFlipProbability = 0.0
  /// Pairs of label ids that change places with a left–right flip ("left kidney", "right kidney").
  public var labelsSwappedByLeftRightFlip: [SIMD2<Int32>] = []

  public var rotationProbability = 0.0
  /// The largest angle about each axis, in degrees; drawn from −angle to +angle.
  public var rotationInDegrees = SIMD3<Double>(repeating: 0)
  public var scalingProbability = 0.0
  /// Above 1 the anatomy grows. One factor for all axes.
  public var scalingRange = SIMD2<Double>(1, 1)
  /// Where the coarsest spacing is more than this many times the finest, rotation and scaling stay in the
  /// plane of the other two axes.
  public var inPlaneAboveAnisotropy = 3.0

  public var noiseProbability = 0.0
  /// Standard deviation of Gaussian noise, in the units of the normalised image.
  public var noiseStandardDeviationRange = SIMD2<Double>(0, 0)
  public var brightnessProbability = 0.0
  /// Factor on the values, drawn per channel.
  public var brightnessRange = SIMD2<Double>(1, 1)
  public var contrastProbability = 0.0
  /// Factor on the distance from the patch's mean, drawn per channel; the range of values is kept.
  public var contrastRange = SIMD2<Double>(1, 1)
  public var gammaProbability = 0.0
  /// Exponent on the values rescaled to 0 … 1, drawn per channel; mean and deviation are kept.
  public var gammaRange = SIMD2<Double>(1, 1)
  /// Probability that the gamma curve acts on the negated image.
  public var gammaInvertedProbability = 0.0

  public init() {}

  public init(from decoder: any Decoder) throws {
    let keys = try decoder.container(keyedBy: CodingKeys.self)
    func read<Value: Decodable>(_ key: CodingKeys, into value: inout Value) throws {
      value = try keys.decodeIfPresent(Value.self, forKey: key) ?? value
    }
    self.init()
    try read(.leftRightFlipProbability, into: &leftRightFlipProbability)
    try read(.anteriorPosteriorFlipProbability, into: &anteriorPosteriorFlipProbability)
    try read(.inferiorSuperiorFlipProbability, into: &inferiorSuperiorFlipProbability)
    try read(.labelsSwappedByLeftRightFlip, into: &labelsSwappedByLeftRightFlip)
    try read(.rotationProbability, into: &rotationProbability)
    try read(.rotationInDegrees, into: &rotationInDegrees)
    try read(.scalingProbability, into: &scalingProbability)
    try read(.scalingRange, into: &scalingRange)
    try read(.inPlaneAboveAnisotropy, into: &inPlaneAboveAnisotropy)
    try read(.noiseProbability, into: &noiseProbability)
    try read(.noiseStandardDeviationRange, into: &noiseStandardDeviationRange)
    try read(.brightnessProbability, into: &brightnessProbability)
    try read(.brightnessRange, into: &brightnessRange)
    try read(.contrastProbability, into: &contrastProbability)
    try read(.contrastRange, into: &contrastRange)
    try read(.gammaProbability, into: &gammaProbability)
    try read(.gammaRange, into: &gammaRange)
    try read(.gammaInvertedProbability, into: &gammaInvertedProbability)
  }

  /// The axes that training mirrors: the ones that mirrored prediction may use.
  public var mirroredAxes: MirrorAxes {
    var axes: MirrorAxes = []
    if leftRightFlipProbability > 0 { axes.insert(.leftRight) }
    if anteriorPosteriorFlipProbability > 0 { axes.insert(.anteriorPosterior) }
    if inferiorSuperiorFlipProbability > 0 { axes.insert(.inferiorSuperior) }
    return axes
  }
}

extension AugmentationSettings {
  /// All mistakes at once; empty where the settings are sound.
  public var problems: [SettingProblem] {
    var problems: [SettingProblem] = []
    func check(_ sound: Bool, _ key: CodingKeys, _ problem: String) {
      if !sound { problems.append(SettingProblem(key: key.stringValue, problem: problem)) }
    }
    let probabilities: [(CodingKeys, Double)] = [
      (.leftRightFlipProbability, leftRightFlipProbability),
      (.anteriorPosteriorFlipProbability, anteriorPosteriorFlipProbability),
      (.inferiorSuperiorFlipProbability, inferiorSuperiorFlipProbability),
      (.rotationProbability, rotationProbability), (.scalingProbability, scalingProbability),
      (.noiseProbability, noiseProbability), (.brightnessProbability, brightnessProbability),
      (.contrastProbability, contrastProbability), (.gammaProbability, gammaProbability),
      (.gammaInvertedProbability, gammaInvertedProbability),
    ]
    for (key, value) in probabilities {
      check((0...1).contains(value), key, "is \(value); a probability is 0 to 1")
    }
    let positiveRanges: [(CodingKeys, SIMD2<Double>)] = [
      (.scalingRange, scalingRange), (.brightnessRange, brightnessRange),
      (.contrastRange, contrastRange), (.gammaRange, gammaRange),
    ]
    for (key, range) in positiveRanges {
      check(
        range.x > 0 && range.x <= range.y && range.y.isFinite, key,
        "is [\(range.x), \(range.y)]; expected [low, high] with 0 < low ≤ high")
    }
    let noise = noiseStandardDeviationRange
    check(
      noise.x >= 0 && noise.x <= noise.y && noise.y.isFinite, .noiseStandardDeviationRange,
      "is [\(noise.x), \(noise.y)]; expected [low, high] with 0 ≤ low ≤ high")
    check(
      rotationInDegrees.min() >= 0 && rotationInDegrees.max() <= 180, .rotationInDegrees,
      "is [\(rotationInDegrees.x), \(rotationInDegrees.y), \(rotationInDegrees.z)]; each is 0 to 180")
    check(
      inPlaneAboveAnisotropy >= 1, .inPlaneAboveAnisotropy,
      "is \(inPlaneAboveAnisotropy); a ratio of spacings is at least 1")
    return problems
  }
}
