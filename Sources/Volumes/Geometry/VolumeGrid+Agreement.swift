extension VolumeGrid {
  /// Checks that a file lies on the same voxels as this grid, such as a label on its image.
  ///
  /// Sizes must be equal; entries of the affines may differ by `tolerance` (millimetres), and by what
  /// rounding to float32 takes from large coordinates.
  ///
  /// - Throws: `VolumeError` saying which of the two differs and by how much.
  public func requireAgreement(
    of other: VolumeGrid, path: String, with referencePath: String, tolerance: Double = 1e-3
  ) throws(VolumeError) {
    func text(_ v: SIMD3<Int>) -> String { "\(v.x)×\(v.y)×\(v.z)" }
    guard size == other.size else {
      throw VolumeError(
        path, "has \(text(other.size)) voxels, expected \(text(size)) as in \(referencePath)")
    }
    for axis in 0..<3 {
      let difference = largestDifference(affine.column(axis), other.affine.column(axis), tolerance)
      guard difference <= 0 else {
        throw VolumeError(
          path,
          "axis \(axis + 1) steps by \(millimetres(other.affine.column(axis))), expected "
            + "\(millimetres(affine.column(axis))) as in \(referencePath)")
      }
    }
    guard largestDifference(affine.translation, other.affine.translation, tolerance) <= 0 else {
      throw VolumeError(
        path,
        "its first voxel lies at \(millimetres(other.affine.translation)), expected "
          + "\(millimetres(affine.translation)) as in \(referencePath)")
    }
  }

  /// By how much any component differs beyond what is allowed; at most 0 where all agree.
  private func largestDifference(_ a: SIMD3<Double>, _ b: SIMD3<Double>, _ tolerance: Double) -> Double {
    (0..<3).map { i in
      let rounding = 2 * Double(Float.ulpOfOne) * max(abs(a[i]), abs(b[i]))
      return abs(a[i] - b[i]) - tolerance - rounding
    }.max() ?? 0
  }

  private func millimetres(_ v: SIMD3<Double>) -> String {
    let parts = (0..<3).map { i in "\((v[i] * 1e4).rounded() / 1e4)" }
    return "(\(parts.joined(separator: ", "))) mm"
  }
}
