import FoundationEssentials
import Testing

@testable import Volumes

/// All 206 entries of odd-nifti/expected.json.
@Suite("Odd NIfTI files", .enabled(if: TestData.oddNifti != nil, "shared/data/odd-nifti is not here"))
struct OddNiftiTests {
  struct Entry: Decodable {
    var `class`: String
    var note: String
    var shape: [Int]?
    var min: Double?
    var max: Double?
    var mean: Double?
    var tol: String?
    var affine: [[Double]]?
    var zooms: [Double]?
    var sha_f32_xfastest: String?
  }

  static let folder = TestData.oddNifti ?? URL(filePath: "/")
  static let entries: [String: Entry] = {
    guard let data = try? Data(contentsOf: folder.appending(path: "expected.json")) else { return [:] }
    return (try? JSONDecoder().decode([String: Entry].self, from: data)) ?? [:]
  }()

  static func path(_ name: String) -> String { folder.appending(path: name).path }

  @Test func allEntriesAreHere() {
    #expect(Self.entries.count == 206)
  }

  @Test(arguments: OddNiftiTests.entries.keys.sorted())
  func matchesExpectation(_ name: String) throws {
    let entry = try #require(Self.entries[name])
    let path = Self.path(name)
    let isLabel = name.hasPrefix("derived/l_")
    do {
      if isLabel { try checkLabels(path) }
      let image = try NiftiFile.read(path)
      #expect(entry.class != "reject" || isLabel, "\(name) was read, but \(entry.note)")
      compare(image, with: entry, name)
      if isLabel { #expect(entry.class != "reject", "\(name) was read, but \(entry.note)") }
    } catch let error as VolumeError {
      #expect(entry.class != "ok", "\(error)")
      #expect(!error.problem.contains("\n") && error.description.hasPrefix(error.path))
    }
  }

  /// A label must be readable as ids and lie on the image that it belongs to, once both are in RAS+ axes.
  private func checkLabels(_ path: String) throws {
    let labels = try NiftiFile.readLabels(path)
    let reference = Self.path("derived/c_plain.nii")
    let image = try NiftiFile.read(reference)
    let expected = Reorientation(toRAS: image.grid).targetGrid
    try expected.requireAgreement(
      of: labels.labels.reorientedToRAS().labels.grid, path: path, with: reference)
  }

  private func compare(_ image: NiftiImage, with entry: Entry, _ name: String) {
    func trimmed(_ shape: [Int]) -> [Int] {
      var s = shape
      while s.last == 1 { s.removeLast() }
      return s
    }
    if let shape = entry.shape { #expect(trimmed(image.header.dimensions) == trimmed(shape), "\(name)") }
    let inspection = VolumeInspection(image)
    let valueTolerance = entry.tol.map { $0.hasPrefix("affine") ? 0 : 1e-3 } ?? 0
    for (found, expected) in [
      (inspection.minimum, entry.min), (inspection.maximum, entry.max), (inspection.mean, entry.mean),
    ] {
      guard let expected else { continue }
      let tolerance = Swift.max(valueTolerance, 1e-6 * abs(expected))
      #expect(abs(found - expected) <= tolerance, "\(name): \(found), expected \(expected)")
    }
    if let affine = entry.affine {
      let tolerance = entry.tol?.hasPrefix("affine") == true ? 1e-2 : 1e-4
      for row in 0..<4 {
        for column in 0..<4 {
          let difference = abs(inspection.affine[row][column] - affine[row][column])
          #expect(difference <= tolerance, "\(name): affine[\(row)][\(column)] is off by \(difference)")
        }
      }
    }
    if let zooms = entry.zooms {
      for axis in 0..<3 { #expect(abs(inspection.spacingInMillimetres[axis] - zooms[axis]) < 1e-5) }
    }
    if entry.tol == nil, let hash = entry.sha_f32_xfastest {
      let voxels = image.channels.flatMap { $0.voxels }
      let found = voxels.withUnsafeBytes { SHA256.hexadecimal($0) }
      #expect(found.hasPrefix(hash), "\(name): voxels differ")
    }
  }

  /// The reason is the right one, not just any.
  @Test(arguments: [
    ("dt_unknown999.nii", "datatype"), ("dt_binary1bit.nii", "1 bit"), ("dt_complex64.nii", "complex64"),
    ("c_nifti2_bad_magic_tail.nii", "magic"), ("c_pair_orphan.hdr", "partner"),
    ("c_vox_offset_eof.nii", "too short"), ("c_vox_offset_nan.nii", "vox_offset"),
    ("c_vox_offset_neg.nii", "vox_offset"), ("g_pixdim_zero.nii", "pixdim"), ("g_pixdim_nan.nii", "pixdim"),
    ("g_pixdim_inf.nii", "pixdim"), ("g_sform_singular.nii", "singular"), ("g_sform_nan.nii", "not finite"),
    ("g_quat_not_unit.nii", "quaternion"), ("d_ndim0.nii", "dim[0]"), ("d_ndim8.nii", "dim[0]"),
    ("d_dim_zero.nii", "dim[2]"), ("d_dim_neg.nii", "dim[3]"), ("d_dim_huge.nii", "too short"),
    ("d_dim_huge.nii.gz", "too short"), ("d_dim_overflow.nii", "axes"), ("d_nifti2_dim_2e40.nii", "64 bits"),
    ("x_empty.nii", "empty"),
    ("x_empty_gz.nii.gz", "empty"), ("x_100bytes.nii", "100 bytes"), ("x_347bytes.nii", "347 bytes"),
    ("x_truncated_1byte.nii", "too short"), ("x_truncated.nii.gz", "cut short"),
    ("x_bad_crc.nii.gz", "damaged"), ("x_bitflip.nii.gz", "damaged"), ("x_text.nii", "version http"),
    ("x_html.nii.gz", "not NIfTI"), ("x_bad_magic.nii", "nope"), ("v_all_nan.nii.gz", "NaN"),
    ("v_inf.nii.gz", "infinite"), ("v_f64_beyond_f32.nii.gz", "float32"),
    ("x_truncated_trailer.nii.gz", "cut short"), ("g_pixdim_huge.nii", "mm apart"),
  ])
  func saysWhy(_ name: String, _ reason: String) {
    let error = #expect(throws: VolumeError.self) { try NiftiFile.read(Self.path("derived/" + name)) }
    #expect(error?.problem.contains(reason) == true, "\(error?.description ?? "no error")")
  }

  @Test(arguments: [
    ("l_half.nii.gz", "label 0.5 at"), ("l_int64_big.nii.gz", "1099511627777"), ("l_nan.nii.gz", "label nan"),
    ("l_negative.nii.gz", "label -1"), ("l_4d_onehot.nii.gz", "2 channels"),
  ])
  func saysWhatIsNoLabel(_ name: String, _ reason: String) {
    let error = #expect(throws: VolumeError.self) { try NiftiFile.readLabels(Self.path("derived/" + name)) }
    #expect(error?.problem.contains(reason) == true, "\(error?.description ?? "no error")")
  }

  @Test func negativeIdsAreLegalWhereAsked() throws {
    let labels = try NiftiFile.readLabels(Self.path("derived/l_negative.nii.gz"), allowingNegativeIds: true)
    #expect(labels.labels.presentIds.first == -1)
  }

  /// Rule 1 of the domain: reorientation permutes and flips, nothing else.
  @Test func allAxisOrdersAreOneVolume() throws {
    let codes = ["RAS", "LPI", "ASR", "IAL", "PIL", "SRA"]
    let reference = try NiftiFile.read(Self.path("derived/g_axes_RAS.nii.gz")).volume
    let referenceLabels = try NiftiFile.readLabels(Self.path("derived/g_axes_RAS_label.nii.gz")).labels
    for code in codes {
      let image = try NiftiFile.read(Self.path("derived/g_axes_\(code).nii.gz")).volume
      #expect(Orientation(of: image.grid.affine).description == code)
      let (ras, reorientation) = image.reorientedToRAS()
      #expect(ras.voxels == reference.voxels && ras.grid.size == reference.grid.size, "\(code)")
      try reference.grid.requireAgreement(of: ras.grid, path: code, with: "RAS")
      let back = reorientation.inverse(ras)
      #expect(back.voxels == image.voxels && back.grid == image.grid, "\(code)")
      let labels = try NiftiFile.readLabels(Self.path("derived/g_axes_\(code)_label.nii.gz")).labels
      let (rasLabels, labelReorientation) = labels.reorientedToRAS()
      #expect(rasLabels.voxels == referenceLabels.voxels, "\(code)")
      #expect(labelReorientation.inverse(rasLabels).voxels == labels.voxels, "\(code)")
    }
  }
}
