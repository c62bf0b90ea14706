/// How class ids move between grids; ids themselves never interpolate.
public enum LabelResamplingMethod: String, Sendable, Codable, CaseIterable {
  /// The nearest voxel's id, with `ResamplingMethod.nearest`'s tie rule.
  case nearest
  /// Each class's indicator is resampled linearly, and the largest wins; on a tie the lower id.
  case oneHotLinear = "one-hot-linear"
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
    switch method {
    case .nearest: try nearest(onto: target)
    case .oneHotLinear: try oneHotLinear(onto: target)
    }
  }

  private func nearest(onto target: VolumeGrid) throws(VolumeError) -> LabelVolume {
    let mappings = try AxisMapping.mappings(from: grid, onto: target)
    let at = mappings.map { m in (0..<m.targetCount).map { NearestVoxel.index(m, $0) } }
    let n = grid.size
    let ids = [Int32](unsafeUninitializedCapacity: target.count) { out, count in
      voxels.withUnsafeBufferPointer { source in
        at[0].withUnsafeBufferPointer { columns in
          for z in at[2] {
            for y in at[1] {
              let row = source.baseAddress! + n.x * (y + n.y * z)
              for x in columns {
                out[count] = row[x]
                count += 1
              }
            }
          }
        }
      }
    }
    return LabelVolume(grid: target, voxels: ids)
  }

  private func oneHotLinear(onto target: VolumeGrid) throws(VolumeError) -> LabelVolume {
    let resampler = try LinearResampler(from: grid, onto: target)
    let plane = target.size.x * target.size.y
    var best = [Float](repeating: -1, count: target.count)
    var ids = [Int32](repeating: 0, count: target.count)
    var share = [Float](repeating: 0, count: plane)
    // Ascending ids and a strict comparison: the lower id wins a tie.
    for id in presentIds {
      let indicator: [Float] = voxels.map { $0 == id ? 1 : 0 }
      indicator.withUnsafeBufferPointer { source in
        for z in 0..<target.size.z {
          share.withUnsafeMutableBufferPointer { resampler(source, slices: z..<z + 1, into: $0) }
          share.withUnsafeBufferPointer { share in
            best.withUnsafeMutableBufferPointer { best in
              ids.withUnsafeMutableBufferPointer { ids in
                for i in 0..<plane where share[i] > best[z * plane + i] {
                  best[z * plane + i] = share[i]
                  ids[z * plane + i] = id
                }
              }
            }
          }
        }
      }
    }
    return LabelVolume(grid: target, voxels: ids)
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
