import Interchange
import Volumes

/// The axial slice with most foreground, twice: with the outlines of the reference and with those of the prediction,
/// one colour a class, the patient's right on the left.
struct OverlayPicture {
  let png: [UInt8]
  let width: Int
  let height: Int

  /// Longest edge of one of the two panels, in pixels; a pixel shows the voxel at its centre.
  private static let longestEdge = 256
  private static let gap = 4
  private static let grays = 200
  /// Okabe and Ito 2008, without black.
  private static let colours: [PNG.Colour] = [
    (230, 159, 0), (86, 180, 233), (0, 158, 115), (240, 228, 66), (204, 121, 167), (0, 114, 178), (213, 94, 0),
  ]
  private static let palette: [PNG.Colour] =
    (0..<grays).map {
      let gray = UInt8($0 * 255 / (grays - 1))
      return (gray, gray, gray)
    } + colours

  /// - Parameters: all on one grid, in any axes; `ids` of the foreground classes.
  init(image: Volume, reference: LabelVolume, prediction: LabelVolume, ids: [Int32]) {
    let toRAS = Reorientation(toRAS: image.grid)
    let size = toRAS.targetGrid.size
    let (referred, predicted) = (toRAS(reference.voxels), toRAS(prediction.voxels))
    let plane = size.x * size.y
    let known = Set(ids)
    func most(_ labels: [Int32]) -> Int? {
      let counts = (0..<size.z).map { z in labels[z * plane..<(z + 1) * plane].count { known.contains($0) } }
      return counts.max().flatMap { $0 > 0 ? counts.firstIndex(of: $0) : nil }
    }
    let z = most(referred) ?? most(predicted) ?? size.z / 2
    // Square pixels, whatever the voxels are.
    let spacing = toRAS.targetGrid.spacingInMillimetres
    let edges = (x: Double(size.x) * spacing.x, y: Double(size.y) * spacing.y)
    let pixel = max(edges.x, edges.y) / Double(Self.longestEdge)
    func voxels(_ edge: Double, _ spacing: Double, _ count: Int) -> [Int] {
      (0..<max(1, Int((edge / pixel).rounded()))).map { min(Int((Double($0) + 0.5) * pixel / spacing), count - 1) }
    }
    let (xs, ys) = (voxels(edges.x, spacing.x, size.x), voxels(edges.y, spacing.y, size.y))
    let (columns, rows) = (xs.count, ys.count)
    /// Rows from the top: against A, across against R.
    func slice<Element>(_ voxels: [Element]) -> [Element] {
      ys.reversed().flatMap { y in xs.reversed().map { x in voxels[z * plane + y * size.x + x] } }
    }
    let values = slice(toRAS(image.voxels))
    let limits = Percentiles.of(values, [1, 99.5]).map { Float($0) }
    let range = max(limits[1] - limits[0], 1e-20)
    let gray = values.map { UInt8(min(max(($0 - limits[0]) / range, 0), 1) * Float(Self.grays - 1)) }
    let panels = [referred, predicted].map { Self.outlined(gray, slice($0), columns, rows, ids) }
    (width, height) = (2 * columns + Self.gap, rows)
    let (count, gap) = (columns, [UInt8](repeating: UInt8(Self.grays - 1), count: Self.gap))
    var pixels: [UInt8] = []
    for row in 0..<rows {
      let part = row * count..<(row + 1) * count
      pixels += panels[0][part]
      pixels += gap
      pixels += panels[1][part]
    }
    png = PNG.encode(pixels, width: width, height: height, palette: Self.palette)
  }

  /// Pixels of a label with a side neighbour that is of another one take its colour.
  private static func outlined(
    _ gray: [UInt8], _ labels: [Int32], _ columns: Int, _ rows: Int, _ ids: [Int32]
  ) -> [UInt8] {
    let colour = Dictionary(
      ids.enumerated().map { ($1, UInt8(grays + $0 % colours.count)) }, uniquingKeysWith: { first, _ in first })
    var pixels = gray
    for y in 0..<rows {
      for x in 0..<columns {
        let at = x + columns * y
        guard let colour = colour[labels[at]] else { continue }
        let isEdge =
          x == 0 || y == 0 || x == columns - 1 || y == rows - 1 || labels[at - 1] != labels[at]
          || labels[at + 1] != labels[at] || labels[at - columns] != labels[at] || labels[at + columns] != labels[at]
        if isEdge { pixels[at] = colour }
      }
    }
    return pixels
  }
}
