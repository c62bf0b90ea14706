internal import CNifti

/// Which affine of a header counts, in millimetres, and what was odd about it.
///
/// The sform where its code is positive, else the qform where its code is positive, else the voxel spacing
/// alone (nifti1.h, "METHOD 3, 2, 1"). The last leaves axes open; taken are nibabel's: LAS, the origin in the
/// middle, with a warning. A form that cannot be a geometry (singular, not finite) is passed over with a
/// warning where the other one is sound.
public struct NiftiGeometry: Sendable, Equatable {
  public enum Source: String, Sendable { case sform, qform, pixdim }

  public var affine: Affine
  public var source: Source
  /// Oddities that a user should hear of, one line each.
  public var warnings: [String]

  /// Voxels closer or farther apart than this are a unit mistake: resampling them would explode or vanish.
  static let plausibleSpacingInMillimetres = 1e-5...1e4

  init(_ header: NiftiHeader, path: String) throws(VolumeError) {
    var warnings: [String] = []
    var problems: [String] = []
    var chosen: (Affine, Source)?
    if header.sformCode > 0 {
      let affine = Self.sform(header)
      if let problem = Self.problem(with: affine) {
        problems.append("the sform \(problem)")
      } else {
        chosen = (affine, .sform)
        let stored = (1...3).map { header.pixdim[$0] }
        if stored.contains(where: { !$0.isFinite || $0 <= 0 }) {
          warnings.append("pixdim is \(list(stored)); spacing is taken from the sform")
        }
      }
    }
    if chosen == nil && header.qformCode > 0 {
      switch Self.qform(header) {
      case .success(let affine): chosen = (affine, .qform)
      case .failure(let problem): problems.append(problem.text)
      }
    }
    if chosen == nil && header.sformCode <= 0 && header.qformCode <= 0 {
      switch Self.spacing(header) {
      case .success(let spacing):
        chosen = (Self.withoutForms(size: header.size, spacing), .pixdim)
        warnings.append("has neither sform nor qform: axes are taken as LAS (left and right are a guess)")
      case .failure(let problem): problems.append(problem.text)
      }
    }
    guard let (affine, source) = chosen else {
      throw VolumeError(path, problems.joined(separator: ", and ") + "; spacing and orientation are unknown")
    }
    if !problems.isEmpty {
      warnings.append(problems.joined(separator: ", and ") + "; the \(source.rawValue) is used")
    }
    let spacing = affine.columnNorms
    let plausible = Self.plausibleSpacingInMillimetres
    for axis in 0..<3 where !plausible.contains(spacing[axis]) {
      throw VolumeError(
        path,
        "voxels are \(spacing[axis]) mm apart along axis \(axis + 1); expected "
          + "\(plausible.lowerBound) to \(plausible.upperBound)")
    }
    if header.units == .metre || header.units == .micron {
      warnings.append("lengths are stored in \(header.units.rawValue)s and were converted to mm")
    }
    if !affine.isOrthogonal(tolerance: 1e-3) {
      warnings.append("axes are sheared (gantry tilt?); the affine is kept as it is")
    }
    self.affine = affine
    self.source = source
    self.warnings = warnings
  }

  struct Problem: Error { var text: String }

  /// The sform's affine in millimetres.
  static func sform(_ header: NiftiHeader) -> Affine {
    let r = header.srows
    func column(_ c: Int) -> SIMD3<Double> { SIMD3(r[0][c], r[1][c], r[2][c]) * header.units.inMillimetres }
    return Affine(columns: (column(0), column(1), column(2)), translation: column(3))
  }

  /// The qform's affine in millimetres: rotation (quaternion) × spacing, third column times qfac.
  static func qform(_ header: NiftiHeader) -> Result<Affine, Problem> {
    let spacing: SIMD3<Double>
    switch Self.spacing(header) {
    case .success(let s): spacing = s
    case .failure(let problem): return .failure(problem)
    }
    let q = header.quaternion
    let offset = header.qoffset * header.units.inMillimetres
    let norm = (q * q).sum()
    // 1e-4 is what float32 rounding of b, c, d can add; beyond it the rotation is not what its writer meant.
    guard norm.isFinite, norm <= 1 + 1e-4, (0..<3).allSatisfy({ offset[$0].isFinite }) else {
      return .failure(Problem(text: "the qform's quaternion has b²+c²+d² = \(norm), expected at most 1"))
    }
    let m = nifti_quatern_to_dmat44(
      q.x, q.y, q.z, offset.x, offset.y, offset.z, spacing.x, spacing.y, spacing.z,
      header.pixdim[0] < 0 ? -1 : 1)
    let v = elements(of: m, as: Double.self)
    func column(_ c: Int) -> SIMD3<Double> { SIMD3(v[c], v[4 + c], v[8 + c]) }
    return .success(Affine(columns: (column(0), column(1), column(2)), translation: column(3)))
  }

  /// |pixdim[1…3]| in millimetres.
  private static func spacing(_ header: NiftiHeader) -> Result<SIMD3<Double>, Problem> {
    var spacing = SIMD3<Double>.zero
    for axis in 0..<3 {
      let stored = header.pixdim[axis + 1]
      guard stored.isFinite, stored != 0 else {
        return .failure(Problem(text: "pixdim[\(axis + 1)] is \(stored)"))
      }
      spacing[axis] = abs(stored) * header.units.inMillimetres
    }
    return .success(spacing)
  }

  /// nibabel's affine of a header without forms: i runs left, the volume's centre is the world's origin.
  private static func withoutForms(size: SIMD3<Int>, _ spacing: SIMD3<Double>) -> Affine {
    var affine = Affine(spacingInMillimetres: spacing * SIMD3(-1, 1, 1))
    let centre = SIMD3(Double(size.x - 1), Double(size.y - 1), Double(size.z - 1)) * 0.5
    affine.translation = -affine(centre)
    return affine
  }

  private static func problem(with affine: Affine) -> String? {
    guard affine.isFinite else { return "holds numbers that are not finite" }
    let norms = affine.columnNorms
    // |det| against the product of column lengths: the sine between the axes, free of units.
    guard norms.min() > 0, abs(affine.determinant) > 1e-6 * norms.x * norms.y * norms.z else {
      return "is singular"
    }
    return nil
  }

  /// b, c, d and qfac of an orthogonal affine's rotation.
  static func quaternion(of affine: Affine) -> (bcd: SIMD3<Double>, qfac: Double) {
    var matrix = nifti_dmat44()
    withUnsafeMutableBytes(of: &matrix) { bytes in
      let m = bytes.bindMemory(to: Double.self)
      for row in 0..<3 {
        m[4 * row] = affine.columns.0[row]
        m[4 * row + 1] = affine.columns.1[row]
        m[4 * row + 2] = affine.columns.2[row]
        m[4 * row + 3] = affine.translation[row]
      }
      m[15] = 1
    }
    var b = 0.0, c = 0.0, d = 0.0, qfac = 1.0
    nifti_dmat44_to_quatern(matrix, &b, &c, &d, nil, nil, nil, nil, nil, nil, &qfac)
    return (SIMD3(b, c, d), qfac)
  }
}

private func list(_ values: [Double]) -> String {
  values.map { "\($0)" }.joined(separator: ", ")
}
