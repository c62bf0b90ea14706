import Volumes

/// A case as its files hold it, reoriented to RAS+: channels, and labels as class indices.
public struct RASCase: Sendable {
  public var name: String
  public var channels: [Volume]
  public var labels: LabelVolume
  public var warnings: [String]
}

/// A case's image in the axes of its file.
public struct StoredChannels: Sendable {
  public var channels: [Volume]
  /// Of the first file: the template of what is written for this case.
  public var header: NiftiHeader
  public var warnings: [String]
}

extension CaseFiles {
  /// The channels in the file's own axes, as many as expected, all on one grid.
  /// - Throws: `VolumeError` naming the file that does not fit.
  public func readChannels(_ expected: Int) throws(VolumeError) -> StoredChannels {
    var channels: [Volume] = []
    var warnings: [String] = []
    var header: NiftiHeader?
    for path in images {
      let image = try NiftiFile.read(path)
      for channel in image.channels {
        if let first = channels.first {
          try first.grid.requireAgreement(of: channel.grid, path: path, with: images[0])
        }
        channels.append(channel)
      }
      warnings += image.warnings.map { "\(path): \($0)" }
      header = header ?? image.header
    }
    guard channels.count == expected, let header else {
      throw VolumeError(
        images[0], "case \(name) has \(channels.count) channels, expected \(expected) as data.channels says")
    }
    return StoredChannels(channels: channels, header: header, warnings: warnings)
  }

  /// Reads image and label, checks that they lie on the same voxels, reorients both and maps the ids.
  /// - Throws: `VolumeError` naming the file and what is wrong with it.
  public func read(channels expected: Int, classes: ClassMap) throws(VolumeError) -> RASCase {
    let stored = try readChannels(expected)
    let channels = stored.channels
    let map = try NiftiFile.readLabels(label, allowingNegativeIds: (classes.ignore ?? 0) < 0)
    try channels[0].grid.requireAgreement(of: map.labels.grid, path: label, with: images[0])
    let reorientation = Reorientation(toRAS: channels[0].grid)
    var labels = LabelVolume(grid: reorientation.targetGrid, voxels: reorientation(map.labels.voxels))
    try classes.toIndices(&labels.voxels, path: label)
    return RASCase(
      name: name,
      channels: channels.map { Volume(grid: reorientation.targetGrid, voxels: reorientation($0.voxels)) },
      labels: labels, warnings: stored.warnings + map.warnings.map { "\(label): \($0)" })
  }
}
