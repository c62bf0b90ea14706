/// What a file's header says; no voxel is read.
public struct NiftiSummary: Sendable, Equatable {
  public var channelCount: Int
  /// Such as `uint8`.
  public var datatype: String
  /// Such as "LAS".
  public var orientation: String

  /// - Throws: `VolumeError` where the header is not sound.
  public init(of path: String) throws(VolumeError) {
    let opened = try NiftiFile.open(path)
    channelCount = opened.header.channelCount
    datatype = opened.header.datatype.name
    orientation = Orientation(of: opened.geometry.affine).description
  }
}
