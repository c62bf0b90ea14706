extension NiftiFile {
  /// Writes a label map in the smallest unsigned type, slope 1, intercept 0.
  ///
  /// qform, sform, both codes, units and pixdim are the template's, bit for bit, and so is the NIfTI version.
  /// The name says whether one file or a pair is written, and whether gzip.
  ///
  /// - Parameters:
  ///   - labels: class ids on the template's grid, in its axes.
  ///   - template: the header of the image that was segmented, as read.
  /// - Throws: `VolumeError` where sizes differ, an id is negative, or the disk refuses (nothing is left
  /// then).
  public static func writeLabels(
    _ labels: LabelVolume, like template: NiftiHeader, to path: String
  ) throws(VolumeError) {
    if let index = labels.voxels.firstIndex(where: { $0 < 0 }) {
      throw VolumeError(
        path,
        "label \(labels.voxels[index]) at \(position(index, in: labels.grid.size)) is negative; written "
          + "labels are unsigned")
    }
    let datatype = NiftiDatatype.smallestUnsigned(holding: labels.voxels.max() ?? 0)
    let header = try outputHeader(template, size: labels.grid.size, datatype: datatype, path: path)
    switch datatype {
    case .uint8: try write(labels.voxels.map { UInt8($0) }, header: header, to: path)
    case .uint16: try write(labels.voxels.map { UInt16($0) }, header: header, to: path)
    default: try write(labels.voxels, header: header, to: path)
    }
  }

  /// Writes a volume as float32 with the template's geometry, as `writeLabels` does.
  public static func write(
    _ volume: Volume, like template: NiftiHeader, to path: String
  ) throws(VolumeError) {
    let header = try outputHeader(template, size: volume.grid.size, datatype: .float32, path: path)
    try write(volume.voxels, header: header, to: path)
  }

  /// Writes a volume that comes from no file; see `NiftiHeader.init(grid:datatype:)`.
  public static func write(_ volume: Volume, to path: String) throws(VolumeError) {
    try write(volume, like: NiftiHeader(grid: volume.grid), to: path)
  }

  /// Writes a label map that comes from no file; see `NiftiHeader.init(grid:datatype:)`.
  public static func writeLabels(_ labels: LabelVolume, to path: String) throws(VolumeError) {
    try writeLabels(labels, like: NiftiHeader(grid: labels.grid), to: path)
  }

  private static func outputHeader(
    _ template: NiftiHeader, size: SIMD3<Int>, datatype: NiftiDatatype, path: String
  ) throws(VolumeError) -> NiftiHeader {
    guard template.size == size else {
      throw VolumeError(
        path,
        "\(size.x)×\(size.y)×\(size.z) voxels do not fit the header to be copied, which says "
          + "\(template.size.x)×\(template.size.y)×\(template.size.z)")
    }
    var header = template
    header.isByteSwapped = false
    header.dimensions = [size.x, size.y, size.z]
    header.datatype = datatype
    header.bitsPerVoxel = 8 * datatype.bytesPerVoxel
    header.slope = 1
    header.intercept = 0
    let isPair = try NiftiPaths(writing: path).isPair
    header.isSingleFile = !isPair
    header.voxelOffsetInBytes = isPair ? 0 : header.version == 1 ? 352 : 544
    return header
  }

  private static func write<Element: BitwiseCopyable>(
    _ voxels: [Element], header: NiftiHeader, to path: String
  ) throws(VolumeError) {
    let paths = try NiftiPaths(writing: path)
    let headerBytes = try header.encoded(path: paths.header)
    // Bytes of arrays outlive the closure only as long as the arrays: all writing happens inside.
    let outcome: Result<Void, VolumeError> = headerBytes.withUnsafeBytes { headerPart in
      voxels.withUnsafeBytes { voxelPart in
        do throws(VolumeError) {
          if paths.isPair {
            var first = try AtomicFile(paths.voxels)
            var second = try AtomicFile(paths.header)
            try first.write([voxelPart])
            try second.write([headerPart])
            try first.publish()
            try second.publish()
          } else {
            var file = try AtomicFile(paths.header)
            try file.write([headerPart, voxelPart])
            try file.publish()
          }
          return .success(())
        } catch {
          return .failure(error)
        }
      }
    }
    try outcome.get()
  }
}
