/// The best that one intensity window [low, high] can do for a label: what any learned method must beat.
public struct BestThreshold: Sendable, Equatable {
  /// In the image's units; the window is closed below and open above.
  public let low: Float
  public let high: Float
  public let dice: Double

  /// The window of largest Dice = 2 TP / (window + label), over all windows of whole units between the least
  /// and the largest value inside the label. nil where the label does not occur.
  ///
  /// - Complexity: O(voxels + range²).
  public init?(label: Int32, image: Volume, labels: LabelVolume) {
    var low = Float.infinity
    var high = -Float.infinity
    for (value, voxel) in zip(image.voxels, labels.voxels) where voxel == label {
      low = min(low, value)
      high = max(high, value)
    }
    guard low <= high, high - low < 1e5 else { return nil }
    let first = low.rounded(.down)
    let binCount = Int((high - first).rounded(.down)) + 1
    // Running sums: voxels below the upper edge of each unit.
    var all = [Int](repeating: 0, count: binCount + 1)
    var inside = all
    for (value, voxel) in zip(image.voxels, labels.voxels)
    where value >= first && value < first + Float(binCount) {
      let bin = Int(value - first)
      all[bin + 1] += 1
      if voxel == label { inside[bin + 1] += 1 }
    }
    for bin in 0..<binCount {
      all[bin + 1] += all[bin]
      inside[bin + 1] += inside[bin]
    }
    var best = (dice: -1.0, from: 0, to: 1)
    let labelCount = inside[binCount]
    for from in 0..<binCount {
      for to in from + 1...binCount {
        let dice = 2 * Double(inside[to] - inside[from]) / Double(all[to] - all[from] + labelCount)
        if dice > best.dice { best = (dice, from, to) }
      }
    }
    self.low = first + Float(best.from)
    self.high = first + Float(best.to)
    dice = best.dice
  }
}
