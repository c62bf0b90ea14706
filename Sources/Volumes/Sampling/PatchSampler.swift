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

  /// Sample k cut from `source`: placed, transformed in space, then in intensity. A case smaller than the
  /// patch is padded with `settings.padValues`; padded voxels carry `ignoreLabel`. With a margin the patch holds its
  /// context, with labels there, too.
  public func patch(from source: PatchSource, sample: UInt64) -> Patch {
    let placement = PatchPlacement(settings, source: source, seed: seed, sample: sample)
    var spatialRandom = SampleRandom(seed: seed, stream: .spatialAugmentation, sample: sample)
    let transform = SpatialTransform(
      augmentation, spacingInMillimetres: source.spacingInMillimetres, random: &spatialRandom)
    let origin = placement.origin &- settings.margin
    let size = settings.patchSize &+ 2 &* settings.margin
    var patch =
      transform.onlyMirrors
      ? source.crop(origin: origin, size: size, padValues: settings.padValues)
      : source.resampled(
        origin: origin, size: size, padValues: settings.padValues, transform: transform)
    if transform.onlyMirrors { patch.mirror(transform.mirroredAxes) }
    if transform.mirroredAxes.contains(.x) {
      patch.swapLabels(augmentation.labelsSwappedByLeftRightFlip)
    }
    patch.augmentIntensity(augmentation, seed: seed, sample: sample)
    return patch
  }
}
