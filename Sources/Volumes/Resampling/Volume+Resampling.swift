extension Volume {
  /// This volume at another spacing over the same box; see `VolumeGrid.resampled(toSpacing:)` for its size.
  ///
  /// - Parameters:
  ///   - spacing: millimetres along the stored axes i, j, k.
  ///   - isAntialiased: see `resampled(onto:)`. Off unless a recipe asks.
  public func resampled(
    toSpacing spacing: SIMD3<Double>, method: ResamplingMethod = .linear, isAntialiased: Bool = false
  ) throws(VolumeError) -> Volume {
    try resampled(onto: grid.resampled(toSpacing: spacing), method: method, isAntialiased: isAntialiased)
  }

  /// This volume on another grid whose axes run in the same directions, on all cores.
  ///
  /// Positions are Double, values float32. Nearest, linear and area touch only what the target needs; a spline
  /// takes a pass an axis.
  ///
  /// - Parameter isAntialiased: blurs axes that lose voxels first, by a Gaussian of (old count / new count − 1) / 2
  ///   voxels (scikit-image's choice); linear and cubic only.
  /// - Throws: `VolumeError` where the grids' axes are not parallel.
  public func resampled(
    onto target: VolumeGrid, method: ResamplingMethod = .linear, isAntialiased: Bool = false
  ) throws(VolumeError) -> Volume {
    let mappings = try AxisMapping.mappings(from: grid, onto: target)
    if mappings.allSatisfy(\.isIdentity) { return Volume(grid: target, voxels: voxels) }
    switch method {
    case .nearest:
      return Volume(grid: target, voxels: NearestResampling.apply(mappings, to: voxels, size: grid.size))
    case .linear, .area:
      let taps = mappings.map { AxisTaps($0, method: $0.isIdentity ? .nearest : method) }
      var source = voxels
      if isAntialiased && method.canAntialias {
        for axis in 0..<3 where mappings[axis].scale > 1 { blur(&source, grid.size, axis, mappings[axis].scale) }
      }
      return Volume(grid: target, voxels: FusedResampling.apply(taps, to: source, size: grid.size))
    case .cubic:
      return Volume(grid: target, voxels: spline(mappings, isAntialiased: isAntialiased))
    }
  }

  /// Separable: one pass an axis, those that lose most voxels first.
  private func spline(_ mappings: [AxisMapping], isAntialiased: Bool) -> [Float] {
    var current = voxels
    var size = grid.size
    let order = (0..<3).sorted {
      let (a, b) = (mappings[$0].scale, mappings[$1].scale)
      // Equal ratios: the slowest axis first, whose pass runs along whole rows.
      return a != b ? a > b : $0 > $1
    }
    for axis in order where !mappings[axis].isIdentity {
      if isAntialiased && mappings[axis].scale > 1 { blur(&current, size, axis, mappings[axis].scale) }
      SplinePrefilter.apply(along: axis, to: &current, size: size)
      (current, size) = SeparablePass.apply(
        AxisTaps(mappings[axis], method: .cubic), along: axis, to: current, size: size)
    }
    return current
  }

  private func blur(_ voxels: inout [Float], _ size: SIMD3<Int>, _ axis: Int, _ scale: Double) {
    guard size[axis] > 1 else { return }
    let taps = AxisTaps(gaussian: (scale - 1) / 2, count: size[axis])
    voxels = SeparablePass.apply(taps, along: axis, to: voxels, size: size).voxels
  }
}
