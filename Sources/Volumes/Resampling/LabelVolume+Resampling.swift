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
    let pairs = mappings.map { AxisTaps($0, method: .linear).pairs }
    let (width, height) = (pairs[0].count, pairs[1].count)
    let count = width * height * pairs[2].count
    let size = grid.size
    return [Int32](unsafeUninitializedCapacity: count) { out, initialized in
      voxels.withUnsafeBufferPointer { source in
        pairs[0].withUnsafeBufferPointer { columns in
          let (from, to) = (source.baseAddress!, out.baseAddress!)
          concurrently(pairs[2].count) { slices in
            for z in slices {
              for y in 0..<height {
                let corners = RowCorners(from, size, y: pairs[1][y], z: pairs[2][z])
                let line = to + width * (y + height * z)
                for x in 0..<width { line[x] = corners.winner(columns[x]) }
              }
            }
          }
        }
      }
      initialized = count
    }
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

/// The four source rows about a target row, with their shares.
private struct RowCorners {
  let rows: (UnsafePointer<Int32>, UnsafePointer<Int32>, UnsafePointer<Int32>, UnsafePointer<Int32>)
  let shares: SIMD4<Float>

  init(_ source: UnsafePointer<Int32>, _ size: SIMD3<Int>, y: LinearPair, z: LinearPair) {
    func row(_ y: Int, _ z: Int) -> UnsafePointer<Int32> { source + size.x * (y + size.y * z) }
    rows = (row(y.low, z.low), row(y.high, z.low), row(y.low, z.high), row(y.high, z.high))
    shares = SIMD4(
      (1 - y.share) * (1 - z.share), y.share * (1 - z.share), (1 - y.share) * z.share, y.share * z.share)
  }

  @inline(__always)
  func winner(_ x: LinearPair) -> Int32 {
    let low = SIMD4(rows.0[x.low], rows.1[x.low], rows.2[x.low], rows.3[x.low])
    let high = SIMD4(rows.0[x.high], rows.1[x.high], rows.2[x.high], rows.3[x.high])
    // Inside an organ, and outside of all, nothing is to be weighed.
    let first = SIMD4(repeating: low[0])
    if ((low ^ first) | (high ^ first)) == .zero { return low[0] }
    return weigh(SIMD8(lowHalf: low, highHalf: high), SIMD8(lowHalf: shares * (1 - x.share), highHalf: shares * x.share))
  }

  private func weigh(_ ids: SIMD8<Int32>, _ shares: SIMD8<Float>) -> Int32 {
    var (best, winner) = (Float(-1), ids[0])
    for corner in 0..<8 where shares[corner] > 0 {
      let share = shares.replacing(with: 0, where: ids .!= ids[corner]).sum()
      let isLower = ids[corner] < winner
      // Inside the tie's width the lower id wins, whichever comes first.
      if share > best + 1e-6 || (isLower && share >= best - 1e-6) { (best, winner) = (share, ids[corner]) }
    }
    return winner
  }
}
