internal import CNifti

extension NiftiHeader {
  /// The header's bytes in this machine's order, with the four bytes that say "no extension".
  func encoded(path: String) throws(VolumeError) -> [UInt8] {
    version == 1 ? try encodedAsNifti1(path: path) : encodedAsNifti2()
  }

  private func encodedAsNifti1(path: String) throws(VolumeError) -> [UInt8] {
    if let tooLong = dimensions.first(where: { $0 > Int(Int16.max) }) {
      throw VolumeError(path, "an extent of \(tooLong) voxels does not fit NIfTI-1 (at most 32767)")
    }
    var h = nifti_1_header()
    h.sizeof_hdr = 348
    h.regular = CChar(bitPattern: UInt8(ascii: "r"))
    h.dim_info = CChar(bitPattern: dimInfo)
    store(storedDimensions.map { Int16($0) }, in: &h.dim)
    h.datatype = Int16(datatype.rawValue)
    h.bitpix = Int16(8 * datatype.bytesPerVoxel)
    store(pixdim.map { Float($0) }, in: &h.pixdim)
    h.vox_offset = Float(voxelOffsetInBytes)
    h.scl_slope = Float(slope)
    h.scl_inter = Float(intercept)
    h.xyzt_units = CChar(truncatingIfNeeded: xyztUnits)
    store(Array("VoxCL".utf8), in: &h.descrip)
    h.qform_code = Int16(truncatingIfNeeded: qformCode)
    h.sform_code = Int16(truncatingIfNeeded: sformCode)
    h.quatern_b = Float(quaternion.x)
    h.quatern_c = Float(quaternion.y)
    h.quatern_d = Float(quaternion.z)
    h.qoffset_x = Float(qoffset.x)
    h.qoffset_y = Float(qoffset.y)
    h.qoffset_z = Float(qoffset.z)
    store(floats(srows[0]), in: &h.srow_x)
    store(floats(srows[1]), in: &h.srow_y)
    store(floats(srows[2]), in: &h.srow_z)
    store(Array((isSingleFile ? "n+1\0" : "ni1\0").utf8), in: &h.magic)
    return withUnsafeBytes(of: h) { Array($0) } + [0, 0, 0, 0]
  }

  private func encodedAsNifti2() -> [UInt8] {
    var h = nifti_2_header()
    h.sizeof_hdr = 540
    store(Array((isSingleFile ? "n+2\0\r\n" : "ni2\0\r\n").utf8) + [0x1A, 0x0A], in: &h.magic)
    h.datatype = Int16(datatype.rawValue)
    h.bitpix = Int16(8 * datatype.bytesPerVoxel)
    store(storedDimensions.map { Int64($0) }, in: &h.dim)
    store(pixdim, in: &h.pixdim)
    h.vox_offset = Int64(voxelOffsetInBytes)
    h.scl_slope = slope
    h.scl_inter = intercept
    store(Array("VoxCL".utf8), in: &h.descrip)
    h.qform_code = Int32(truncatingIfNeeded: qformCode)
    h.sform_code = Int32(truncatingIfNeeded: sformCode)
    h.quatern_b = quaternion.x
    h.quatern_c = quaternion.y
    h.quatern_d = quaternion.z
    h.qoffset_x = qoffset.x
    h.qoffset_y = qoffset.y
    h.qoffset_z = qoffset.z
    store(doubles(srows[0]), in: &h.srow_x)
    store(doubles(srows[1]), in: &h.srow_y)
    store(doubles(srows[2]), in: &h.srow_z)
    h.xyzt_units = Int32(truncatingIfNeeded: xyztUnits)
    h.dim_info = CChar(bitPattern: dimInfo)
    return withUnsafeBytes(of: h) { Array($0) } + [0, 0, 0, 0]
  }

  /// dim[0…7]: the number of axes, the extents, ones.
  private var storedDimensions: [Int] {
    [dimensions.count] + dimensions + Array(repeating: 1, count: 7 - dimensions.count)
  }

  private func floats(_ row: SIMD4<Double>) -> [Float] { (0..<4).map { Float(row[$0]) } }
  private func doubles(_ row: SIMD4<Double>) -> [Double] { (0..<4).map { row[$0] } }

  /// Copies elements into a C array, which Swift imports as a tuple; the rest stays zero.
  private func store<Element: BitwiseCopyable, Tuple>(_ values: [Element], in tuple: inout Tuple) {
    withUnsafeMutableBytes(of: &tuple) { target in
      values.withUnsafeBytes { target.copyBytes(from: $0.prefix(target.count)) }
    }
  }
}
