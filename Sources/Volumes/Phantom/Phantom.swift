import RealModule

/// A CT-like abdomen with known labels: made, not measured, so it can be shared, scaled and trusted.
///
/// Body with fat, muscle and ribs; liver, a tumour inside it, two kidneys and the spine are labelled; spleen,
/// stomach, bowel with gas, vessels and muscles share the organs' densities, so no threshold finds an organ
/// while position and shape do. The anatomy fills the field of view whatever its size in millimetres.
public struct Phantom: Sendable {
  /// In Hounsfield units.
  public let image: Volume
  public let labels: LabelVolume
  /// Names by label id.
  public var labelNames: [String] { Self.labelNames }

  public static let labelNames = ["background", "liver", "tumour", "kidneys", "spine"]

  /// A pure function of its arguments.
  ///
  /// - Parameters:
  ///   - seed: of the patient: shapes, positions, densities and noise.
  ///   - size: voxels along x, y, z; at least 1 each.
  ///   - obliqueDegrees: the grid is tilted by this angle about the patient's left–right axis and by half of
  ///     it about the long axis; the patient stays upright in world space.
  /// - Complexity: O(voxels), about 0.3 µs each.
  public static func make(
    seed: UInt64, size: SIMD3<Int>, spacingInMillimetres spacing: SIMD3<Double>,
    obliqueDegrees: Double = 0
  ) throws(SettingProblem) -> Phantom {
    guard size.min() >= 1, size.x <= 1 << 14, size.y <= 1 << 14, size.z <= 1 << 14 else {
      throw SettingProblem(key: "size", problem: "is \(size.text); each extent is 1 to 16384")
    }
    guard spacing.min() > 0, spacing.max().isFinite else {
      throw SettingProblem(
        key: "spacing",
        problem: "is [\(spacing.x), \(spacing.y), \(spacing.z)]; each is a positive length in mm")
    }
    guard abs(obliqueDegrees) <= 45 else {
      throw SettingProblem(key: "oblique", problem: "is \(obliqueDegrees); allowed is −45 to 45 degrees")
    }
    let grid = makeGrid(size: size, spacing: spacing, degrees: obliqueDegrees)
    let anatomy = PhantomAnatomy(seed: seed)
    var values = [Float](repeating: 0, count: grid.count)
    var labels = [Int32](repeating: 0, count: grid.count)
    paint(anatomy, grid: grid, values: &values, labels: &labels)
    addBlurredNoise(&values, size: size, standardDeviation: anatomy.noiseHU, seed: seed)
    return Phantom(
      image: Volume(grid: grid, voxels: values), labels: LabelVolume(grid: grid, voxels: labels))
  }

  /// A grid centred on the world's origin.
  private static func makeGrid(
    size: SIMD3<Int>, spacing: SIMD3<Double>, degrees: Double
  ) -> VolumeGrid {
    let tilt = degrees * .pi / 180
    let turn = tilt / 2
    func rotated(_ v: SIMD3<Double>) -> SIMD3<Double> {
      let w = SIMD3(
        v.x, Double.cos(tilt) * v.y - Double.sin(tilt) * v.z, Double.sin(tilt) * v.y + Double.cos(tilt) * v.z)
      return SIMD3(
        Double.cos(turn) * w.x - Double.sin(turn) * w.y, Double.sin(turn) * w.x + Double.cos(turn) * w.y, w.z)
    }
    let columns = (
      rotated(SIMD3(spacing.x, 0, 0)), rotated(SIMD3(0, spacing.y, 0)), rotated(SIMD3(0, 0, spacing.z))
    )
    let middle = SIMD3<Double>(size &- 1) / 2
    let centre = columns.0 * middle.x + columns.1 * middle.y + columns.2 * middle.z
    return VolumeGrid(size: size, affine: Affine(columns: columns, translation: -centre))
  }

  private static func paint(
    _ anatomy: PhantomAnatomy, grid: VolumeGrid, values: inout [Float], labels: inout [Int32]
  ) {
    let size = grid.size
    let halfField = SIMD3<Double>(size) * grid.spacingInMillimetres / 2
    let step = grid.affine.columns.0 / halfField
    values.withUnsafeMutableBufferPointer { values in
      labels.withUnsafeMutableBufferPointer { labels in
        var index = 0
        for z in 0..<size.z {
          for y in 0..<size.y {
            let start = grid.affine(SIMD3(0, Double(y), Double(z))) / halfField
            let row = PhantomRow(anatomy, from: start, to: start + step * Double(size.x - 1))
            let bends = anatomy.vessels.map { Double.sin(3 * start.z + $0.phase) }
            let hepaticBends = anatomy.hepaticVessels.map { Double.sin(3 * start.z + $0.phase) }
            for x in 0..<size.x {
              let tissue = anatomy.tissue(
                at: start + step * Double(x), row: row, bends: bends, hepaticBends: hepaticBends)
              values[index] = Float(tissue.hounsfield)
              labels[index] = tissue.label
              index += 1
            }
          }
        }
      }
    }
  }
}
