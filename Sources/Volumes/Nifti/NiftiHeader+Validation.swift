extension NiftiHeader {
  /// dim[0…7] → the used extents, without trailing ones beyond the third.
  static func dimensions(_ dim: [Int], path: String) throws(VolumeError) -> [Int] {
    guard (1...7).contains(dim[0]) else {
      throw VolumeError(path, "dim[0] is \(dim[0]), expected 1 to 7 axes")
    }
    var extents = Array(dim[1...dim[0]])
    for (axis, extent) in extents.enumerated() where extent < 1 {
      throw VolumeError(path, "dim[\(axis + 1)] is \(extent), expected at least 1")
    }
    while extents.count > 3, extents.last == 1 { extents.removeLast() }
    guard extents.count <= 4 else {
      let shape = extents.map { String($0) }.joined(separator: "×")
      throw VolumeError(
        path, "has \(extents.count) axes (\(shape)), expected a volume or channels of volumes")
    }
    // 8 bytes a voxel is the widest type: later products of extents and bytes cannot overflow.
    var bytes = 8
    for extent in extents {
      let (product, overflow) = bytes.multipliedReportingOverflow(by: extent)
      guard !overflow else {
        let shape = extents.map { String($0) }.joined(separator: "×")
        throw VolumeError(path, "dim says \(shape) voxels, more than 64 bits can address")
      }
      bytes = product
    }
    return extents
  }

  static func datatype(code: Int, path: String) throws(VolumeError) -> NiftiDatatype {
    guard let datatype = NiftiDatatype(rawValue: code) else {
      throw VolumeError(
        path,
        "datatype is \(NiftiDatatype.describe(code: code)); expected integers of 8 to 64 bits, "
          + "float32 or float64")
    }
    return datatype
  }

  /// vox_offset as bytes. 0 in a single file is written by old tools and means "right after the header".
  static func voxelOffset(
    _ offset: Double, isSingleFile: Bool, headerBytes: Int, path: String
  ) throws(VolumeError) -> Int {
    // 2⁵³: where Double stops counting bytes one by one, and far beyond any file.
    guard offset.isFinite, offset >= 0, offset < 0x1p53, offset == offset.rounded(.towardZero) else {
      throw VolumeError(path, "vox_offset is \(offset), expected a whole number of bytes")
    }
    let minimum = isSingleFile ? headerBytes + 4 : 0
    if isSingleFile && offset == 0 { return minimum }
    guard Int(offset) >= minimum else {
      throw VolumeError(path, "vox_offset is \(Int(offset)), inside the header; expected \(minimum) or more")
    }
    return Int(offset)
  }

  func validateScaling(path: String) throws(VolumeError) {
    guard !slope.isInfinite else {
      throw VolumeError(path, "scl_slope is \(slope), expected a finite number")
    }
    guard slope.isNaN || slope == 0 || intercept.isFinite else {
      throw VolumeError(path, "scl_inter is \(intercept) with slope \(slope), expected a finite number")
    }
  }
}
