extension PatchSource {
  /// The patch at `origin` under `transform`, taken from the case itself in one pass: the corners hold what
  /// lies there, and padding only where the case ends.
  ///
  /// Image: trilinear. Labels: nearest, a tie goes to the larger index. A voxel is padding where its nearest
  /// voxel lies outside the case; within half a voxel of the border the outermost value holds.
  func resampled(
    origin: SIMD3<Int>, size patchSize: SIMD3<Int>, padValues: [Float], transform: SpatialTransform
  ) -> Patch {
    let count = patchSize.voxelCount
    let columns = transform.sourceOffsetColumns(spacingInMillimetres: spacingInMillimetres)
    let half = (SIMD3<Double>(patchSize) - 1) / 2
    let centre = SIMD3<Double>(origin) + half
    var voxels = [Float](repeating: 0, count: count * channels.count)
    var patchLabels = [Int32](repeating: ignoreLabel, count: labels.isEmpty ? 0 : count)
    voxels.withUnsafeMutableBufferPointer { voxels in
      for (number, channel) in channels.enumerated() {
        let outside = padValues.count == 1 ? padValues[0] : padValues[number]
        let target = UnsafeMutableBufferPointer(rebasing: voxels[number * count..<(number + 1) * count])
        channel.withUnsafeBufferPointer { channel in
          forEachPosition(patchSize, centre: centre, half: half, columns: columns) { index, position in
            target[index] = linear(channel, at: position, outside: outside)
          }
        }
      }
    }
    if !labels.isEmpty {
      patchLabels.withUnsafeMutableBufferPointer { target in
        labels.withUnsafeBufferPointer { labels in
          forEachPosition(patchSize, centre: centre, half: half, columns: columns) { index, position in
            if let voxel = nearestVoxel(position) { target[index] = labels[voxel] }
          }
        }
      }
    }
    return Patch(
      size: patchSize, channelCount: channels.count, voxels: voxels, labels: patchLabels)
  }

  @inline(__always)
  private func forEachPosition(
    _ patchSize: SIMD3<Int>, centre: SIMD3<Double>, half: SIMD3<Double>,
    columns: (SIMD3<Double>, SIMD3<Double>, SIMD3<Double>), _ body: (Int, SIMD3<Double>) -> Void
  ) {
    var index = 0
    for z in 0..<patchSize.z {
      for y in 0..<patchSize.y {
        let row =
          centre + columns.1 * (Double(y) - half.y) + columns.2 * (Double(z) - half.z)
        for x in 0..<patchSize.x {
          body(index, row + columns.0 * (Double(x) - half.x))
          index += 1
        }
      }
    }
  }

  /// The linear index of the voxel nearest to `position`; nil outside the case.
  @inline(__always)
  private func nearestVoxel(_ position: SIMD3<Double>) -> Int? {
    let nearest = (position + 0.5).rounded(.down)
    guard
      nearest.x >= 0, nearest.y >= 0, nearest.z >= 0, nearest.x < Double(size.x),
      nearest.y < Double(size.y), nearest.z < Double(size.z)
    else { return nil }
    return Int(nearest.x) + size.x * (Int(nearest.y) + size.y * Int(nearest.z))
  }

  @inline(__always)
  private func linear(
    _ channel: UnsafeBufferPointer<Float>, at position: SIMD3<Double>, outside: Float
  ) -> Float {
    guard nearestVoxel(position) != nil else { return outside }
    let last = SIMD3<Double>(size &- 1)
    let inside = position.clamped(lowerBound: .zero, upperBound: last)
    let floor = inside.rounded(.down)
    let f = SIMD3<Float>(inside - floor)
    let low = SIMD3<Int>(floor)
    // At the last voxel the neighbour is the voxel itself: its weight is 0 there.
    let stepX = low.x + 1 < size.x ? 1 : 0
    let stepY = low.y + 1 < size.y ? size.x : 0
    let stepZ = low.z + 1 < size.z ? size.x * size.y : 0
    let base = low.x + size.x * (low.y + size.y * low.z)
    @inline(__always) func row(_ start: Int) -> Float {
      let a = channel[start]
      return a + f.x * (channel[start + stepX] - a)
    }
    @inline(__always) func slice(_ start: Int) -> Float {
      let a = row(start)
      return a + f.y * (row(start + stepY) - a)
    }
    let a = slice(base)
    return a + f.z * (slice(base + stepZ) - a)
  }
}
