import Testing

@testable import Volumes

/// Lengths become millimetres once, at reading; from then on spacing is the norms of the affine's columns.
@Suite("Units and spacing")
struct UnitTests {
  static let grid = VolumeGrid(size: SIMD3(6, 5, 4), affine: obliqueAffine)
  /// Codes of xyzt_units with their length in millimetres; 0 is unknown.
  static let units: [(code: Int, inMillimetres: Double)] = [(0, 1), (1, 1000), (2, 1), (3, 0.001)]

  /// The grid's header in another unit.
  private func header(_ unit: (code: Int, inMillimetres: Double)) -> NiftiHeader {
    var header = NiftiHeader(grid: Self.grid)
    for axis in 1...3 { header.pixdim[axis] /= unit.inMillimetres }
    header.qoffset /= unit.inMillimetres
    header.srows = header.srows.map { $0 / unit.inMillimetres }
    header.xyztUnits = unit.code + 8
    return header
  }

  @Test(arguments: [(1, 1), (1, 0), (0, 1)])
  func lengthsBecomeMillimetresOnce(qform: Int, sform: Int) throws {
    let labels = LabelVolume(grid: Self.grid, voxels: (0..<Self.grid.count).map { Int32($0 % 3) })
    for unit in Self.units {
      try withTemporaryFolder { (folder) throws in
        let path = folder.appending(path: "l.nii").path
        var template = header(unit)
        (template.qformCode, template.sformCode) = (qform, sform)
        try NiftiFile.writeLabels(labels, like: template, to: path)
        let read = try NiftiFile.readLabels(path)
        try Self.grid.requireAgreement(of: read.labels.grid, path: "unit \(unit.code)", with: "mm", tolerance: 1e-4)
        // What is computed there goes into a file of the same unit, and comes back.
        let again = folder.appending(path: "again.nii").path
        try NiftiFile.writeLabels(read.labels, like: read.header, to: again)
        let twice = try NiftiFile.readLabels(again)
        #expect(twice.header == read.header && twice.header.xyztUnits == unit.code + 8)
        #expect(twice.labels.grid == read.labels.grid)
        let ratio = twice.header.pixdim[3] * unit.inMillimetres / 3.5
        #expect(abs(ratio - 1) < 1e-6, "stored in its own unit")
        // 4 voxels of 3.5 mm are 14 of 1 mm, whatever the unit.
        #expect(try read.labels.grid.resampled(toSpacing: SIMD3(1, 0.9, 1)).size == SIMD3(5, 6, 14))
      }
    }
  }

  @Test func spacingAloneIsConvertedToo() throws {
    for unit in Self.units {
      var header = header(unit)
      (header.qformCode, header.sformCode) = (0, 0)
      let spacing = try NiftiGeometry(header, path: "x").affine.columnNorms
      for axis in 0..<3 { #expect(abs(spacing[axis] - [0.8, 1.1, 3.5][axis]) < 1e-12) }
    }
  }

  /// A pixdim that says something else has no say, and axes keep their order.
  @Test func spacingIsTheAffinesAndNotPixdims() throws {
    try withTemporaryFolder { (folder) throws in
      let path = folder.appending(path: "v.nii").path
      var header = NiftiHeader(grid: Self.grid)
      header.qformCode = 0
      for axis in 1...3 { header.pixdim[axis] = 9 }
      try NiftiFile.write(sampleVolume(Self.grid.size), like: header, to: path)
      let volume = try NiftiFile.read(path).volume
      for (axis, length) in [0.8, 1.1, 3.5].enumerated() {
        #expect(abs(volume.grid.spacingInMillimetres[axis] - length) < 1e-6)
      }
      #expect(try volume.resampled(toSpacing: SIMD3(0.4, 0.55, 1.75)).grid.size == SIMD3(12, 10, 8))
    }
  }
}
