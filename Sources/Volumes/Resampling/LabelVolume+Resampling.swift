/// How class ids move between grids; ids themselves never interpolate.
public enum LabelResamplingMethod: String, Sendable, Codable, CaseIterable {
  /// The nearest voxel's id, with `ResamplingMethod.nearest`'s tie rule.
  case nearest
  /// Each class's indicator is resampled linearly, and the largest wins. Shares within 1e-6 of each other are a
  /// tie, which the lowest id wins.
  case linearArgmax = "linear-argmax"
}

extension LabelVolume {
  /// These labels at another spacing over the same box; see `VolumeGrid.resampled(toSpacing:)`.
  public func resampled(
    toSpacing spacing: SIMD3<Double>, method: LabelResamplingMethod = .nearest
  ) throws(VolumeError) -> LabelVolume {
    try resampled(onto: grid.resampled(toSpacing: spacing), method: method)
  }

  /// These labels on another grid whose axes run in the same directions.
  ///
  /// - Throws: `VolumeError` where the grids' axes are not parallel.
  public func resampled(
    onto target: VolumeGrid, method: LabelResamplingMethod = .nearest
  ) throws(VolumeError) -> LabelVolume {
    let mappings = try AxisMapping.mappings(from: grid, onto: target)
    if mappings.allSatisfy(\.isIdentity) { return LabelVolume(grid: target, voxels: voxels) }
    switch method {
    case .nearest:
      return LabelVolume(grid: target, voxels: NearestResampling.apply(mappings, to: voxels, size: grid.size))
    case .linearArgmax:
      return LabelVolume(grid: target, voxels: linearArgmax(mappings))
    }
  }

  /// Eight voxels decide a target voxel, so the cost does not grow with the number of classes.
  private func linearArgmax(_ mappings: [AxisMapping]) -> [Int32] {
    let taps = mappings.map { AxisTaps($0, method: .linear) }
    let target = SIMD3(taps[0].targetCount, taps[1].targetCount, taps[2].targetCount)
    let count = target.x * target.y * target.z
    let size = grid.size
    return [Int32](unsafeUninitializedCapacity: count) { out, initialized in
      voxels.withUnsafeBufferPointer { source in
        let (from, to) = (source.baseAddress!, out.baseAddress!)
        concurrently(target.z) { slices in
          var index = slices.lowerBound * target.x * target.y
          for z in slices {
            for y in 0..<target.y {
              for x in 0..<target.x {
                to[index] = Self.winner(
                  from, size, x: taps[0].pair(x), y: taps[1].pair(y), z: taps[2].pair(z))
                index += 1
              }
            }
          }
        }
      }
      initialized = count
    }
  }

  @inline(__always)
  private static func winner(
    _ source: UnsafePointer<Int32>, _ size: SIMD3<Int>, x: LinearPair, y: LinearPair, z: LinearPair
  ) -> Int32 {
    func id(_ corner: Int) -> Int32 {
      let row = (corner & 2 == 0 ? y.low : y.high) + size.y * (corner & 4 == 0 ? z.low : z.high)
      return source[(corner & 1 == 0 ? x.low : x.high) + size.x * row]
    }
    let ids = SIMD8<Int32>(id(0), id(1), id(2), id(3), id(4), id(5), id(6), id(7))
    if ids == SIMD8(repeating: ids[0]) { return ids[0] }
    let (u, t) = (1 - x.share, x.share)
    let (a, b) = ((1 - y.share) * (1 - z.share), y.share * (1 - z.share))
    let (c, d) = ((1 - y.share) * z.share, y.share * z.share)
    let shares = SIMD8<Float>(u * a, t * a, u * b, t * b, u * c, t * c, u * d, t * d)
    var (best, winner) = (Float(-1), ids[0])
    for corner in 0..<8 where shares[corner] > 0 {
      let share = shares.replacing(with: 0, where: ids .!= ids[corner]).sum()
      let isLower = ids[corner] < winner
      // Inside the tie's width the lower id wins, whichever comes first.
      if share > best + 1e-6 || (isLower && share >= best - 1e-6) { (best, winner) = (share, ids[corner]) }
    }
    return winner
  }

  /// The ids that occur, ascending.
  public var presentIds: [Int32] {
    var seen: Set<Int32> = []
    voxels.withUnsafeBufferPointer { v in
      var previous: Int32?
      // Neighbours mostly share their id: the set is asked only where it changes.
      for id in v where id != previous {
        seen.insert(id)
        previous = id
      }
    }
    return seen.sorted()
  }
}
