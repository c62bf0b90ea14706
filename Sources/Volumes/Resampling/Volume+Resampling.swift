extension Volume {
  /// This volume at another spacing over the same box; see `VolumeGrid.resampled(toSpacing:)` for its size.
  ///
  /// - Parameters:
  ///   - spacing: millimetres along the stored axes i, j, k.
  ///   - isAntialiased: blurs axes that lose voxels first, by a Gaussian of (old count / new count − 1) / 2
  ///     voxels (scikit-image's choice). Off unless a recipe asks.
  public func resampled(
    toSpacing spacing: SIMD3<Double>, method: ResamplingMethod = .linear, isAntialiased: Bool = false
  ) throws(VolumeError) -> Volume {
    try resampled(onto: grid.resampled(toSpacing: spacing), method: method, isAntialiased: isAntialiased)
  }

  /// This volume on another grid whose axes run in the same directions.
  ///
  /// Separable: one pass an axis, those that lose voxels first. Positions are Double, values float32.
  ///
  /// - Throws: `VolumeError` where the grids' axes are not parallel.
  public func resampled(
    onto target: VolumeGrid, method: ResamplingMethod = .linear, isAntialiased: Bool = false
  ) throws(VolumeError) -> Volume {
    let mappings = try AxisMapping.mappings(from: grid, onto: target)
    var current = voxels
    var size = grid.size
    let order = (0..<3).sorted {
      let (a, b) = (mappings[$0].scale, mappings[$1].scale)
      // Equal ratios: the slowest axis first, whose pass runs along whole rows.
      return a != b ? a > b : $0 > $1
    }
    for axis in order {
      let mapping = mappings[axis]
      if mapping.isIdentity { continue }
      if isAntialiased && mapping.scale > 1 && method != .nearest && size[axis] > 1 {
        let taps = AxisTaps(gaussian: (mapping.scale - 1) / 2, count: size[axis])
        current = SeparablePass.apply(taps, along: axis, to: current, size: size).voxels
      }
      if method == .cubic { SplinePrefilter.apply(along: axis, to: &current, size: size) }
      (current, size) = SeparablePass.apply(
        AxisTaps(mapping, method: method), along: axis, to: current, size: size)
    }
    return Volume(grid: target, voxels: current)
  }
}
