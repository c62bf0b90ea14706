extension Affine {
  /// Determinant of the linear part in mm³: a voxel's volume, negative where the axes are left-handed.
  public var determinant: Double {
    let (a, b, c) = columns
    return a.x * (b.y * c.z - b.z * c.y) - b.x * (a.y * c.z - a.z * c.y)
      + c.x * (a.y * b.z - a.z * b.y)
  }

  public var isFinite: Bool {
    [columns.0, columns.1, columns.2, translation].allSatisfy {
      $0.x.isFinite && $0.y.isFinite && $0.z.isFinite
    }
  }

  /// The column of stored axis 0, 1 or 2: millimetres per voxel step.
  public func column(_ axis: Int) -> SIMD3<Double> {
    axis == 0 ? columns.0 : axis == 1 ? columns.1 : columns.2
  }

  /// Whether the axes stand at right angles: every pair's |cosine| is at most `tolerance`.
  public func isOrthogonal(tolerance: Double) -> Bool {
    let norms = columnNorms
    for (a, b) in [(0, 1), (0, 2), (1, 2)] {
      let cosine = (column(a) * column(b)).sum() / (norms[a] * norms[b])
      if !(abs(cosine) <= tolerance) { return false }
    }
    return true
  }

  /// The map from world millimetres to voxel indices. The linear part must not be singular.
  public var inverse: Affine {
    let (a, b, c) = columns
    let d = determinant
    func cross(_ u: SIMD3<Double>, _ v: SIMD3<Double>) -> SIMD3<Double> {
      SIMD3(u.y * v.z - u.z * v.y, u.z * v.x - u.x * v.z, u.x * v.y - u.y * v.x)
    }
    let rows = (cross(b, c) / d, cross(c, a) / d, cross(a, b) / d)
    func column(_ i: Int) -> SIMD3<Double> { SIMD3(rows.0[i], rows.1[i], rows.2[i]) }
    let linear = Affine(columns: (column(0), column(1), column(2)), translation: .zero)
    return Affine(columns: linear.columns, translation: -linear(translation))
  }

  /// The 4×4 matrix, row by row.
  public var rows: [[Double]] {
    (0..<3).map { [columns.0[$0], columns.1[$0], columns.2[$0], translation[$0]] } + [[0, 0, 0, 1]]
  }
}
