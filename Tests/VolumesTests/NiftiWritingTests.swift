import FoundationEssentials
import Glibc
import Testing

@testable import Volumes

@Suite("NIfTI writing")
struct NiftiWritingTests {
  static func labels(_ grid: VolumeGrid, maximum: Int32) -> LabelVolume {
    LabelVolume(grid: grid, voxels: (0..<grid.count).map { Int32($0 * 7919) % (maximum + 1) })
  }

  static let grid = VolumeGrid(size: SIMD3(7, 5, 4), affine: obliqueAffine)

  /// A header with every geometry field at an odd value.
  static func oddHeader(version: Int) -> NiftiHeader {
    var header = NiftiHeader(grid: grid)
    header.version = version
    header.voxelOffsetInBytes = version == 1 ? 352 : 544
    header.pixdim = [-1, 0.25, 0.5, 0.75, 2.5, 0, 3, 4]
    header.qformCode = 3
    header.sformCode = 2
    header.qoffset = SIMD3(1.5, -2.5, 8)
    header.xyztUnits = 3 + 8
    header.dimInfo = 0b11_10_01
    header.slope = 2.5
    header.intercept = -1024
    return header
  }

  @Test(arguments: [1, 2], ["a.nii", "a.nii.gz", "a.hdr", "a.img.gz"])
  func labelsCopyTheTemplatesGeometry(version: Int, name: String) throws {
    try withTemporaryFolder { (folder) throws in
      let path = folder.appending(path: name).path
      let template = Self.oddHeader(version: version)
      let labels = Self.labels(Self.grid, maximum: 3)
      try NiftiFile.writeLabels(labels, like: template, to: path)
      let read = try NiftiFile.readLabels(path)
      #expect(read.labels.voxels == labels.voxels)
      #expect(read.header.version == version)
      #expect(read.header.pixdim == template.pixdim)
      #expect(read.header.qformCode == 3 && read.header.sformCode == 2)
      #expect(read.header.xyztUnits == template.xyztUnits && read.header.dimInfo == template.dimInfo)
      let isDouble = version == 2
      let rounded = { (v: Double) in isDouble ? v : Double(Float(v)) }
      for axis in 0..<3 {
        #expect(read.header.quaternion[axis] == rounded(template.quaternion[axis]))
        #expect(read.header.qoffset[axis] == rounded(template.qoffset[axis]))
        for column in 0..<4 {
          #expect(read.header.srows[axis][column] == rounded(template.srows[axis][column]))
        }
      }
      #expect(read.header.slope == 1 && read.header.intercept == 0)
      #expect(read.header.datatype == .uint8)
      // Twice through a file changes nothing any more.
      try NiftiFile.writeLabels(labels, like: read.header, to: path)
      #expect(try NiftiFile.readLabels(path).header == read.header)
      let left = try FileManager.default.contentsOfDirectory(atPath: folder.path)
      #expect(left.count == (name.contains(".nii") ? 1 : 2) && !left.contains { $0.hasSuffix(".part") })
    }
  }

  @Test(arguments: [(Int32(255), NiftiDatatype.uint8), (256, .uint16), (65535, .uint16), (65536, .uint32)])
  func labelsTakeTheSmallestType(maximum: Int32, datatype: NiftiDatatype) throws {
    try withTemporaryFolder { (folder) throws in
      let path = folder.appending(path: "l.nii.gz").path
      var labels = Self.labels(Self.grid, maximum: 9)
      labels.voxels[11] = maximum
      try NiftiFile.writeLabels(labels, to: path)
      let read = try NiftiFile.readLabels(path)
      #expect(read.header.datatype == datatype && read.labels.voxels == labels.voxels)
    }
  }

