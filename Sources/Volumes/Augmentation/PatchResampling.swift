extension PatchSource {
  /// The patch at `origin` under `transform`, taken from the case itself in one pass: the corners hold what
  /// lies there, and padding only where the case ends.
  ///
  /// Image: trilinear, or the nearest voxel's value. Labels: nearest, a tie goes to the larger index. A voxel is
  /// outside where its nearest voxel would lie outside the case; within half a voxel of the border the outermost
  /// value holds. Positions are in double precision.
  ///
  /// - Parameter outside: one image value a channel for voxels outside, whose label is `ignoreLabel`; nil where the
  ///   outermost values and labels go on.
  func resampled(
    origin: SIMD3<Int>, size patchSize: SIMD3<Int>, outside: [Float]?, transform: SpatialTransform,
    interpolation: AugmentationSettings.Interpolation = .linear
  ) -> Patch {
    let count = patchSize.voxelCount
    let columns = transform.sourceOffsetColumns(spacingInMillimetres: spacingInMillimetres)
    let half = (SIMD3<Double>(patchSize) - 1) / 2
    let centre =
      SIMD3<Double>(origin) + half - transform.translationInMillimetres / spacingInMillimetres
    var elastic = transform.elastic.map {
      ElasticRows($0, patchSize: patchSize, spacingInMillimetres: spacingInMillimetres, columns: columns)
    }
    let positions = RowPositions(count: patchSize.x, sourceSize: size, continues: outside == nil)
    var voxels = [Float](repeating: 0, count: count * channels.count)
    var patchLabels = [Int32](repeating: ignoreLabel, count: labels.isEmpty ? 0 : count)
    var start = 0
    for z in 0..<patchSize.z {
      for y in 0..<patchSize.y {
        elastic?.evaluate(y: y, z: z)
        positions.place(
          centre: centre + columns.1 * (Double(y) - half.y) + columns.2 * (Double(z) - half.z),
          step: columns.0, elastic: elastic)
        for (number, channel) in channels.enumerated() {
          withPointers(channel, &voxels, from: number * count + start) { channel, target in
            let value = outside?[number] ?? 0
            switch interpolation {
            case .linear: positions.interpolate(channel, outside: value, to: target)
            case .nearest: positions.take(channel, outside: value, to: target)
            }
          }
        }
        if !labels.isEmpty {
          withPointers(labels, &patchLabels, from: start) { labels, target in
            positions.take(labels, outside: ignoreLabel, to: target)
          }
        }
        start += patchSize.x
      }
    }
    return Patch(size: patchSize, channelCount: channels.count, voxels: voxels, labels: patchLabels)
  }
}

/// The source's first voxel and the target's voxel `first`.
private func withPointers<Voxel: BitwiseCopyable & Sendable>(
  _ source: StoredVoxels<Voxel>, _ target: inout [Voxel], from first: Int,
  _ body: (UnsafePointer<Voxel>, UnsafeMutablePointer<Voxel>) -> Void
) {
  source.withUnsafeBufferPointer { source in
    target.withUnsafeMutableBufferPointer { target in
      guard let source = source.baseAddress, let target = target.baseAddress else { return }
      body(source, target + first)
    }
  }
}
