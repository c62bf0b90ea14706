/// Resampling through the affines, between grids that need not be parallel: channels of one patient that were
/// scanned on grids of their own.
extension Volume {
  /// This volume's values at the voxel centres of another grid in the same world: trilinear, on all cores.
  ///
  /// Within the box of this volume, half a voxel beyond the outermost centres included, the nearest edge voxels'
  /// values hold; outside the box `outside` does.
  public func resampledInWorld(onto target: VolumeGrid, outside: Float) -> Volume {
    let path = WorldPath(from: grid, onto: target)
    let n = grid.size
    let voxels = path.map(self.voxels, outside: outside) { source, p in
      let low = p.clamped(lowerBound: .zero, upperBound: SIMD3<Double>(n &- 1))
      let at = SIMD3<Int>(low.rounded(.down)).clamped(lowerBound: .zero, upperBound: pointwiseMax(n &- 2, .zero))
      let t = SIMD3<Float>(low - SIMD3<Double>(at))
      let (dx, dy, dz) = (n.x > 1 ? 1 : 0, n.y > 1 ? n.x : 0, n.z > 1 ? n.x * n.y : 0)
      let base = source + at.x + n.x * (at.y + n.y * at.z)
      func row(_ v: UnsafePointer<Float>) -> Float { v[0] + t.x * (v[dx] - v[0]) }
      func plane(_ v: UnsafePointer<Float>) -> Float {
        let first = row(v)
        return first + t.y * (row(v + dy) - first)
      }
      let first = plane(base)
      return first + t.z * (plane(base + dz) - first)
    }
    return Volume(grid: target, voxels: voxels)
  }
}

extension LabelVolume {
  /// The nearest voxel's id at the voxel centres of another grid in the same world; a tie goes to the voxel of
  /// the higher index. Outside the box of this map, `outside`.
  public func resampledInWorld(onto target: VolumeGrid, outside: Int32) -> LabelVolume {
    let path = WorldPath(from: grid, onto: target)
    let n = grid.size
    let voxels = path.map(self.voxels, outside: outside) { source, p in
      let at = SIMD3<Int>((p + 0.5 + 1e-6).rounded(.down)).clamped(lowerBound: .zero, upperBound: n &- 1)
      return source[at.x + n.x * (at.y + n.y * at.z)]
    }
    return LabelVolume(grid: target, voxels: voxels)
  }
}

/// Where the voxels of a target grid lie on a source grid, in source voxels.
private struct WorldPath {
  let sourceSize: SIMD3<Int>
  let targetSize: SIMD3<Int>
  let start: SIMD3<Double>
  let steps: [SIMD3<Double>]

  init(from source: VolumeGrid, onto target: VolumeGrid) {
    let inverse = source.affine.inverse
    let linear = Affine(columns: inverse.columns, translation: .zero)
    sourceSize = source.size
    targetSize = target.size
    start = inverse(target.affine.translation)
    steps = (0..<3).map { linear(target.affine.column($0)) }
  }

  /// Values at all target voxels; `outside` where a position is beyond the source's outer faces.
  func map<Element: BitwiseCopyable>(
    _ source: [Element], outside: Element, _ value: (UnsafePointer<Element>, SIMD3<Double>) -> Element
  ) -> [Element] {
    let (m, steps, start) = (targetSize, steps, start)
    // A target on the very face must not fall outside by rounding.
    let lower = SIMD3<Double>(repeating: -0.5 - 1e-6)
    let upper = SIMD3<Double>(sourceSize) - 0.5 + 1e-6
    let count = m.x * m.y * m.z
    return [Element](unsafeUninitializedCapacity: count) { out, initialized in
      source.withUnsafeBufferPointer { source in
        let (from, to) = (source.baseAddress!, out.baseAddress!)
        concurrently(m.z) { slices in
          for z in slices {
            for y in 0..<m.y {
              let row = start + steps[1] * Double(y) + steps[2] * Double(z)
              let line = to + m.x * (y + m.y * z)
              for x in 0..<m.x {
                let p = row + steps[0] * Double(x)
                line[x] = all(p .>= lower) && all(p .<= upper) ? value(from, p) : outside
              }
            }
          }
        }
      }
      initialized = count
    }
  }
}
