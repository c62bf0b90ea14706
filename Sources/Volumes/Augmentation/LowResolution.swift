/// Keeps `share` [x, y, z] of a D×H×W channel's voxels, the nearest ones, and interpolates linearly between
/// them again: what a coarser scan of the patch would look like.
///
/// Both ways use half-pixel centres and the outermost value beyond the last one: `torch.nn.functional.interpolate`
/// with "nearest-exact", then "trilinear", as batchgeneratorsv2 does.
func lowerResolution(_ values: UnsafeMutableBufferPointer<Float>, size: SIMD3<Int>, share: SIMD3<Double>) {
  let coarse = SIMD3(
    coarseCount(size.x, share.x), coarseCount(size.y, share.y), coarseCount(size.z, share.z))
  guard let base = values.baseAddress, coarse != size else { return }
  let (alongX, alongY, alongZ) = (
    CoarseAxis(count: size.x, coarseCount: coarse.x), CoarseAxis(count: size.y, coarseCount: coarse.y),
    CoarseAxis(count: size.z, coarseCount: coarse.z)
  )
  let plane = size.x * coarse.y
  // The kept rows, interpolated along x; then all along z, then along y.
  withUnsafeTemporaryAllocation(of: Float.self, capacity: plane * (coarse.z + 1)) { buffer in
    guard let rows = buffer.baseAddress else { return }
    rows.initialize(repeating: 0, count: buffer.count)
    let slice = rows + plane * coarse.z
    for z in 0..<coarse.z {
      for y in 0..<coarse.y {
        alongX.interpolate(
          base + size.x * (alongY.kept(y) + size.y * alongZ.kept(z)), to: rows + plane * z + size.x * y)
      }
    }
    for z in 0..<size.z {
      blend(
        rows + plane * alongZ.low[z], rows + plane * alongZ.high[z], alongZ.fraction[z], count: plane,
        to: slice)
      for y in 0..<size.y {
        blend(
          slice + size.x * alongY.low[y], slice + size.x * alongY.high[y], alongY.fraction[y], count: size.x,
          to: base + size.x * (y + size.y * z))
      }
    }
  }
}

private func coarseCount(_ count: Int, _ share: Double) -> Int {
  min(count, max(1, Int((Double(count) * share).rounded(.toNearestOrEven))))
}

/// target ← low + fraction · (high − low).
@inline(__always)
private func blend(
  _ low: UnsafeMutablePointer<Float>, _ high: UnsafeMutablePointer<Float>, _ fraction: Float, count: Int,
  to target: UnsafeMutablePointer<Float>
) {
  for index in 0..<count { target[index] = low[index] + fraction * (high[index] - low[index]) }
}

/// Where the voxels of one axis lie among the few that are kept.
private struct CoarseAxis {
  let count: Int
  let coarseCount: Int
  /// For each voxel: its neighbours among the kept ones, and the way from the low to the high one.
  private(set) var low: [Int] = []
  private(set) var high: [Int] = []
  private(set) var fraction: [Float] = []
  /// The voxels that `low` and `high` stand for.
  private var lowVoxel: [Int] = []
  private var highVoxel: [Int] = []

  init(count: Int, coarseCount: Int) {
    self.count = count
    self.coarseCount = coarseCount
    for index in 0..<count {
      let position = (Double(index) + 0.5) * Double(coarseCount) / Double(count) - 0.5
      let inside = min(max(position, 0), Double(coarseCount - 1))
      let floor = Int(inside)
      low.append(floor)
      high.append(min(floor + 1, coarseCount - 1))
      fraction.append(Float(inside - Double(floor)))
    }
    lowVoxel = low.map(kept)
    highVoxel = high.map(kept)
  }

  /// The voxel nearest to the centre of kept voxel `index`.
  func kept(_ index: Int) -> Int {
    min(count - 1, Int((Double(index) + 0.5) * Double(count) / Double(coarseCount)))
  }

  func interpolate(_ row: UnsafeMutablePointer<Float>, to target: UnsafeMutablePointer<Float>) {
    for index in 0..<count {
      let value = row[lowVoxel[index]]
      target[index] = value + fraction[index] * (row[highVoxel[index]] - value)
    }
  }
}
