import Volumes

/// Bytes of a prediction on the host, known before a voxel is read.
public struct PredictionMemory: Sendable, Equatable {
  /// The scan as it is read, upright and prepared, labels, windows, and probabilities that were asked for.
  public var fixedBytes: Int
  /// At most while the scan is prepared, before anything is blended: it, and what a resampling works on.
  public var preparingBytes: Int
  /// Class probabilities while windows are blended.
  public var blendingBytes: Int
  /// Fewest bytes that blending can do with: one row of voxels at a time.
  public var leastBlendingBytes: Int

  /// The most that stands at once; a little less where a crop depends on the voxels.
  public var bytes: Int { max(preparingBytes, fixedBytes + blendingBytes) }
  /// The least that the prediction can do with.
  public var leastBytes: Int { max(preparingBytes, fixedBytes + leastBlendingBytes) }
}

extension VolumePredictor {
  /// What predicting a scan takes on the host, no voxel cut off by its value; with `limitInBytes` blending gets what
  /// the rest leaves of it.
  ///
  /// - Parameter furtherVoxels: of the largest file that is read to be brought onto this grid.
  /// - Throws: `VolumeError`, `SettingProblem` as the prediction itself.
  public func memory(
    for grid: VolumeGrid, furtherVoxels: Int = 0, collectsProbabilities: Bool = false,
    limitInBytes: Int? = nil
  ) throws -> PredictionMemory {
    let reorientation = Reorientation(toRAS: grid)
    let upright = reorientation.targetGrid
    let isTurned = reorientation.sourceAxes != [0, 1, 2] || reorientation.isFlipped.contains(true)
    let (voxel, volume) = (MemoryLayout<Float>.size, grid.count)
    let channels = members[0].network.channelCount
    let bounds = try members.map { member throws(VolumeError) in try member.preprocessing.bounds(of: upright) }
    let scan = channels * volume * (isTurned ? 2 : 1)
    var (copies, preparing) = (0, scan + furtherVoxels)
    for (member, bound) in zip(members, bounds) {
      preparing = max(preparing, scan + copies + bound.preparing(channels: channels))
      let size = bound.extent.size
      copies += member.preprocessing.steps.isEmpty ? 0 : channels * size.x * size.y * size.z
    }
    let windows = members.map { member in
      let network = member.network
      return network.batch * (2 * network.channelCount * network.inputVoxels + 2 * network.classCount * network.voxels)
        + 2 * network.inputVoxels
    }.max() ?? 0
    // Labels in RAS+ and, turned, in the scan's own axes.
    let labels = volume * (isTurned ? 2 : 1)
    let probabilities = collectsProbabilities ? decision.count * volume * (isTurned ? 2 : 1) : 0
    let fixed = voxel * (scan + copies + windows + labels + probabilities)
    let geometries = try zip(members, bounds).map { try MemberGeometry($0, prepared: $1.extent, upright: upright.size) }
    func blending(_ budget: Int) -> Int {
      bands(geometries, target: upright.size, isSummed: members.count > 1 || collectsProbabilities, budget: budget).bytes
    }
    return PredictionMemory(
      fixedBytes: fixed, preparingBytes: voxel * preparing,
      blendingBytes: blending(limitInBytes.map { max(0, $0 - fixed) } ?? blendingBudgetInBytes),
      leastBlendingBytes: blending(0))
  }
}
