import Volumes

/// A case as its files hold it, reoriented to RAS+: channels, and labels as class indices.
public struct RASCase: Sendable {
  public var name: String
  public var channels: [Volume]
  public var labels: LabelVolume
  public var warnings: [String]
}

/// A case's image in the axes of its first file.
public struct StoredChannels: Sendable {
  /// All on the first file's grid.
  public var channels: [Volume]
  /// Of the first file: the template of what is written for this case.
  public var header: NiftiHeader
  public var warnings: [String]

  /// Reads one file a channel, or one file with all of them.
  ///
  /// - Parameter resampling: files on grids of their own are brought onto the first one's through the affines:
  ///   linearly, and beyond their box each channel's own minimum (air in a CT, 0 in a PET or MR scan).
  /// - Throws: `VolumeError` naming the file that does not fit.
  public init(_ files: [String], resampling: Bool) throws(VolumeError) {
    let first = try NiftiFile.read(files[0])
    channels = first.channels
    header = first.header
    warnings = first.warnings.map { "\(files[0]): \($0)" }
    let grid = first.channels[0].grid
    for path in files.dropFirst() {
      let image = try NiftiFile.read(path)
      warnings += image.warnings.map { "\(path): \($0)" }
      do {
        try grid.requireAgreement(of: image.grid, path: path, with: files[0])
        // One grid for all: affines that agree within rounding are the first one's.
        channels += image.channels.map { Volume(grid: grid, voxels: $0.voxels) }
      } catch {
        guard resampling else {
          throw VolumeError(path, error.problem + "; \"resampleChannels\": true in data brings channels together")
        }
        channels += image.channels.map { $0.resampledInWorld(onto: grid, outside: $0.voxels.min() ?? 0) }
      }
    }
  }
}

extension CaseFiles {
  /// The channels in the first file's own axes, as many as expected, all on its grid.
  /// - Throws: `VolumeError` naming the file that does not fit.
  public func readChannels(_ expected: Int) throws(VolumeError) -> StoredChannels {
    let stored = try StoredChannels(images, resampling: resamplesChannels)
    guard stored.channels.count == expected else {
      throw VolumeError(
        images[0], "case \(name) has \(stored.channels.count) channels, expected \(expected) as data.channels says")
    }
    return stored
  }

  /// The labels as class indices on the first channel's grid.
  ///
  /// Where channels are resampled, labels on a grid of their own are, too: the nearest voxel's; beyond their box
  /// nothing is known, and `ignoreLabel` stands.
  /// - Throws: `VolumeError` naming the file and what is wrong with it.
  public func readLabels(
    onto grid: VolumeGrid, classes: ClassMap
  ) throws(VolumeError) -> (labels: LabelVolume, warnings: [String]) {
    let map = try NiftiFile.readLabels(label, allowingNegativeIds: (classes.ignore ?? 0) < 0)
    var labels = map.labels
    try classes.toIndices(&labels.voxels, path: label)
    do {
      try grid.requireAgreement(of: labels.grid, path: label, with: images[0])
      labels.grid = grid
    } catch {
      guard resamplesChannels else { throw error }
      labels = labels.resampledInWorld(onto: grid, outside: ignoreLabel)
    }
    return (labels, map.warnings.map { "\(label): \($0)" })
  }

  /// Reads image and label, checks that they lie on the same voxels, reorients both and maps the ids.
  /// - Throws: `VolumeError` naming the file and what is wrong with it.
  public func read(channels expected: Int, classes: ClassMap) throws(VolumeError) -> RASCase {
    let stored = try readChannels(expected)
    let reorientation = Reorientation(toRAS: stored.channels[0].grid)
    let (labels, warnings) = try readLabels(onto: stored.channels[0].grid, classes: classes)
    return RASCase(
      name: name, channels: stored.channels.map { reorientation($0) }, labels: reorientation(labels),
      warnings: stored.warnings + warnings)
  }
}
