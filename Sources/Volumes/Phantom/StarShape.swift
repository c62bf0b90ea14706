import RealModule

/// A blob around a centre: an ellipsoid whose radius is bent by low-order harmonics of the direction.
///
/// `level(p)` is below 1 inside, 1 on the surface and grows linearly along each ray, so level · radius is a
/// depth scale: shells of fat or cortex are level ranges.
struct StarShape {
  var centre: SIMD3<Double>
  var radii: SIMD3<Double>
  /// Amplitudes of yz, xz, xy, x² − y², 3z² − 1, and the odd xyz, x(5z² − 1) in the direction's unit vector.
  var harmonics: [Double]
  /// Rotation about z: cosine and sine.
  private var turn = SIMD2<Double>(1, 0)
  private var amplitudes = SIMD8<Double>.zero

  init(
    centre: SIMD3<Double>, radii: SIMD3<Double>, roughness: Double = 0, turnInRadians: Double = 0,
    random: inout SampleRandom
  ) {
    self.centre = centre
    self.radii = radii
    harmonics = (0..<7).map { _ in random.uniform(-roughness, roughness) }
    turn = SIMD2(.cos(turnInRadians), .sin(turnInRadians))
    for (index, amplitude) in harmonics.enumerated() { amplitudes[index] = amplitude }
  }

  /// An upper bound of the distance from the centre along each axis at which level ≤ `level`.
  func reach(_ level: Double = 1) -> SIMD3<Double> {
    let bend = 1 + harmonics.reduce(0) { $0 + abs($1) } * 2
    let widest = max(radii.x, radii.y)
    let isTurned = turn.y != 0
    return SIMD3(isTurned ? widest : radii.x, isTurned ? widest : radii.y, radii.z) * (bend * level)
  }

  @inline(__always)
  func level(_ p: SIMD3<Double>) -> Double {
    let d = p - centre
    let q = SIMD3(turn.x * d.x + turn.y * d.y, turn.x * d.y - turn.y * d.x, d.z) / radii
    let norm = (q * q).sum().squareRoot()
    if norm < 1e-9 { return 0 }
    let u = q / norm
    let basis = SIMD8(
      u.y * u.z, u.x * u.z, u.x * u.y, u.x * u.x - u.y * u.y, 3 * u.z * u.z - 1, u.x * u.y * u.z,
      u.x * (5 * u.z * u.z - 1), 0)
    return norm / (1 + (amplitudes * basis).sum())
  }
}
