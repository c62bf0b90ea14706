extension PatchSource {
  /// The box of `size` voxels whose first corner is voxel `origin` of the case; padding outside.
  ///
  /// - Parameter padValues: one value, or one a channel.
  /// - Complexity: O(patch voxels), a row at a time.
  public func crop(origin: SIMD3<Int>, size: SIMD3<Int>, padValues: [Float]) -> Patch {
    let count = size.voxelCount
    var voxels = [Float](repeating: 0, count: count * channels.count)
    voxels.withUnsafeMutableBufferPointer { voxels in
      for (number, channel) in channels.enumerated() {
        let target = UnsafeMutableBufferPointer(rebasing: voxels[number * count..<(number + 1) * count])
        channel.withUnsafeBufferPointer {
          copyBox(
            from: $0, sourceSize: self.size, origin: origin, size: size,
            outside: padValues.count == 1 ? padValues[0] : padValues[number], to: target)
        }
      }
    }
    var patchLabels = [Int32](repeating: ignoreLabel, count: labels.isEmpty ? 0 : count)
    if !labels.isEmpty {
      patchLabels.withUnsafeMutableBufferPointer { target in
        labels.withUnsafeBufferPointer {
          copyBox(from: $0, sourceSize: self.size, origin: origin, size: size, outside: ignoreLabel, to: target)
        }
      }
    }
    return Patch(size: size, channelCount: channels.count, voxels: voxels, labels: patchLabels)
  }
}

/// Copies a box that may reach outside its source; those voxels become `outside`.
func copyBox<Voxel: BitwiseCopyable>(
  from source: UnsafeBufferPointer<Voxel>, sourceSize: SIMD3<Int>, origin: SIMD3<Int>, size: SIMD3<Int>,
  outside: Voxel, to target: UnsafeMutableBufferPointer<Voxel>
) {
  target.update(repeating: outside)
  let firstX = max(0, -origin.x)
  let endX = min(size.x, sourceSize.x - origin.x)
  guard firstX < endX, let base = target.baseAddress else { return }
  for z in max(0, -origin.z)..<max(0, -origin.z, min(size.z, sourceSize.z - origin.z)) {
    for y in max(0, -origin.y)..<max(0, -origin.y, min(size.y, sourceSize.y - origin.y)) {
      let from = (origin.x + firstX) + sourceSize.x * ((origin.y + y) + sourceSize.y * (origin.z + z))
      let row = UnsafeBufferPointer(rebasing: source[from..<from + endX - firstX])
      guard let rowBase = row.baseAddress else { continue }
      (base + firstX + size.x * (y + size.y * z)).update(from: rowBase, count: row.count)
    }
  }
}
