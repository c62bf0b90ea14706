/// Patches from the largest sensible one down, as nnU-Net's planner tries them: 256³ voxels of the finest
/// proportions, but no more than the median case; then the axis that covers most of its median gives way, step by
/// step.
enum PatchCandidates {
  private static let largest = 256.0

  /// - Parameters:
  ///   - medianSize: Of the cases at the target spacing, voxels along x, y, z.
  ///   - spacing: Target, millimetres.
  /// - Returns: Topologies with their patches, the largest first; at least one.
  static func all(medianSize: SIMD3<Double>, spacing: SIMD3<Double>) -> [NetworkTopology] {
    let inverse = 1 / spacing
    let scale = cubeRoot(largest * largest * largest / (inverse.x * inverse.y * inverse.z))
    var patch = SIMD3<Int>(repeating: 1)
    for axis in 0..<3 {
      patch[axis] = max(1, Int(min((inverse[axis] * scale).rounded(), medianSize[axis].rounded())))
    }
    var found = [NetworkTopology(patch: patch, spacing: spacing)]
    while let next = smaller(found[found.count - 1], medianSize, spacing) { found.append(next) }
    return found
  }

  private static func smaller(
    _ last: NetworkTopology, _ medianSize: SIMD3<Double>, _ spacing: SIMD3<Double>
  ) -> NetworkTopology? {
    let patch = last.patch
    let axis = (0..<3).max { Double(patch[$0]) / medianSize[$0] < Double(patch[$1]) / medianSize[$1] } ?? 0
    var reduced = patch
    reduced[axis] -= last.divisor[axis]
    guard reduced[axis] >= 4 else { return nil }
    // With fewer voxels fewer poolings may be left, and with them smaller steps.
    let step = NetworkTopology(patch: reduced, spacing: spacing).divisor[axis]
    reduced = patch
    reduced[axis] -= step
    let next = NetworkTopology(patch: reduced, spacing: spacing)
    return next.patch != patch && next.patch.x * next.patch.y * next.patch.z < patch.x * patch.y * patch.z ? next : nil
  }

  /// By Newton's method; x is above 0.
  private static func cubeRoot(_ x: Double) -> Double {
    var root = max(1, x)
    for _ in 0..<200 { root -= (root * root * root - x) / (3 * root * root) }
    return root
  }
}
