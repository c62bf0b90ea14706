/// Where the windows of whole-volume inference lie, and how much each of their voxels counts.
///
/// Windows always have the training patch's size. They advance by patch · (1 − overlap); the last one of an
/// axis shifts inward so that it ends with the volume. A volume smaller than the patch is centred in it: its
/// origin is then negative, and what lies outside is padding.
public struct SlidingWindow: Sendable {
  /// Voxels along x, y, z.
  public let volumeSize: SIMD3<Int>
  public let patchSize: SIMD3<Int>
  /// The first voxel of each window in the volume: x fastest, then y, then z, each ascending.
  public let origins: [SIMD3<Int>]
  /// The weight of each voxel of a window: D×H×W.
  public let importance: [Float]

  /// - Parameter overlap: the share of the patch that neighbouring windows have in common, 0 ..< 1.
  /// - Throws: `SettingProblem` naming `overlap`, `patchSize` or `volumeSize`.
  public init(
    volumeSize: SIMD3<Int>, patchSize: SIMD3<Int>, overlap: Double = 0.5
  ) throws(SettingProblem) {
    guard overlap >= 0, overlap < 1 else {
      throw SettingProblem(key: "overlap", problem: "is \(overlap); expected 0 or more and below 1")
    }
    guard patchSize.min() >= 1 else {
      throw SettingProblem(key: "patchSize", problem: "is \(patchSize.text); each extent is at least 1")
    }
    guard volumeSize.min() >= 1 else {
      throw SettingProblem(key: "volumeSize", problem: "is \(volumeSize.text); each extent is at least 1")
    }
    self.volumeSize = volumeSize
    self.patchSize = patchSize
    let xs = Self.axisOrigins(volume: volumeSize.x, patch: patchSize.x, overlap: overlap)
    let ys = Self.axisOrigins(volume: volumeSize.y, patch: patchSize.y, overlap: overlap)
    let zs = Self.axisOrigins(volume: volumeSize.z, patch: patchSize.z, overlap: overlap)
    origins = zs.flatMap { z in ys.flatMap { y in xs.map { x in SIMD3(x, y, z) } } }
    importance = Self.gaussianImportance(patchSize)
  }

  /// The windows that have a voxel in these rows (y) of the volume, in order.
  public func origins(touchingRows rows: Range<Int>) -> [SIMD3<Int>] {
    origins.filter { $0.y < rows.upperBound && $0.y + patchSize.y > rows.lowerBound }
  }

  static func axisOrigins(volume: Int, patch: Int, overlap: Double) -> [Int] {
    let free = volume - patch
    guard free > 0 else { return [-((patch - volume) / 2)] }
    let step = max(1, Int((Double(patch) * (1 - overlap)).rounded(.down)))
    var starts = Array(stride(from: 0, to: free, by: step))
    starts.append(free)
    return starts
  }
}
