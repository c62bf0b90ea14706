/// Weighted means along all three axes in one pass, without arrays in between: for the few taps of linear and
/// area resampling. It reads only rows that a target voxel needs.
enum FusedResampling {
  /// - Parameter taps: of x, y and z.
  static func apply(_ taps: [AxisTaps], to source: [Float], size: SIMD3<Int>) -> [Float] {
    let target = SIMD3(taps[0].targetCount, taps[1].targetCount, taps[2].targetCount)
    let count = target.x * target.y * target.z
    return [Float](unsafeUninitializedCapacity: count) { out, initialized in
      source.withUnsafeBufferPointer { source in
        let (from, to) = (source.baseAddress!, out.baseAddress!)
        concurrently(target.z) { slices in
          let line = UnsafeMutableBufferPointer<Float>.allocate(capacity: size.x)
          defer { line.deallocate() }
          for z in slices {
            for y in 0..<target.y {
              blendRows(taps[1], y, taps[2], z, from: from, size: size, into: line)
              SeparablePass.run(
                taps[0], inner: 1, from: UnsafeBufferPointer(line),
                to: UnsafeMutableBufferPointer(start: to + target.x * (y + target.y * z), count: target.x))
            }
          }
        }
      }
      initialized = count
    }
  }

  /// line = Σ w(y) w(z) · row(y, z).
  private static func blendRows(
    _ yTaps: AxisTaps, _ y: Int, _ zTaps: AxisTaps, _ z: Int, from source: UnsafePointer<Float>,
    size: SIMD3<Int>, into line: UnsafeMutableBufferPointer<Float>
  ) {
    var isFirst = true
    for b in z * zTaps.tapsPerTarget..<(z + 1) * zTaps.tapsPerTarget where zTaps.weights[b] != 0 {
      for a in y * yTaps.tapsPerTarget..<(y + 1) * yTaps.tapsPerTarget where yTaps.weights[a] != 0 {
        let weight = yTaps.weights[a] * zTaps.weights[b]
        let row = source + size.x * (Int(yTaps.indices[a]) + size.y * Int(zTaps.indices[b]))
        if isFirst {
          for x in 0..<size.x { line[x] = weight * row[x] }
        } else {
          for x in 0..<size.x { line[x] += weight * row[x] }
        }
        isFirst = false
      }
    }
  }
}

/// The nearest voxel of each target voxel: a gather that touches nothing else.
enum NearestResampling {
  /// - Parameter mappings: of x, y and z.
  static func apply<Element: BitwiseCopyable>(
    _ mappings: [AxisMapping], to source: [Element], size: SIMD3<Int>
  ) -> [Element] {
    let at = mappings.map { m in (0..<m.targetCount).map { NearestVoxel.index(m, $0) } }
    let (width, height, depth) = (at[0].count, at[1].count, at[2].count)
    return [Element](unsafeUninitializedCapacity: width * height * depth) { out, initialized in
      source.withUnsafeBufferPointer { source in
        at[0].withUnsafeBufferPointer { columns in
          let (from, to) = (source.baseAddress!, out.baseAddress!)
          concurrently(depth) { slices in
            for z in slices {
              for y in 0..<height {
                let row = from + size.x * (at[1][y] + size.y * at[2][z])
                let line = to + width * (y + height * z)
                for x in 0..<width { line[x] = row[columns[x]] }
              }
            }
          }
        }
      }
      initialized = width * height * depth
    }
  }
}
