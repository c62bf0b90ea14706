/// The area of the surface within one 2×2×2 neighbourhood of voxels, as marching cubes lays it.
///
/// The neighbourhood is a code: bit 7 − (4x + 2y + z) says whether the voxel at offset (x, y, z) of the cell
/// is inside. Source of the triangles: the look-up table of DeepMind's `surface-distance` 0.1 (Apache License
/// 2.0), whose normals are reduced here to what an area needs. A code and its complement have one surface.
struct SurfelAreas {
  /// mm² by code; 0 for codes 0 and 255.
  let areas: [Double]

  init(spacingInMillimetres s: SIMD3<Double>) {
    let faces = SIMD3(s.y * s.z, s.x * s.z, s.x * s.y)
    func length(_ normal: SIMD3<Double>) -> Double { (normal * normal).sum().squareRoot() }
    let axial = faces / 2
    let edge = SIMD3(
      length(SIMD3(0, faces.y, faces.z)), length(SIMD3(faces.x, 0, faces.z)),
      length(SIMD3(faces.x, faces.y, 0))) / 4
    let corner = length(faces) / 8
    let half = Self.triangles.map { triangles in
      triangles.utf8.reduce(0.0) { area, kind in
        switch kind {
        case UInt8(ascii: "x"): area + axial.x
        case UInt8(ascii: "y"): area + axial.y
        case UInt8(ascii: "z"): area + axial.z
        case UInt8(ascii: "a"): area + edge.x
        case UInt8(ascii: "b"): area + edge.y
        case UInt8(ascii: "c"): area + edge.z
        default: area + Double(kind - UInt8(ascii: "0")) * corner
        }
      }
    }
    areas = half + half.reversed()
  }

  /// For codes 0 to 127, the triangles' normals in units of 1/8, signs dropped: x (4,0,0), y (0,4,0),
  /// z (0,0,4), a (0,2,2), b (2,0,2), c (2,2,0); a digit n is n times (1,1,1).
  private static let triangles: [String] = [
    "", "1", "1", "cc", "1", "bb", "2", "x3", "1", "2", "bb", "x3", "cc", "x3", "x3", "xx", "1", "aa",
    "2", "y3", "2", "z3", "3", "6", "2", "aa1", "bb1", "ab4", "cc1", "ac4", "x4", "x3", "1", "2", "aa",
    "y3", "2", "bb1", "aa1", "ab4", "2", "3", "z3", "6", "cc1", "x4", "ac4", "x3", "cc", "y3", "y3",
    "yy", "cc1", "bc4", "y4", "y3", "cc1", "y4", "bc4", "y3", "cccc", "cc1", "cc1", "cc", "1", "2",
    "2", "cc1", "aa", "z3", "aa1", "ac4", "2", "3", "bb1", "x4", "y3", "6", "ab4", "x3", "bb", "z3",
    "bb1", "bc4", "z3", "zz", "z4", "z3", "bb1", "z4", "bbbb", "bb1", "bc4", "z3", "bb1", "bb", "2",
    "3", "aa1", "y4", "aa1", "z4", "aaaa", "aa1", "3", "4", "z4", "3", "y4", "3", "aa1", "2", "x3",
    "6", "ab4", "y3", "ac4", "z3", "aa1", "aa", "x4", "3", "bb1", "2", "cc1", "2", "2", "1",
  ]
}
