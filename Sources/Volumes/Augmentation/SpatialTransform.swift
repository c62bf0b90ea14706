import RealModule

/// How one sample is mirrored, rotated and scaled about its patch's centre, in millimetres.
struct SpatialTransform: Equatable {
  var mirroredAxes: MirrorAxes = []
  /// About x, y, z, applied in this order.
  var rotationInRadians = SIMD3<Double>(repeating: 0)
  /// Growth of the anatomy along x, y, z.
  var scale = SIMD3<Double>(repeating: 1)

  /// Neither rotated nor scaled: voxels only change places, none is interpolated.
  var onlyMirrors: Bool { rotationInRadians == .zero && scale == SIMD3(repeating: 1) }

  init() {}

  /// Draws a transform. The number of draws never depends on the settings, so turning one on leaves the
  /// others' samples as they were.
  init(
    _ settings: AugmentationSettings, spacingInMillimetres spacing: SIMD3<Double>,
    random: inout SampleRandom
  ) {
    if random.chance(settings.leftRightFlipProbability) { mirroredAxes.insert(.leftRight) }
    if random.chance(settings.anteriorPosteriorFlipProbability) {
      mirroredAxes.insert(.anteriorPosterior)
    }
    if random.chance(settings.inferiorSuperiorFlipProbability) {
      mirroredAxes.insert(.inferiorSuperior)
    }
    let rotates = random.chance(settings.rotationProbability)
    let limit = settings.rotationInDegrees * (Double.pi / 180)
    let angles = SIMD3(
      random.uniform(-limit.x, limit.x), random.uniform(-limit.y, limit.y),
      random.uniform(-limit.z, limit.z))
    let scales = random.chance(settings.scalingProbability)
    let factor = random.uniform(settings.scalingRange.x, settings.scalingRange.y)
    if rotates { rotationInRadians = angles }
    if scales { scale = SIMD3(repeating: factor) }
    if spacing.max() / spacing.min() > settings.inPlaneAboveAnisotropy {
      let coarse = (0..<3).max { spacing[$0] < spacing[$1] } ?? 2
      for axis in 0..<3 where axis != coarse { rotationInRadians[axis] = 0 }
      scale[coarse] = 1
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
