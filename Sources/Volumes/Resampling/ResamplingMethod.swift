/// How values between voxels are made.
public enum ResamplingMethod: String, Sendable, Codable, CaseIterable {
  /// The voxel whose centre is nearest; exactly half-way, the one with the higher index (as scipy's order 0
  /// and PyTorch's `nearest-exact`).
  case nearest
  /// Trilinear; beyond the outermost centres the edge voxel's value.
  case linear
  /// Cubic B-spline through the voxels (order 3 with prefilter), extended by mirroring about the edge voxels'
  /// centres: scipy.ndimage's `mode="mirror"`.
  case cubic
  /// The plain mean of the voxels ⌊i·n/m⌋ ..< ⌈(i+1)·n/m⌉ along each axis, that is, of all that the target voxel
  /// touches: PyTorch's adaptive average pooling, `interpolate(mode="area")`, as MONAI's `Resize(mode="area")`.
  case area

  /// Whether an anti-aliasing blur has a meaning before it.
  public var canAntialias: Bool { self == .linear || self == .cubic }
}

extension VolumeGrid {
  /// More voxels than this are refused: 8 GiB of float32.
  static let largestVoxelCount = 1 << 31

  /// The grid of new spacing over the same box (half-pixel grid).
  ///
  /// Along each axis of n voxels the new count is round(n · old / new), halves away from zero, at least 1. What lies
  /// within 1e-6 below a half counts as the half: rounding of the affine, which a qform's quaternion has another one of
  /// in each storage order, does not decide.
  /// The box, from the first voxel's outer face to the last one's, stays exactly: the new spacing is
  /// old · n / count, at most half a voxel's share off the asked one, and the origin moves by half the
  /// difference of the voxels. Resampling back onto the old grid is therefore exact in place.
  ///
  /// - Parameter spacing: millimetres along the stored axes i, j, k.
  /// - Throws: `VolumeError` where a spacing is not positive or the result would pass 2³¹ voxels.
  public func resampled(toSpacing spacing: SIMD3<Double>) throws(VolumeError) -> VolumeGrid {
    let old = spacingInMillimetres
    var counts = SIMD3<Int>(repeating: 1)
    for axis in 0..<3 {
      guard spacing[axis].isFinite, spacing[axis] > 0 else {
        throw VolumeError(
          "target spacing", "is \(spacing[axis]) mm along axis \(axis + 1), expected more than 0")
      }
      let exact = (Double(size[axis]) * old[axis] / spacing[axis] + 0.5 + 1e-6).rounded(.down)
      guard exact <= Double(Self.largestVoxelCount) else { throw Self.tooLarge(self, spacing) }
      counts[axis] = max(1, Int(exact))
    }
    let (plane, overflow) = counts.x.multipliedReportingOverflow(by: counts.y)
    let (total, overflow2) = plane.multipliedReportingOverflow(by: counts.z)
    guard !overflow, !overflow2, total <= Self.largestVoxelCount else { throw Self.tooLarge(self, spacing) }
    return resampled(toSize: counts)
  }

  /// The grid of `newSize` voxels over the same box.
  public func resampled(toSize newSize: SIMD3<Int>) -> VolumeGrid {
    var columns: [SIMD3<Double>] = []
    var translation = affine.translation
    for axis in 0..<3 {
      let old = affine.column(axis)
      let new = newSize[axis] == size[axis] ? old : old * (Double(size[axis]) / Double(newSize[axis]))
      columns.append(new)
      translation += (new - old) * 0.5
    }
    return VolumeGrid(
      size: newSize,
      affine: Affine(columns: (columns[0], columns[1], columns[2]), translation: translation))
  }

  private static func tooLarge(_ grid: VolumeGrid, _ spacing: SIMD3<Double>) -> VolumeError {
    let s = grid.spacingInMillimetres
    return VolumeError(
      "target spacing",
      "of \(spacing.x)×\(spacing.y)×\(spacing.z) mm makes more than 2³¹ voxels of "
        + "\(grid.size.x)×\(grid.size.y)×\(grid.size.z) voxels of \(s.x)×\(s.y)×\(s.z) mm")
  }
}
