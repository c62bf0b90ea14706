import Volumes

/// Bytes of a prediction on the host, known before a voxel is read.
public struct PredictionMemory: Sendable, Equatable {
  /// The scan as it is read, upright and prepared, labels, windows, and probabilities that were asked for.
  public var fixedBytes: Int
  /// Class probabilities while windows are blended.
  public var blendingBytes: Int
  /// Fewest bytes that blending can do with: one row of voxels at a time.
  public var leastBlendingBytes: Int

  public var bytes: Int { fixedBytes + blendingBytes }
}

extension VolumePredictor {
  /// What predicting a scan takes on the host, crops left out; with `limitInBytes` blending gets what the rest leaves of it.
  ///
  /// - Throws: `VolumeError`, `SettingProblem` as the prediction itself.
  public func memory(
    for grid: VolumeGrid, collectsProbabilities: Bool = false, limitInBytes: Int? = nil
  ) throws -> PredictionMemory {
    let reorientation = Reorientation(toRAS: grid)
    let upright = reorientation.targetGrid
    let isTurned = reorientation.sourceAxes != [0, 1, 2] || reorientation.isFlipped.contains(true)
    let (voxel, volume) = (MemoryLayout<Float>.size, grid.count)
    let channels = members[0].network.channelCount
    let prepared = try members.map { try $0.preprocessing.largestGrid(of: upright) }
    let copies = zip(members, prepared).reduce(0) {
      $0 + ($1.0.preprocessing.steps.isEmpty ? 0 : channels * $1.1.count)
    }
    let windows = members.map { member in
      let network = member.network
      return network.batch * (2 * network.channelCount * network.inputVoxels + 2 * network.classCount * network.voxels)
        + 2 * network.inputVoxels
    }.max() ?? 0
    // Labels in RAS+ and, turned, in the scan's own axes.
    let labels = volume * (isTurned ? 2 : 1)
    let probabilities = collectsProbabilities ? decision.count * volume * (isTurned ? 2 : 1) : 0
    let scan = channels * volume * (isTurned ? 2 : 1)
    let fixed = voxel * (scan + copies + windows + labels + probabilities)
    let geometries = try zip(members, prepared).map { try MemberGeometry($0, prepared: $1, upright: upright) }
    func blending(_ budget: Int) -> Int {
      bands(geometries, target: upright.size, isSummed: members.count > 1 || collectsProbabilities, budget: budget).bytes
    }
    return PredictionMemory(
      fixedBytes: fixed, blendingBytes: blending(limitInBytes.map { max(0, $0 - fixed) } ?? blendingBudgetInBytes),
      leastBlendingBytes: blending(0))
  }
}
