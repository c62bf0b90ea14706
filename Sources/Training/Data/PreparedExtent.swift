import Volumes

/// Where a prepared grid lies on the upright scan's, axis by axis, counted in the scan's voxels.
///
/// Voxel i of a prepared axis of n covers [c₀ + i·s, c₀ + (i + 1)·s], s = (c₁ − c₀) / n; voxel j of the scan covers
/// [j, j + 1]. Steps compose by arithmetic on these numbers, not through affines, so that the way back does not
/// hang on their rounding.
public struct PreparedExtent: Sendable, Equatable {
  /// n along x, y, z.
  public private(set) var size: SIMD3<Int>
  /// c₀ and c₁: the outer faces of the prepared grid.
  public private(set) var first: SIMD3<Double>
  public private(set) var last: SIMD3<Double>
  /// The outer faces of what is left of the scan's own voxels: outside stands padding, or what a crop cut off.
  public private(set) var contentFirst: SIMD3<Double>
  public private(set) var contentLast: SIMD3<Double>

  /// The scan as it is.
  public init(_ size: SIMD3<Int>) {
    self.size = size
    first = .zero
    last = SIMD3<Double>(size)
    (contentFirst, contentLast) = (first, last)
  }

  /// A box of prepared voxels takes the grid's place; it may reach outside.
  mutating func box(origin: SIMD3<Int>, size newSize: SIMD3<Int>) {
    let step = (last - first) / SIMD3<Double>(size)
    last = first + step * SIMD3<Double>(origin &+ newSize)
    first += step * SIMD3<Double>(origin)
    size = newSize
    contentFirst = pointwiseMax(contentFirst, first)
    contentLast = pointwiseMin(contentLast, last)
  }

  /// Other voxels cover the same extent.
  mutating func resample(to newSize: SIMD3<Int>) { size = newSize }
}
