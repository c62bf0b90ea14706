/// One preprocessed case from which patches are cut: channels and labels on one RAS grid, in memory or in a mapped file.
public struct PatchSource: Sendable {
  public let name: String
  /// Voxels along x, y, z.
  public let size: SIMD3<Int>
  public let spacingInMillimetres: SIMD3<Double>
  /// One array a channel, x varying fastest.
  public let channels: [StoredVoxels<Float>]
  /// The same order as a channel; empty for a case without labels.
  public let labels: StoredVoxels<Int32>
  public let classVoxels: ClassVoxelIndex
  /// The least value of each channel.
  let minima: [Float]

  /// - Throws: `VolumeError` with the case's name where the parts do not fit together.
  public init(
    name: String, channels: [Volume], labels: LabelVolume?, indexSeed: UInt64 = 0,
    maximumIndexedVoxelsPerClass: Int = ClassVoxelIndex.defaultMaximumVoxelsPerClass
  ) throws(VolumeError) {
    guard let first = channels.first else {
      throw VolumeError(name, "has no channel; at least one is needed")
    }
    let size = first.grid.size
    guard size.voxelCount > 0 else {
      throw VolumeError(name, "has size \(size.text); at least one voxel is needed")
    }
    guard size.voxelCount <= Int(UInt32.max) else {
      throw VolumeError(name, "has \(size.voxelCount) voxels; at most \(UInt32.max) are supported")
    }
    for (number, channel) in channels.enumerated() where channel.grid.size != size {
      throw VolumeError(
        name, "channel \(number) has size \(channel.grid.size.text); channel 0 has \(size.text)")
    }
    if let labels, labels.grid.size != size {
      throw VolumeError(name, "labels have size \(labels.grid.size.text); the image has \(size.text)")
    }
    self.name = name
    self.size = size
    spacingInMillimetres = first.grid.spacingInMillimetres
    self.channels = channels.map { StoredVoxels($0.voxels) }
    minima = channels.map { $0.voxels.reduce(.infinity) { $1 < $0 ? $1 : $0 } }
    let voxels = labels?.voxels ?? []
    self.labels = StoredVoxels(voxels)
    classVoxels = ClassVoxelIndex(
      labels: voxels, seed: indexSeed, maximumVoxelsPerClass: maximumIndexedVoxelsPerClass)
  }

  /// Bytes of the channels and the labels.
  public var byteCount: Int { 4 * (channels.reduce(0) { $0 + $1.count } + labels.count) }

  /// The x, y, z of a linear voxel index.
  func position(ofVoxel index: Int) -> SIMD3<Int> {
    SIMD3(index % size.x, index / size.x % size.y, index / (size.x * size.y))
  }
}

extension SIMD3 where Scalar == Int {
  /// "64×64×48", as messages write sizes.
  var text: String { "\(x)×\(y)×\(z)" }
}
