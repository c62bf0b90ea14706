/// The file or pair of files behind a name: `.nii[.gz]`, or `.hdr[.gz]` and `.img[.gz]`.
struct NiftiPaths: Equatable {
  var header: String
  /// Equal to `header` where one file holds both.
  var voxels: String

  var isPair: Bool { header != voxels }

  /// Splits off `.gz` and one of NIfTI's extensions, in any case.
  private static func split(_ path: String) -> (stem: String, kind: String, gz: String)? {
    var stem = Substring(path)
    var gz = ""
    if stem.lowercased().hasSuffix(".gz") {
      gz = String(stem.suffix(3))
      stem = stem.dropLast(3)
    }
    for kind in ["nii", "hdr", "img"] where stem.lowercased().hasSuffix("." + kind) {
      return (String(stem.dropLast(4)), kind, gz)
    }
    return nil
  }

  static func accepts(_ path: String) -> Bool { split(path) != nil }

  /// For reading: the partner of an `.hdr` or `.img` may be compressed or not, whichever exists.
  init(reading path: String, exists: (String) -> Bool) throws(VolumeError) {
    guard let (stem, kind, gz) = Self.split(path) else {
      throw VolumeError(path, "is no NIfTI name; expected .nii, .nii.gz, or a pair .hdr/.img (also .gz)")
    }
    if kind == "nii" {
      self.init(header: path, voxels: path)
      return
    }
    let partner = kind == "hdr" ? "img" : "hdr"
    let candidates = [gz, "", ".gz"].map { "\(stem).\(partner)\($0)" }
    guard let found = candidates.first(where: exists) else {
      throw VolumeError(path, "its partner \(Self.lastComponent(candidates[0])) does not exist")
    }
    self = kind == "hdr" ? NiftiPaths(header: path, voxels: found) : NiftiPaths(header: found, voxels: path)
  }

  /// For writing: both names follow from the given one.
  init(writing path: String) throws(VolumeError) {
    guard let (stem, kind, gz) = Self.split(path) else {
      throw VolumeError(path, "is no NIfTI name; expected .nii, .nii.gz, or a pair .hdr/.img (also .gz)")
    }
    if kind == "nii" {
      self.init(header: path, voxels: path)
    } else {
      self.init(header: "\(stem).hdr\(gz)", voxels: "\(stem).img\(gz)")
    }
  }

  private init(header: String, voxels: String) {
    self.header = header
    self.voxels = voxels
  }

  static func isCompressed(_ path: String) -> Bool { path.lowercased().hasSuffix(".gz") }

  private static func lastComponent(_ path: String) -> String {
    path.split(separator: "/").last.map { String($0) } ?? path
  }
}
