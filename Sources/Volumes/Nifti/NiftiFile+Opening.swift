import Glibc

/// A file whose header was found sound, standing before its first voxel.
struct OpenedNifti: ~Copyable {
  let path: String
  let header: NiftiHeader
  let geometry: NiftiGeometry
  let warnings: [String]
  private var reader: CompressedReader

  init(
    path: String, header: NiftiHeader, geometry: NiftiGeometry, warnings: [String],
    reader: consuming CompressedReader
  ) {
    self.path = path
    self.header = header
    self.geometry = geometry
    self.warnings = warnings
    self.reader = reader
  }

  var grid: VolumeGrid { VolumeGrid(size: header.size, affine: geometry.affine) }

  /// Hands the next `count` stored voxels over in chunks, with the range of voxel indices of each.
  mutating func forEachChunk(
    of count: Int, _ body: (UnsafeRawBufferPointer, Range<Int>) throws(VolumeError) -> Void
  ) throws(VolumeError) {
    let width = header.datatype.bytesPerVoxel
    let perChunk = VoxelDecoding.chunkInBytes / width
    let buffer = UnsafeMutableRawBufferPointer.allocate(
      byteCount: min(count, perChunk) * width, alignment: 16)
    defer { buffer.deallocate() }
    var done = 0
    while done < count {
      let n = min(perChunk, count - done)
      let part = UnsafeMutableRawBufferPointer(rebasing: buffer[0..<n * width])
      let got = try reader.read(into: part)
      guard got == part.count else {
        throw VolumeError(
          path, "the data end \(done + got / width) voxels after the header, expected \(count)")
      }
      try body(UnsafeRawBufferPointer(part), done..<done + n)
      done += n
    }
  }

  /// To be called after the last voxel: only the end of a gzip stream says whether the data were intact.
  mutating func finish() throws(VolumeError) { try reader.verifyEnd() }
}

extension NiftiFile {
  static func open(_ path: String) throws(VolumeError) -> OpenedNifti {
    let paths = try NiftiPaths(reading: path) { access($0, F_OK) == 0 }
    var reader = try CompressedReader(paths.header)
    let bytes = try reader.prefix(540)
    let header = try NiftiHeader(parsing: bytes, path: paths.header)
    guard header.isSingleFile != paths.isPair else {
      throw VolumeError(
        paths.header,
        header.isSingleFile
          ? "its magic says that header and voxels share one file, but its name is one of a pair"
          : "its magic says that the voxels are in an .img file, but its name is that of a single file")
    }
    let geometry = try NiftiGeometry(header, path: paths.header)
    var warnings = geometry.warnings
    if header.bitsPerVoxel != 8 * header.datatype.bytesPerVoxel {
      warnings.append("bitpix is \(header.bitsPerVoxel), but \(header.datatype.name) is what is read")
    }
    if paths.isPair {
      reader = try CompressedReader(paths.voxels)
      // zlib looks at the content only when it is asked: afterwards `isCompressed` is known.
      _ = reader.isCompressed
      try checkLength(reader, header, path: paths.voxels)
      try reader.skip(header.voxelOffsetInBytes)
    } else {
      try checkLength(reader, header, path: paths.voxels)
      reader = try CompressedReader(paths.voxels)
      try reader.skip(header.voxelOffsetInBytes)
    }
    return OpenedNifti(
      path: paths.voxels, header: header, geometry: geometry, warnings: warnings, reader: reader)
  }

  private static func checkLength(
    _ reader: borrowing CompressedReader, _ header: NiftiHeader, path: String
  ) throws(VolumeError) {
    // Cannot overflow: the parser bounds the product of extents × 8.
    let data = header.size.x * header.size.y * header.size.z * header.channelCount
      * header.datatype.bytesPerVoxel
    let (needed, overflow) = data.addingReportingOverflow(header.voxelOffsetInBytes)
    guard !overflow, needed <= reader.largestContentInBytes else {
      let shape = header.dimensions.map { String($0) }.joined(separator: "×")
      throw VolumeError(
        path,
        "is \(reader.fileSizeInBytes) bytes\(reader.isCompressed ? " of gzip" : ""), too short for "
          + "\(shape) voxels of \(header.datatype.name) from byte \(header.voxelOffsetInBytes) on")
    }
  }
}
