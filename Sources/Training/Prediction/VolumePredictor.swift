import Volumes

/// A scan's predicted labels, on the scan's own grid, in the scan's own axes.
public struct VolumePrediction: Sendable {
  /// Class ids as in the label files.
  public var labels: LabelVolume
  /// One volume a class, in the network's order; empty where they were not asked for.
  public var probabilities: [Volume] = []
}

/// Segments whole volumes with one network or an ensemble.
///
/// Reorient to RAS+ → preprocess → sliding windows of the training patch, blended as probabilities in fp32 →
/// back onto the original grid, linearly → mean over the ensemble → the most probable class (the lowest index
/// where several are equal; of independent regions the last above ½) → ids → the scan's own axes. Whatever the
/// storage order of a scan, the same anatomy gets the same label.
///
/// Memory (`memory(for:…)`): beside the volume, its prepared copy and the labels, blending holds at most
/// `blendingBudgetInBytes`: with many classes the volume is worked through in bands of rows (windows that two
/// bands share run twice).
public struct VolumePredictor {
  public var members: [PredictionMember]
  public var decision: LabelDecision
  public var blendingBudgetInBytes: Int

  /// - Parameter members: at least one; all have `decision.count` channels in the same order.
  public init(members: [PredictionMember], decision: LabelDecision, blendingBudgetInBytes: Int = 3 << 30) {
    precondition(!members.isEmpty, "internal: no network to predict with")
    precondition(
      members.allSatisfy { $0.network.classCount == decision.count }, "internal: ids do not match the channels")
    self.members = members
    self.decision = decision
    self.blendingBudgetInBytes = blendingBudgetInBytes
  }

  /// With one class a channel.
  /// - Parameter ids: of the classes in the network's order.
  public init(members: [PredictionMember], ids: [Int32], blendingBudgetInBytes: Int = 3 << 30) {
    self.init(members: members, decision: .mostProbable(ids: ids), blendingBudgetInBytes: blendingBudgetInBytes)
  }

  /// - Parameters:
  ///   - channels: on one grid, in any axes.
  ///   - progress: windows done and windows in all.
  /// - Throws: `PredictionError`, `VolumeError` where preprocessing makes no grid, `SettingProblem` for an
  ///   impossible overlap, and what the networks throw.
  public func callAsFunction(
    _ channels: [Volume], collectsProbabilities: Bool = false, progress: (Int, Int) -> Void = { _, _ in }
  ) throws -> VolumePrediction {
    let grid = channels[0].grid
    let reorientation = Reorientation(toRAS: grid)
    let upright = channels.map { reorientation($0) }
    let runs = try members.map { try MemberRun($0, upright: upright) }
    let target = reorientation.targetGrid
    var labels = [Int32](repeating: decision.background, count: target.count)
    var probabilities = [[Float]](
      repeating: [Float](repeating: 0, count: collectsProbabilities ? target.count : 0),
      count: collectsProbabilities ? decision.count : 0)
    let (bands, _) = self.bands(
      runs.map(\.geometry), target: target.size, isSummed: members.count > 1 || collectsProbabilities,
      budget: blendingBudgetInBytes)
    let windowCount = bands.reduce(0) { sum, band in runs.reduce(sum) { $0 + $1.geometry.windowCount(band) } }
    var windowsBefore = 0
    func report(_ done: Int) { progress(windowsBefore + done, windowCount) }
    for band in bands {
      if members.count == 1 && !collectsProbabilities {
        try runs[0](band, done: report) { z, rows, columns, plane in
          decision.fill(&labels, size: target.size, z: z, rows: rows, columns: columns, plane: plane)
        }
        windowsBefore += runs[0].geometry.windowCount(band)
        continue
      }
      var sum = ProbabilitySum(size: target.size, band: band, classCount: decision.count)
      for run in runs {
        try run(band, done: report) { z, rows, columns, plane in
          sum.add(plane, z: z, rows: rows, columns: columns)
        }
        if !decision.isIndependent { sum.addBackground(outside: run.geometry.inside(band)) }
        windowsBefore += run.geometry.windowCount(band)
      }
      sum.finish(members: members.count, decision: decision, labels: &labels, probabilities: &probabilities)
    }
    let back = reorientation.inverse
    return VolumePrediction(
      labels: LabelVolume(grid: grid, voxels: back(labels)),
      probabilities: probabilities.map { Volume(grid: grid, voxels: back($0)) })
  }

  /// Bands of rows, as few as the budget allows, and the bytes that the largest of them holds while it is blended.
  func bands(
    _ members: [MemberGeometry], target: SIMD3<Int>, isSummed: Bool, budget: Int
  ) -> (rows: [Range<Int>], bytes: Int) {
    var count = 1
    while true {
      let height = (target.y + count - 1) / count
      let bands = stride(from: 0, to: target.y, by: height).map { $0..<min(target.y, $0 + height) }
      let bytes = bands.map { band in
        (isSummed ? 4 * decision.count * target.x * target.z * band.count : 0)
          + (members.map { $0.bytes(band) }.max() ?? 0)
      }
      let most = bytes.max() ?? 0
      if most <= budget || height == 1 { return (bands, most) }
      count += 1
    }
  }
}
