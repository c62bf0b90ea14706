import Volumes

/// Where one member's windows lie on one scan, and its way back onto the scan's grid: no voxels.
struct MemberGeometry {
  let window: SlidingWindow
  let axes: [AxisReturn]
  let classCount: Int

  /// - Parameters:
  ///   - prepared: what the member's preprocessing makes.
  ///   - upright: voxels of the scan in RAS+.
  init(_ member: PredictionMember, prepared: PreparedExtent, upright: SIMD3<Int>) throws {
    window = try SlidingWindow(
      volumeSize: prepared.size, patchSize: member.network.patch, overlap: member.overlap)
    axes = AxisReturn.axes(from: prepared, onto: upright)
    classCount = member.network.classCount
  }

  /// The rows of a band that this member has values for, and the prepared rows behind them; nil where none.
  func rows(_ band: Range<Int>) -> (original: Range<Int>, prepared: Range<Int>)? {
    let rows = axes[1].inside.clamped(to: band)
    guard !rows.isEmpty, !axes[0].inside.isEmpty, !axes[2].inside.isEmpty else { return nil }
    return (rows, axes[1].prepared(for: rows))
  }

  func windowCount(_ band: Range<Int>) -> Int {
    rows(band).map { window.origins(touchingRows: $0.prepared).count } ?? 0
  }

  /// The box of original voxels within a band that this member has values for.
  func inside(_ band: Range<Int>) -> (x: Range<Int>, y: Range<Int>, z: Range<Int>) {
    (axes[0].inside, axes[1].inside.clamped(to: band), axes[2].inside)
  }

  /// Bytes that blending a band holds.
  func bytes(_ band: Range<Int>) -> Int {
    guard let rows = rows(band) else { return 0 }
    return ProbabilityAccumulator.sizeInBytes(
      window: window, classCount: classCount, rowCount: rows.prepared.count)
      + 3 * 4 * classCount * rows.original.count * axes[0].inside.count
  }
}
