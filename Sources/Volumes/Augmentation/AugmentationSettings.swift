/// What is done to training patches, and how often. All is off by default; probabilities are 0 to 1, every
/// list is [x, y, z] of the RAS+ volume, every range is [low, high] and drawn from uniformly where nothing
/// else is said. Transforms act in the order of the properties; mirroring, rotation, scaling, translation
/// and elastic deformation in one resampling.
public struct AugmentationSettings: Sendable, Equatable {
  /// How the image is read between voxels. Labels are always those of the nearest voxel.
  public enum Interpolation: String, Sendable, CaseIterable { case linear, nearest }

  /// What stands where a patch reaches outside its case.
  public enum Outside: String, Sendable, CaseIterable {
    /// The sampler's pad value; the voxels count in no loss.
    case pad
    /// The channel's least value in the case; the voxels count in no loss.
    case minimum
    /// The outermost voxels go on, image and label alike: the only choice whose voxels do count in the loss.
    case border
  }

  /// How a factor (brightness, contrast, gamma) is drawn from its range.
  public enum FactorDistribution: String, Sendable, CaseIterable {
    case uniform
    /// Below and above 1 equally often, uniform on each side, as nnU-Net draws.
    case balanced
  }

  /// What a transform of the intensities is decided for.
  public enum IntensityUnit: String, Sendable, CaseIterable {
    /// Each channel by itself.
    case channel
    /// All channels of a sample at once, with one noise deviation; factors are still drawn for each channel.
    case sample
  }

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
  /// Above 1 the anatomy grows. One factor for all axes unless `scalesAxesSeparately`.
  public var scalingRange = SIMD2<Double>(1, 1)
  /// Each axis its own factor.
  public var scalesAxesSeparately = false
  public var translationProbability = 0.0
  /// The largest shift along each axis; drawn from −shift to +shift.
  public var translationInMillimetres = SIMD3<Double>(repeating: 0)
  public var elasticProbability = 0.0
  /// Distance of the control points of the cubic B-spline that displaces the tissue.
  public var elasticSpacingRangeInMillimetres = SIMD2<Double>(40, 40)
  /// The largest displacement of a control point along each axis; with the drawn m, uniform from −m to m. No
  /// tissue moves farther than that along an axis.
  public var elasticDisplacementRangeInMillimetres = SIMD2<Double>(0, 0)
  /// Where the coarsest spacing is more than this many times the finest, rotation, scaling and elastic
  /// deformation stay in the plane of the other two axes, and low resolution is simulated in it.
  public var inPlaneAboveAnisotropy = 3.0
  public var imageInterpolation = Interpolation.linear
  /// For every patch, transformed or not.
  public var outsideCase = Outside.pad

  public var intensityProbabilityPer = IntensityUnit.channel
  public var factorDistribution = FactorDistribution.uniform

  public var noiseProbability = 0.0
  /// Standard deviation of Gaussian noise, in the units of the normalised image.
  public var noiseStandardDeviationRange = SIMD2<Double>(0, 0)
  /// Probability of a Gaussian blur of the sample.
  public var blurProbability = 0.0
  /// Probability of each channel to be blurred where the sample is.
  public var blurChannelProbability = 1.0
  /// Standard deviation in voxels, drawn per channel and axis.
  public var blurSigmaRange = SIMD2<Double>(0, 0)
  public var brightnessProbability = 0.0
  /// Factor on the values, drawn per channel.
  public var brightnessRange = SIMD2<Double>(1, 1)
  public var brightnessShiftProbability = 0.0
  /// What is added to the values, drawn per channel, in the units of the normalised image.
  public var brightnessShiftRange = SIMD2<Double>(0, 0)
  public var contrastProbability = 0.0
  /// Factor on the distance from the patch's mean, drawn per channel; the range of values is kept.
  public var contrastRange = SIMD2<Double>(1, 1)
  /// Probability of a simulated low resolution of the sample.
  public var lowResolutionProbability = 0.0
  /// Probability of each channel to lose resolution where the sample does.
  public var lowResolutionChannelProbability = 1.0
  /// Voxels left along each axis, as a share; drawn per channel, one for all axes.
  public var lowResolutionRange = SIMD2<Double>(1, 1)
  /// Probability of a gamma curve on the negated image, independent of and before the one below.
  public var negatedGammaProbability = 0.0
  public var gammaProbability = 0.0
  /// Exponent on the values rescaled to 0 … 1, drawn per channel; mean and deviation are kept.
  public var gammaRange = SIMD2<Double>(1, 1)
  /// Probability that the gamma curve of `gammaProbability` acts on the negated image.
  public var gammaInvertedProbability = 0.0

  public init() {}

  /// The axes that training mirrors: the ones that mirrored prediction may use.
  public var mirroredAxes: MirrorAxes {
    var axes: MirrorAxes = []
    if leftRightFlipProbability > 0 { axes.insert(.leftRight) }
    if anteriorPosteriorFlipProbability > 0 { axes.insert(.anteriorPosterior) }
    if inferiorSuperiorFlipProbability > 0 { axes.insert(.inferiorSuperior) }
    return axes
  }

  /// The axis left alone by what `inPlaneAboveAnisotropy` keeps in the plane; nil where spacings are alike.
  func coarseAxis(spacingInMillimetres spacing: SIMD3<Double>) -> Int? {
    guard spacing.max() / spacing.min() > inPlaneAboveAnisotropy else { return nil }
    return (0..<3).max { spacing[$0] < spacing[$1] }
  }
}
