/// Where a volume's voxels lie in the patient: its size and the affine from voxel index to millimetres.
public struct VolumeGrid: Sendable, Equatable {
  /// Voxels along the stored axes i, j, k (i varies fastest: NIfTI's order).
  public var size: SIMD3<Int>
  /// Maps (i, j, k, 1) to RAS+ world millimetres.
  public var affine: Affine

  public init(size: SIMD3<Int>, affine: Affine) {
    self.size = size
    self.affine = affine
  }

  public var count: Int { size.x * size.y * size.z }
  /// Distance between neighbouring voxels along i, j, k: the affine's column norms.
  public var spacingInMillimetres: SIMD3<Double> { affine.columnNorms }
}

/// A row-major 3×4 affine map on column vectors: world = linear · index + translation.
public struct Affine: Sendable, Equatable {
  /// Images of the unit steps along i, j, k.
  public var columns: (SIMD3<Double>, SIMD3<Double>, SIMD3<Double>)
  public var translation: SIMD3<Double>

  public init(
    columns: (SIMD3<Double>, SIMD3<Double>, SIMD3<Double>), translation: SIMD3<Double>
  ) {
    self.columns = columns
    self.translation = translation
  }

  public static func == (a: Affine, b: Affine) -> Bool {
    a.columns.0 == b.columns.0 && a.columns.1 == b.columns.1 && a.columns.2 == b.columns.2
      && a.translation == b.translation
  }

  /// An axis-aligned RAS+ grid of this spacing whose first voxel lies at the origin.
  public init(spacingInMillimetres s: SIMD3<Double>) {
    self.init(
      columns: (SIMD3(s.x, 0, 0), SIMD3(0, s.y, 0), SIMD3(0, 0, s.z)), translation: .zero)
  }

  public func callAsFunction(_ index: SIMD3<Double>) -> SIMD3<Double> {
    columns.0 * index.x + columns.1 * index.y + columns.2 * index.z + translation
  }

  public var columnNorms: SIMD3<Double> {
    func norm(_ v: SIMD3<Double>) -> Double { (v * v).sum().squareRoot() }
    return SIMD3(norm(columns.0), norm(columns.1), norm(columns.2))
  }
}

/// A scalar image: voxel (i, j, k) at `voxels[i + size.x * (j + size.y * k)]`.
public struct Volume: Sendable {
  public var grid: VolumeGrid
  public var voxels: [Float]

  public init(grid: VolumeGrid, voxels: [Float]) {
    precondition(voxels.count == grid.count, "internal: voxel count does not match the grid")
    self.grid = grid
    self.voxels = voxels
  }
}

/// A label map: the same order of voxels as `Volume`, class ids as stored in the file.
public struct LabelVolume: Sendable {
  public var grid: VolumeGrid
  public var voxels: [Int32]

  public init(grid: VolumeGrid, voxels: [Int32]) {
    precondition(voxels.count == grid.count, "internal: voxel count does not match the grid")
    self.grid = grid
    self.voxels = voxels
  }
}

/// A fault of the user's volume file: one line with the file, what was found and what was expected.
public struct VolumeError: Error, CustomStringConvertible, Sendable {
  public var path: String
  public var problem: String

  public init(_ path: String, _ problem: String) {
    self.path = path
    self.problem = problem
  }

  public var description: String { "\(path): \(problem)" }
}
