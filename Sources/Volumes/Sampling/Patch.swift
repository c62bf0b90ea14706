/// The label of voxels that count in no loss and no metric: padding, and what the annotator left open.
public let ignoreLabel: Int32 = -1

/// A box of a case as the network sees it: all channels and the labels.
///
/// Voxel (x, y, z) of channel c is `voxels[x + size.x * (y + size.y * (z + size.z * c))]`: C×D×H×W with
/// D = z, H = y, W = x, x varying fastest; +x is the patient's right, +y anterior, +z superior.
public struct Patch: Sendable, Equatable {
  /// Voxels along x, y, z.
  public var size: SIMD3<Int>
  public var channelCount: Int
  /// C×D×H×W.
  public var voxels: [Float]
  /// D×H×W; `ignoreLabel` where the patch reaches outside the case. Empty for a case without labels.
  public var labels: [Int32]

  public init(size: SIMD3<Int>, channelCount: Int, voxels: [Float], labels: [Int32]) {
    precondition(
      voxels.count == size.voxelCount * channelCount
        && (labels.isEmpty || labels.count == size.voxelCount),
      "internal: patch size does not match its arrays")
    self.size = size
    self.channelCount = channelCount
    self.voxels = voxels
    self.labels = labels
  }
}

extension Patch {
  /// The labels without a margin of context on each side, D×H×W.
  public func labels(without margin: SIMD3<Int>) -> [Int32] {
    if margin == .zero { return labels }
    let inner = size &- 2 &* margin
    var result: [Int32] = []
    result.reserveCapacity(inner.voxelCount)
    for z in 0..<inner.z {
      for y in 0..<inner.y {
        let row = margin.x + size.x * (margin.y + y + size.y * (margin.z + z))
        result += labels[row..<row + inner.x]
      }
    }
    return result
  }
}

extension SIMD3 where Scalar == Int {
  /// x · y · z.
  var voxelCount: Int { x * y * z }
}