  @Test func volumesFromScratchCarryBothForms() throws {
    try withTemporaryFolder { (folder) throws in
      let path = folder.appending(path: "v.nii").path
      var volume = sampleVolume(Self.grid.size)
      volume.grid = Self.grid
      try NiftiFile.write(volume, to: path)
      let read = try NiftiFile.read(path)
      #expect(try read.volume.voxels == volume.voxels)
      #expect(read.header.qformCode == 1 && read.header.sformCode == 1 && read.warnings.isEmpty)
      let qform = try NiftiGeometry.qform(read.header).get()
      for (a, b) in zip(qform.rows.joined(), Self.grid.affine.rows.joined()) { #expect(abs(a - b) < 1e-4) }
      try Self.grid.requireAgreement(of: read.grid, path: path, with: "memory")
    }
  }

  @Test func shearedVolumesCarryNoQform() {
    var affine = obliqueAffine
    affine.columns.2.y += 1
    let header = NiftiHeader(grid: VolumeGrid(size: SIMD3(2, 2, 2), affine: affine))
    #expect(header.qformCode == 0 && header.sformCode == 1)
  }

  @Test func longAxesTakeNifti2() throws {
    try withTemporaryFolder { (folder) throws in
      let path = folder.appending(path: "long.nii.gz").path
      let grid = VolumeGrid(size: SIMD3(40_000, 1, 1), affine: obliqueAffine)
      let labels = Self.labels(grid, maximum: 5)
      try NiftiFile.writeLabels(labels, to: path)
      let read = try NiftiFile.readLabels(path)
      #expect(read.header.version == 2 && read.labels.voxels == labels.voxels)
    }
  }

  @Test(arguments: [true, false])
  func fullDiskIsAnErrorWithItsCause(compressed: Bool) {
    let full = open("/dev/full", O_WRONLY)
    defer { close(full) }
    var random = SystemRandomNumberGenerator()
    let bytes = (0..<100_000).map { _ in UInt8.random(in: 0...255, using: &random) }
    let error = #expect(throws: VolumeError.self) {
      try bytes.withUnsafeBytes {
        try AtomicFile.write([$0], to: full, compressed: compressed, path: "out.nii.gz")
      }
    }
    #expect(error?.problem.contains("No space left") == true, "\(error?.description ?? "")")
  }

  @Test func nothingIsLeftOfAFailedWrite() throws {
    try withTemporaryFolder { (folder) throws in
      // A folder of the output's name: everything works until the rename.
      let path = folder.appending(path: "taken.nii").path
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
      #expect(throws: VolumeError.self) { try NiftiFile.write(sampleVolume(SIMD3(2, 2, 2)), to: path) }
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["taken.nii"])
      let missing = folder.appending(path: "no/such/folder.nii").path
      let error = #expect(throws: VolumeError.self) {
        try NiftiFile.write(sampleVolume(SIMD3(2, 2, 2)), to: missing)
      }
      #expect(error?.problem.contains("No such file") == true)
    }
  }

  @Test func refusesWhatItCannotSay() throws {
    try withTemporaryFolder { (folder) throws in
      let path = folder.appending(path: "x.nii").path
      var labels = Self.labels(Self.grid, maximum: 3)
      #expect(throws: VolumeError.self) { try NiftiFile.writeLabels(labels, to: folder.path + "/x.png") }
      var smaller = NiftiHeader(grid: Self.grid)
      smaller.dimensions[2] -= 1
      #expect(throws: VolumeError.self) { try NiftiFile.writeLabels(labels, like: smaller, to: path) }
      labels.voxels[3] = -1
      #expect(throws: VolumeError.self) { try NiftiFile.writeLabels(labels, to: path) }
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
    }
  }

  @Test func inspectionSaysWhatIsThere() throws {
    try withTemporaryFolder { (folder) throws in
      let path = folder.appending(path: "l.nii.gz").path
      let grid = VolumeGrid(size: SIMD3(4, 3, 2), affine: Affine(spacingInMillimetres: SIMD3(2, 2.5, 4)))
      let labels = LabelVolume(grid: grid, voxels: (0..<24).map { $0 < 18 ? 0 : $0 < 22 ? 3 : 7 })
      try NiftiFile.writeLabels(labels, to: path)
      let inspection = try VolumeInspection(of: path)
      #expect(inspection.shape == [4, 3, 2] && inspection.orientation == "RAS")
      #expect(inspection.spacingInMillimetres == [2, 2.5, 4] && inspection.datatype == "uint8")
      #expect(inspection.labels?.map { $0.id } == [0, 3, 7])
      #expect(inspection.labels?.map { $0.voxels } == [18, 4, 2])
      #expect(abs((inspection.labels?[1].volumeInMillilitres ?? 0) - 0.08) < 1e-12)
      #expect(inspection.maximum == 7 && abs(inspection.mean - 26.0 / 24) < 1e-12)
      #expect(inspection.lines.contains("label 3: 4 voxels, 0.08 ml"))
      let decoded = try JSONDecoder().decode(VolumeInspection.self, from: JSONEncoder().encode(inspection))
      #expect(decoded == inspection)
      try NiftiFile.write(sampleVolume(SIMD3(4, 3, 2)), to: path)
      #expect(try VolumeInspection(of: path).labels == nil)
    }
  }
}
