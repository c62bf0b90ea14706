/// Reads and writes NIfTI-1 and NIfTI-2, single files and pairs, plain and gzip.
///
/// Headers, byte order, quaternions and types are libnifti's; the order of steps is ours: a header is
/// validated and held against the file's length before memory is taken, and every byte asked for must be
/// there. (libnifti's own reader prints, fills missing data with zeros, and misses a wrong checksum.)
public enum NiftiFile {
  /// Whether a name is one that `read` takes.
  public static func accepts(_ path: String) -> Bool { NiftiPaths.accepts(path) }

  /// Reads an image in its file's axes; values are slope · stored + intercept, lengths are millimetres.
  ///
  /// - Throws: `VolumeError` where the file is no readable NIfTI, or a voxel is NaN, infinite or beyond
  /// float32.
  public static func read(_ path: String) throws(VolumeError) -> NiftiImage {
    var opened = try open(path)
    let grid = opened.grid
    let header = opened.header
    var channels: [Volume] = []
    for channel in 0..<header.channelCount {
      var voxels = [Float](repeating: 0, count: grid.count)
      try voxels.withUnsafeMutableBufferPointer { out throws(VolumeError) in
        try opened.forEachChunk(of: grid.count) { (raw, range) throws(VolumeError) in
          VoxelDecoding.floats(
            raw, header: header, into: UnsafeMutableBufferPointer(rebasing: out[range]))
        }
      }
      if let (index, count) = nonFinite(voxels) {
        throw VolumeError(
          path,
          "\(count) of \(voxels.count) voxels are NaN, infinite or beyond float32; the first is at "
            + "\(position(index, in: grid.size))" + (header.channelCount > 1 ? " of channel \(channel)" : ""))
      }
      channels.append(Volume(grid: grid, voxels: voxels))
    }
    try opened.finish()
    return NiftiImage(
      path: path, header: header, geometry: opened.geometry, channels: channels, warnings: opened.warnings)
  }

  /// Reads a label map exactly: integers of any stored type, also as floats or scaled.
  ///
  /// - Parameter allowingNegativeIds: where the recipe names a negative id as "ignore".
  /// - Throws: `VolumeError` naming the first voxel whose value is no class id.
  public static func readLabels(
    _ path: String, allowingNegativeIds: Bool = false
  ) throws(VolumeError) -> NiftiLabels {
    var opened = try open(path)
    let grid = opened.grid
    let header = opened.header
    guard header.channelCount == 1 else {
      throw VolumeError(
        path, "holds \(header.channelCount) channels, expected one label map of class ids (not one-hot)")
    }
    var voxels = [Int32](repeating: 0, count: grid.count)
    try voxels.withUnsafeMutableBufferPointer { out throws(VolumeError) in
      try opened.forEachChunk(of: grid.count) { (raw, range) throws(VolumeError) in
        let part = UnsafeMutableBufferPointer(rebasing: out[range])
        if let wrong = VoxelDecoding.identifiers(raw, header: header, into: part) {
          throw VolumeError(
            path,
            "label \(wrong.found) at \(position(range.lowerBound + wrong.index, in: grid.size)) is no class "
              + "id; expected whole numbers below 2³¹")
        }
        if !allowingNegativeIds, let index = part.firstIndex(where: { $0 < 0 }) {
          throw VolumeError(
            path,
            "label \(part[index]) at \(position(range.lowerBound + index, in: grid.size)) is negative; only "
              + "a recipe's ignore id may be")
        }
      }
    }
    try opened.finish()
    return NiftiLabels(
      path: path, header: header, geometry: opened.geometry,
      labels: LabelVolume(grid: grid, voxels: voxels), warnings: opened.warnings)
  }

  /// Header and place in the patient, without the voxels; checks that the file is long enough where that
  /// costs no inflating.
  public static func readHeader(_ path: String) throws(VolumeError) -> (NiftiHeader, NiftiGeometry) {
    let opened = try open(path)
    return (opened.header, opened.geometry)
  }

  private static func nonFinite(_ voxels: [Float]) -> (first: Int, count: Int)? {
    voxels.withUnsafeBufferPointer { v in
      var count = 0
      for i in v.indices { count += v[i].isFinite ? 0 : 1 }
      guard count > 0, let first = v.firstIndex(where: { !$0.isFinite }) else { return nil }
      return (first, count)
    }
  }

  /// A voxel as "(i, j, k)", counted from 0 in the file's axes.
  static func position(_ index: Int, in size: SIMD3<Int>) -> String {
    "(\(index % size.x), \(index / size.x % size.y), \(index / (size.x * size.y)))"
  }
}
