/// Draws augmented training patches: sample k is a pure function of (cases, settings, seed, k), so threads,
/// restarts and prefetching change nothing.
public struct PatchSampler: Sendable {
  public let settings: PatchSamplingSettings
  public let augmentation: AugmentationSettings
  public let seed: UInt64

  public init(
    settings: PatchSamplingSettings, augmentation: AugmentationSettings = AugmentationSettings(),
    seed: UInt64
  ) {
    self.settings = settings
    self.augmentation = augmentation
    self.seed = seed
  }

  /// The case of sample k, each equally likely: 0 ..< caseCount.
  public func caseIndex(ofSample sample: UInt64, caseCount: Int) -> Int {
    var random = SampleRandom(seed: seed, stream: .caseChoice, sample: sample)
    return random.integer(below: caseCount)
  }

  /// Sample k cut from `source`: placed, transformed in space, then in intensity. Outside the case stands what
  /// `augmentation.outsideCase` says: the padding carries `ignoreLabel`, a continued border its own labels. With a
  /// margin the patch holds its context, with labels there, too.
  public func patch(from source: PatchSource, sample: UInt64) -> Patch {
    let placement = PatchPlacement(settings, source: source, seed: seed, sample: sample)
    let spacing = source.spacingInMillimetres
    let transform = SpatialTransform(
      augmentation, patchSize: size, spacingInMillimetres: spacing, seed: seed, sample: sample)
    var patch = cut(source, origin: placement.origin &- settings.margin, transform: transform)
    if transform.mirroredAxes.contains(.x) {
      patch.swapLabels(augmentation.labelsSwappedByLeftRightFlip)
    }
    let draws = IntensityDraw.draw(
      augmentation, channelCount: patch.channelCount,
      coarseAxis: augmentation.coarseAxis(spacingInMillimetres: spacing), seed: seed, sample: sample)
    patch.augmentIntensity(draws, seed: seed, sample: sample)
    return patch
  }

  /// Voxels of what is cut out: the patch with its margin.
  private var size: SIMD3<Int> { settings.patchSize &+ 2 &* settings.margin }

  private func cut(_ source: PatchSource, origin: SIMD3<Int>, transform: SpatialTransform) -> Patch {
    let outside: [Float]? =
      switch augmentation.outsideCase {
      case .pad:
        settings.padValues.count == 1
          ? source.channels.map { _ in settings.padValues[0] } : settings.padValues
      case .minimum: source.minima
      case .border: nil
      }
    let liesInside = (0..<3).allSatisfy { origin[$0] >= 0 && origin[$0] + size[$0] <= source.size[$0] }
    guard transform.onlyMirrors, liesInside || outside != nil else {
      return source.resampled(
        origin: origin, size: size, outside: outside, transform: transform,
        interpolation: augmentation.imageInterpolation)
    }
    var patch = source.crop(origin: origin, size: size, padValues: outside ?? source.minima)
    patch.mirror(transform.mirroredAxes)
    return patch
  }
}
