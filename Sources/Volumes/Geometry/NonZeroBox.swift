/// The box of voxels that are not 0 in any channel; the whole volume where all are 0.
///
/// - Parameter channels: of one case, on one grid.
public func nonZeroBox(_ channels: [Volume]) -> (origin: SIMD3<Int>, size: SIMD3<Int>) {
  let n = channels[0].grid.size
  var low = n
  var high = SIMD3<Int>(repeating: -1)
  for channel in channels {
    channel.voxels.withUnsafeBufferPointer { v in
      for z in 0..<n.z {
        for y in 0..<n.y {
          let row = UnsafeBufferPointer(rebasing: v[n.x * (y + n.y * z)..<n.x * (y + 1 + n.y * z)])
          guard let first = row.firstIndex(where: { $0 != 0 }), let last = row.lastIndex(where: { $0 != 0 })
          else { continue }
          low = SIMD3(min(low.x, first), min(low.y, y), min(low.z, z))
          high = SIMD3(max(high.x, last), max(high.y, y), max(high.z, z))
        }
      }
    }
  }
  return high.x < 0 ? (.zero, n) : (low, high &- low &+ 1)
}
