/// A smooth displacement of a patch's tissue: a uniform cubic B-spline over control points whose grid is centred
/// on the patch.
///
/// d(o) = Σ b(u_x − i) b(u_y − j) b(u_z − k) · displacement(i, j, k), with u = o / spacing + cells / 2 + 1 and the
/// centred cubic B-spline b. The weights sum to 1, so no displacement exceeds the largest control point's.
/// Source: Rueckert et al., "Nonrigid registration using free-form deformations", IEEE TMI 1999.
struct ElasticDeformation: Equatable {
  /// Distance of the control points along x, y, z.
  let controlSpacingInMillimetres: SIMD3<Double>
  /// Cells that the patch lies in; there are three control points more.
  let cells: SIMD3<Int>
  /// Millimetres along x, y, z of each control point, x varying fastest.
  let displacements: [SIMD3<Double>]

  var controlCount: SIMD3<Int> { cells &+ 3 }

  init(controlSpacingInMillimetres: SIMD3<Double>, cells: SIMD3<Int>, displacements: [SIMD3<Double>]) {
    precondition(
      displacements.count == (cells &+ 3).voxelCount, "internal: control points do not match their grid")
    self.controlSpacingInMillimetres = controlSpacingInMillimetres
    self.cells = cells
    self.displacements = displacements
  }

  /// Draws every control point uniformly from −`displacementInMillimetres` to +`displacementInMillimetres`
  /// along each axis but `stillAxis`. Control points are never closer than voxels.
  init(
    controlSpacingInMillimetres: Double, displacementInMillimetres: Double, patchSize: SIMD3<Int>,
    spacingInMillimetres spacing: SIMD3<Double>, stillAxis: Int?, random: SampleRandom
  ) {
    let controlSpacing = spacing.replacing(
      with: controlSpacingInMillimetres, where: spacing .< controlSpacingInMillimetres)
    let extents = SIMD3<Double>(patchSize &- 1) * spacing / controlSpacing
    let cells = SIMD3<Int>(extents.rounded(.up)).clamped(
      lowerBound: SIMD3(1, 1, 1), upperBound: SIMD3(repeating: .max))
    let displacements = (0..<(cells &+ 3).voxelCount).map { index in
      let words = random.block(UInt32(truncatingIfNeeded: index))
      // 32 bits to −1 … 1.
      let fraction = SIMD3(Double(words.x), Double(words.y), Double(words.z)) * 0x1p-31 - 1
      var displacement = fraction * displacementInMillimetres
      if let stillAxis { displacement[stillAxis] = 0 }
      return displacement
    }
    self.init(controlSpacingInMillimetres: controlSpacing, cells: cells, displacements: displacements)
  }
}

/// An elastic deformation evaluated row by row for one patch: along z once a slice, along y once a row, along x as
/// one cubic polynomial a cell.
struct ElasticRows {
  /// One axis: for each voxel its cell and its place in it, 0 … 1.
  private struct Axis {
    var cell: [Int] = []
    var place: [Float] = []

    init(count: Int, spacing: Double, controlSpacing: Double, cells: Int) {
      for index in 0..<count {
        let offset = (Double(index) - Double(count - 1) / 2) * spacing / controlSpacing + Double(cells) / 2
        let cell = min(max(Int(offset.rounded(.down)), 0), cells - 1)
        self.cell.append(cell)
        place.append(Float(offset - Double(cell)))
      }
    }

    /// The four weights of voxel `index`.
    func weights(_ index: Int) -> SIMD4<Float> {
      let t = place[index]
      let s = 1 - t
      return SIMD4(
        s * s * s, 4 - 3 * t * t * (2 - t), 4 - 3 * s * s * (2 - s), t * t * t) * (1 / 6)
    }
  }

  private let axes: (x: Axis, y: Axis, z: Axis)
  private let controlCount: SIMD3<Int>
  /// Displacements in the case's voxels: x, y, z and a 0 for each control point.
  private let controls: [SIMD4<Float>]
  private var slice: [SIMD4<Float>]
  private var row: [SIMD4<Float>]
  private var currentSlice = -1
  /// Of the row evaluated last, in the case's voxels.
  private(set) var x: [Float]
  private(set) var y: [Float]
  private(set) var z: [Float]

  /// - Parameter columns: the matrix from the patch's voxels to the case's.
  init(
    _ elastic: ElasticDeformation, patchSize: SIMD3<Int>, spacingInMillimetres spacing: SIMD3<Double>,
    columns: (SIMD3<Double>, SIMD3<Double>, SIMD3<Double>)
  ) {
    let controlSpacing = elastic.controlSpacingInMillimetres
    func axis(_ n: Int) -> Axis {
      Axis(
        count: patchSize[n], spacing: spacing[n], controlSpacing: controlSpacing[n], cells: elastic.cells[n])
    }
    axes = (axis(0), axis(1), axis(2))
    controlCount = elastic.controlCount
    controls = elastic.displacements.map { displacement in
      let v = displacement / spacing
      return SIMD4(SIMD4<Double>(columns.0 * v.x + columns.1 * v.y + columns.2 * v.z, 0))
    }
    slice = [SIMD4<Float>](repeating: .zero, count: controlCount.x * controlCount.y)
    row = [SIMD4<Float>](repeating: .zero, count: controlCount.x)
    x = [Float](repeating: 0, count: patchSize.x)
    (y, z) = (x, x)
  }

  /// Evaluates the row at `y`, `z` of the patch.
  mutating func evaluate(y rowIndex: Int, z sliceIndex: Int) {
    if currentSlice != sliceIndex {
      currentSlice = sliceIndex
      let plane = slice.count
      let start = axes.z.cell[sliceIndex] * plane
      let w = axes.z.weights(sliceIndex)
      for index in 0..<plane {
        let (a, b) = (controls[start + index], controls[start + plane + index])
        let (c, d) = (controls[start + 2 * plane + index], controls[start + 3 * plane + index])
        slice[index] = a * w.x + b * w.y + c * w.z + d * w.w
      }
    }
    let start = axes.y.cell[rowIndex] * row.count
    let w = axes.y.weights(rowIndex)
    for index in 0..<row.count {
      let (a, b) = (slice[start + index], slice[start + row.count + index])
      let (c, d) = (slice[start + 2 * row.count + index], slice[start + 3 * row.count + index])
      row[index] = a * w.x + b * w.y + c * w.z + d * w.w
    }
    var index = 0
    while index < x.count {
      let cell = axes.x.cell[index]
      var end = index + 1
      while end < x.count && axes.x.cell[end] == cell { end += 1 }
      evaluateCell(cell, from: index, to: end)
      index = end
    }
  }

  private mutating func evaluateCell(_ cell: Int, from start: Int, to end: Int) {
    let (a, b, c, d) = (row[cell], row[cell + 1], row[cell + 2], row[cell + 3])
    let sixth: Float = 1 / 6
    let constant = (a + b * 4 + c) * sixth
    let linear = (c - a) * 0.5
    let square = (a - b * 2 + c) * 0.5
    let cube = (d - c * 3 + b * 3 - a) * sixth
    axes.x.place.withUnsafeBufferPointer { place in
      func fill(_ target: inout [Float], _ lane: Int) {
        let (p, q, r, s) = (constant[lane], linear[lane], square[lane], cube[lane])
        target.withUnsafeMutableBufferPointer { target in
          for index in start..<end {
            let t = place[index]
            target[index] = p + t * (q + t * (r + t * s))
          }
        }
      }
      fill(&x, 0)
      fill(&y, 1)
      fill(&z, 2)
    }
  }
}
