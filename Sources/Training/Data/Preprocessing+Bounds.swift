import Volumes

extension Preprocessing {
  /// What prediction makes of a scan of a grid, known before its voxels are: an upper bound where a crop depends on
  /// them, exact otherwise.
  struct Bounds {
    /// Behind all steps; where a crop depends on the voxels, none of them is cut off and nothing smaller results.
    var extent: PreparedExtent
    /// Voxels of a channel before the first step and behind each.
    var counts: [Int]
    /// Arrays of a channel that each step works on beside those that it reads or leaves.
    var scratch: [Int]

    /// Voxel values that preparing holds at its worst, beside the scan itself: all channels as they were or as they
    /// become, whichever is more, and what one channel's resampling works on.
    func preparing(channels: Int) -> Int {
      zip(counts.indices.dropFirst(), scratch).map { index, scratch in
        (channels + scratch) * max(counts[index - 1], counts[index])
      }.max() ?? 0
    }
  }

  /// - Throws: `VolumeError` where a crop leaves nothing or a spacing makes an impossible grid.
  func bounds(of grid: VolumeGrid) throws(VolumeError) -> Bounds {
    let isOpen = steps.contains(.cropNonZero)
    var (extent, sizes) = try trace(grid)
    if isOpen {
      // Axes do not depend on each other: all lengths that a crop can leave, on the three of them at once.
      for length in 1..<(grid.size.max()) {
        let cut = grid.size.replacing(with: length, where: grid.size .> length)
        // What is impossible for a short axis is found out by the scan that has it.
        guard let shorter = try? trace(VolumeGrid(size: cut, affine: grid.affine)).sizes else { continue }
        for index in sizes.indices { sizes[index] = pointwiseMax(sizes[index], shorter[index]) }
      }
      extent = PreparedExtent(grid.size)
      extent.resample(to: sizes[sizes.count - 1])
    }
    return Bounds(
      extent: extent, counts: sizes.map { $0.x * $0.y * $0.z },
      scratch: steps.map(Self.scratch))
  }

  private static func scratch(_ step: PreprocessingStep) -> Int {
    switch step {
    // A percentile sorts a copy.
    case .normalise(.fixed(.percentile)): 1
    case .normalise: 0
    case .resample(let settings): settings.image == .cubic || settings.antialias ? 2 : 1
    case .cropNonZero, .crop, .cropOrPad: 1
    }
  }

  /// The extent behind all steps with no voxel cut off by its value, and the sizes on the way there.
  private func trace(
    _ grid: VolumeGrid
  ) throws(VolumeError) -> (extent: PreparedExtent, sizes: [SIMD3<Int>]) {
    var grid = grid
    var extent = PreparedExtent(grid.size)
    var sizes = [grid.size]
    for step in steps {
      if let change = try step.change(of: grid, inPrediction: true) {
        grid = grid.changed(change)
        switch change {
        case .box(let origin, let size): extent.box(origin: origin, size: size)
        case .resample(let size): extent.resample(to: size)
        }
      }
      sizes.append(grid.size)
    }
    return (extent, sizes)
  }
}
