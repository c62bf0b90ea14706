internal import CNifti

extension NiftiHeader {
  /// Parses and validates the first bytes of a file, before anything is allocated for its voxels.
  ///
  /// - Parameter bytes: the file's first 540 bytes, or fewer where it is shorter.
  /// - Throws: `VolumeError` naming the field, what was found and what was expected.
  init(parsing bytes: [UInt8], path: String) throws(VolumeError) {
    guard !bytes.isEmpty else { throw VolumeError(path, "the file is empty; expected a NIfTI header") }
    guard bytes.count >= 4 else {
      throw VolumeError(path, "holds \(bytes.count) bytes; a NIfTI-1 header has 348")
    }
    let headerSize = bytes.withUnsafeBytes { $0.loadUnaligned(as: Int32.self) }
    switch headerSize {
    case 348: try self.init(nifti1: bytes, isByteSwapped: false, path: path)
    case Int32(348).byteSwapped: try self.init(nifti1: bytes, isByteSwapped: true, path: path)
    case 540: try self.init(nifti2: bytes, isByteSwapped: false, path: path)
    case Int32(540).byteSwapped: try self.init(nifti2: bytes, isByteSwapped: true, path: path)
    default:
      let start = bytes.prefix(20)
      let isText = start.prefix(4).allSatisfy { (0x20...0x7E).contains($0) }
      throw VolumeError(
        path,
        "is not NIfTI: sizeof_hdr is \(headerSize), expected 348 or 540"
          + (isText ? " (the file starts as text: \"\(Self.printable(start))\")" : ""))
    }
  }

  private init(nifti1 bytes: [UInt8], isByteSwapped: Bool, path: String) throws(VolumeError) {
    var h = nifti_1_header()
    try Self.fill(&h, from: bytes, path: path)
    if isByteSwapped { nifti_swap_as_nifti1(&h) }

    let magic = elements(of: h.magic, as: UInt8.self)
    guard magic == Array("n+1\0".utf8) || magic == Array("ni1\0".utf8) else {
      throw VolumeError(path, Self.badMagic(magic, expected: "\"n+1\" or \"ni1\""))
    }
    self.init(
      version: 1, isByteSwapped: isByteSwapped, isSingleFile: magic[1] == UInt8(ascii: "+"),
      datatype: try Self.datatype(code: Int(h.datatype), path: path))
    dimensions = try Self.dimensions(elements(of: h.dim, as: Int16.self).map { Int($0) }, path: path)
    bitsPerVoxel = Int(h.bitpix)
    voxelOffsetInBytes = try Self.voxelOffset(
      Double(h.vox_offset), isSingleFile: isSingleFile, headerBytes: 348, path: path)
    slope = Double(h.scl_slope)
    intercept = Double(h.scl_inter)
    qformCode = Int(h.qform_code)
    sformCode = Int(h.sform_code)
    pixdim = elements(of: h.pixdim, as: Float.self).map { Double($0) }
    quaternion = SIMD3(Double(h.quatern_b), Double(h.quatern_c), Double(h.quatern_d))
    qoffset = SIMD3(Double(h.qoffset_x), Double(h.qoffset_y), Double(h.qoffset_z))
    srows = [h.srow_x, h.srow_y, h.srow_z].map {
      SIMD4(Double($0.0), Double($0.1), Double($0.2), Double($0.3))
    }
    xyztUnits = Int(UInt8(bitPattern: h.xyzt_units))
    dimInfo = UInt8(bitPattern: h.dim_info)
    try validateScaling(path: path)
  }

  private init(nifti2 bytes: [UInt8], isByteSwapped: Bool, path: String) throws(VolumeError) {
    var h = nifti_2_header()
    try Self.fill(&h, from: bytes, path: path)
    if isByteSwapped { nifti_swap_as_nifti2(&h) }

    // The four bytes after the name are line ends that a transfer in text mode would have changed.
    let magic = elements(of: h.magic, as: UInt8.self)
    let tail: [UInt8] = [0x0D, 0x0A, 0x1A, 0x0A]
    guard magic == Array("n+2\0".utf8) + tail || magic == Array("ni2\0".utf8) + tail else {
      throw VolumeError(path, Self.badMagic(magic, expected: "\"n+2\" or \"ni2\" and 0D 0A 1A 0A"))
    }
    self.init(
      version: 2, isByteSwapped: isByteSwapped, isSingleFile: magic[1] == UInt8(ascii: "+"),
      datatype: try Self.datatype(code: Int(h.datatype), path: path))
    dimensions = try Self.dimensions(elements(of: h.dim, as: Int64.self).map { Int($0) }, path: path)
    bitsPerVoxel = Int(h.bitpix)
    voxelOffsetInBytes = try Self.voxelOffset(
      Double(h.vox_offset), isSingleFile: isSingleFile, headerBytes: 540, path: path)
    slope = h.scl_slope
    intercept = h.scl_inter
    qformCode = Int(h.qform_code)
    sformCode = Int(h.sform_code)
    pixdim = elements(of: h.pixdim, as: Double.self)
    quaternion = SIMD3(h.quatern_b, h.quatern_c, h.quatern_d)
    qoffset = SIMD3(h.qoffset_x, h.qoffset_y, h.qoffset_z)
    srows = [h.srow_x, h.srow_y, h.srow_z].map { SIMD4($0.0, $0.1, $0.2, $0.3) }
    xyztUnits = Int(h.xyzt_units)
    dimInfo = UInt8(bitPattern: h.dim_info)
    try validateScaling(path: path)
  }

  private static func fill<H>(_ header: inout H, from bytes: [UInt8], path: String) throws(VolumeError) {
    let size = MemoryLayout<H>.size
    guard bytes.count >= size else {
      throw VolumeError(path, "holds \(bytes.count) bytes; its header says \(size) for the header alone")
    }
    withUnsafeMutableBytes(of: &header) { $0.copyBytes(from: bytes.prefix(size)) }
  }

  private static func badMagic(_ magic: [UInt8], expected: String) -> String {
    if magic.allSatisfy({ $0 == 0 }) {
      return "has no NIfTI magic (an ANALYZE 7.5 file says nothing of orientation); expected \(expected)"
    }
    return "magic is \"\(printable(magic))\", expected \(expected)"
  }

  /// Bytes for an error message, on one line whatever they are.
  private static func printable(_ bytes: some Sequence<UInt8>) -> String {
    bytes.map { (0x20...0x7E).contains($0) ? String(UnicodeScalar($0)) : "\\\($0)" }.joined()
  }
}

/// The elements of a C array, which Swift imports as a tuple.
func elements<Tuple, Element: BitwiseCopyable>(of tuple: Tuple, as: Element.Type) -> [Element] {
  withUnsafeBytes(of: tuple) { Array($0.bindMemory(to: Element.self)) }
}
