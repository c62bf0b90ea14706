import RealModule

/// How one sample is mirrored, rotated, scaled, shifted and deformed about its patch's centre, in millimetres.
///
/// The tissue at offset o from the patch's centre is the case's at R · diag(1/scale) · F · (o + d(o)) − t, with
/// the mirroring F, the rotation R, the translation t and the elastic displacement d.
struct SpatialTransform: Equatable {
  var mirroredAxes: MirrorAxes = []
  /// About x, y, z, applied in this order.
  var rotationInRadians = SIMD3<Double>(repeating: 0)
  /// Growth of the anatomy along x, y, z.
  var scale = SIMD3<Double>(repeating: 1)
  var translationInMillimetres = SIMD3<Double>(repeating: 0)
  var elastic: ElasticDeformation?

  /// Nothing but mirrored: voxels only change places, none is interpolated.
  var onlyMirrors: Bool {
    rotationInRadians == .zero && scale == SIMD3(repeating: 1) && translationInMillimetres == .zero
      && elastic == nil
  }

  init() {}

  /// Draws a transform. The number of draws never depends on the settings, so turning one on leaves the
  /// others' samples as they were.
  init(
    _ settings: AugmentationSettings, patchSize: SIMD3<Int>, spacingInMillimetres spacing: SIMD3<Double>,
    seed: UInt64, sample: UInt64
  ) {
    var random = SampleRandom(seed: seed, stream: .spatialAugmentation, sample: sample)
    func within(_ limit: SIMD3<Double>) -> SIMD3<Double> {
      SIMD3(
        random.uniform(-limit.x, limit.x), random.uniform(-limit.y, limit.y),
        random.uniform(-limit.z, limit.z))
    }
    if random.chance(settings.leftRightFlipProbability) { mirroredAxes.insert(.leftRight) }
    if random.chance(settings.anteriorPosteriorFlipProbability) {
      mirroredAxes.insert(.anteriorPosterior)
    }
    if random.chance(settings.inferiorSuperiorFlipProbability) {
      mirroredAxes.insert(.inferiorSuperior)
    }
    let rotates = random.chance(settings.rotationProbability)
    let angles = within(settings.rotationInDegrees * (Double.pi / 180))
    let scales = random.chance(settings.scalingProbability)
    let factor = random.uniform(settings.scalingRange)
    let ownFactors = SIMD3(
      factor, random.uniform(settings.scalingRange), random.uniform(settings.scalingRange))
    let translates = random.chance(settings.translationProbability)
    let shift = within(settings.translationInMillimetres)
    let deforms = random.chance(settings.elasticProbability)
    let controlSpacing = random.uniform(settings.elasticSpacingRangeInMillimetres)
    let displacement = random.uniform(settings.elasticDisplacementRangeInMillimetres)
    if rotates { rotationInRadians = angles }
    if scales { scale = settings.scalesAxesSeparately ? ownFactors : SIMD3(repeating: factor) }
    if translates { translationInMillimetres = shift }
    let coarse = settings.coarseAxis(spacingInMillimetres: spacing)
    if let coarse {
      for axis in 0..<3 where axis != coarse { rotationInRadians[axis] = 0 }
      scale[coarse] = 1
    }
    if deforms && displacement > 0 {
      elastic = ElasticDeformation(
        controlSpacingInMillimetres: controlSpacing, displacementInMillimetres: displacement,
        patchSize: patchSize, spacingInMillimetres: spacing, stillAxis: coarse,
        random: SampleRandom(seed: seed, stream: .elasticDeformation, sample: sample))
    }
  }

  /// The matrix from an offset in the patch (voxels from its centre) to the offset in the case (voxels):
  /// diag(1/s) · R · diag(1/scale) · F · diag(s), as its three columns.
  func sourceOffsetColumns(
    spacingInMillimetres s: SIMD3<Double>
  ) -> (SIMD3<Double>, SIMD3<Double>, SIMD3<Double>) {
    func column(_ axis: Int) -> SIMD3<Double> {
      let flips = mirroredAxes.contains(MirrorAxes(rawValue: 1 << UInt8(axis)))
      var offset = SIMD3<Double>.zero
      offset[axis] = (flips ? -1 : 1) * s[axis] / scale[axis]
      return rotated(offset) / s
    }
    return (column(0), column(1), column(2))
  }

  private func rotated(_ v: SIMD3<Double>) -> SIMD3<Double> {
    var v = v
    let cosine = SIMD3(
      Double.cos(rotationInRadians.x), Double.cos(rotationInRadians.y), Double.cos(rotationInRadians.z))
    let sine = SIMD3(
      Double.sin(rotationInRadians.x), Double.sin(rotationInRadians.y), Double.sin(rotationInRadians.z))
    v = SIMD3(v.x, cosine.x * v.y - sine.x * v.z, sine.x * v.y + cosine.x * v.z)
    v = SIMD3(cosine.y * v.x + sine.y * v.z, v.y, cosine.y * v.z - sine.y * v.x)
    return SIMD3(cosine.z * v.x - sine.z * v.y, sine.z * v.x + cosine.z * v.y, v.z)
  }
}
