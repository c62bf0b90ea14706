/// An image as read: its header, where it lies, and its channels in the file's own axes.
public struct NiftiImage: Sendable {
  public var path: String
  public var header: NiftiHeader
  public var geometry: NiftiGeometry
  /// One volume for each of dim[4], all on one grid.
  public var channels: [Volume]
  /// Oddities that were read over, one line each.
  public var warnings: [String]

  public var grid: VolumeGrid { channels[0].grid }

  /// The only channel.
  /// - Throws: `VolumeError` where the file holds several.
  public var volume: Volume {
    get throws(VolumeError) {
      guard channels.count == 1 else {
        throw VolumeError(path, "holds \(channels.count) channels, expected one volume")
      }
      return channels[0]
    }
  }
}

/// A label map as read, with the header of its file.
public struct NiftiLabels: Sendable {
  public var path: String
  public var header: NiftiHeader
  public var geometry: NiftiGeometry
  public var labels: LabelVolume
  public var warnings: [String]
}
