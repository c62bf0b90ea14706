/// Where the voxels of one row of a patch lie in the case: found once a row, then read from every channel and the
/// labels. One value a voxel in each buffer, so that the search for them is vectorised.
final class RowPositions {
  /// One axis of the case, as positions along it are brought inside.
  private struct Axis {
    let last: Double
    let lastLow: Double
    let end: Double

    init(_ count: Int) {
      last = Double(count - 1)
      lastLow = Double(max(0, count - 2))
      end = Double(count) - 0.5
    }

    /// The low neighbour and the way from it to the high one, 0 … 1; 1 only at the last voxel.
    @inline(__always)
    func locate(_ position: Double) -> (low: Double, fraction: Double, nearest: Double, isInside: Bool) {
      // In this order a position that is no number ends inside, too.
      let raised = position > 0 ? position : 0
      let inside = raised < last ? raised : last
      let rounded = (inside + RowPositions.rounder) - RowPositions.rounder
      let floor = rounded > inside ? rounded - 1 : rounded
      let low = floor < lastLow ? floor : lastLow
      let fraction = inside - low
      return (low, fraction, fraction >= 0.5 ? low + 1 : low, position >= -0.5 && position < end)
    }
  }

  /// Added to a number of less than 2^51, this rounds to a whole number, whose low 32 bits are then those of the
  /// sum.
  private static let rounder = 0x1.8p52

  private let count: Int
  private let axes: (x: Axis, y: Axis, z: Axis)
  /// From a voxel to its next along x, y, z; 0 along an axis of one voxel.
  private let steps: SIMD3<Int>
  private let strideY: Double
  private let strideZ: Double
  /// Whether the outermost values go on outside.
  private let continues: Bool
  /// Voxels of the patch from its centre.
  private let offsets: UnsafeMutablePointer<Double>
  private let lowCorner: UnsafeMutablePointer<UInt32>
  private let nearest: UnsafeMutablePointer<UInt32>
  private let isInside: UnsafeMutablePointer<UInt32>
  private typealias Floats = UnsafeMutablePointer<Float>
  private let fractions: (x: Floats, y: Floats, z: Floats)

  init(count: Int, sourceSize size: SIMD3<Int>, continues: Bool) {
    self.count = count
    self.continues = continues
    axes = (Axis(size.x), Axis(size.y), Axis(size.z))
    steps = SIMD3(size.x > 1 ? 1 : 0, size.y > 1 ? size.x : 0, size.z > 1 ? size.x * size.y : 0)
    strideY = Double(size.x)
    strideZ = Double(size.x * size.y)
    offsets = .allocate(capacity: count)
    for index in 0..<count { (offsets + index).initialize(to: Double(index) - Double(count - 1) / 2) }
    func zeros<Value: Numeric>() -> UnsafeMutablePointer<Value> {
      let buffer = UnsafeMutablePointer<Value>.allocate(capacity: count)
      buffer.initialize(repeating: 0, count: count)
      return buffer
    }
    (lowCorner, nearest, isInside) = (zeros(), zeros(), zeros())
    fractions = (zeros(), zeros(), zeros())
  }

  deinit {
    offsets.deallocate()
    for buffer in [lowCorner, nearest, isInside] { buffer.deallocate() }
    for buffer in [fractions.x, fractions.y, fractions.z] { buffer.deallocate() }
  }

  /// Places the row whose middle lies at `centre` and whose voxels are `step` apart, in the case's voxels, moved by
  /// `elastic`'s last row.
  func place(centre: SIMD3<Double>, step: SIMD3<Double>, elastic: ElasticRows?) {
    guard let elastic else {
      return place { [offsets] index in
        let offset = offsets[index]
        return (centre.x + step.x * offset, centre.y + step.y * offset, centre.z + step.z * offset)
      }
    }
    elastic.x.withUnsafeBufferPointer { x in
      elastic.y.withUnsafeBufferPointer { y in
        elastic.z.withUnsafeBufferPointer { z in
          place { [offsets] index in
            let offset = offsets[index]
            return (
              centre.x + step.x * offset + Double(x[index]), centre.y + step.y * offset + Double(y[index]),
              centre.z + step.z * offset + Double(z[index])
            )
          }
        }
      }
    }
  }

  @inline(__always)
  private func place(_ position: (Int) -> (Double, Double, Double)) {
    let (axes, strideY, strideZ, rounder) = (axes, strideY, strideZ, Self.rounder)
    let (lowCorner, nearest, isInside, fractions) = (lowCorner, nearest, isInside, fractions)
    for index in 0..<count {
      let p = position(index)
      let x = axes.x.locate(p.0)
      let y = axes.y.locate(p.1)
      let z = axes.z.locate(p.2)
      let low = x.low + strideY * y.low + strideZ * z.low
      let near = x.nearest + strideY * y.nearest + strideZ * z.nearest
      lowCorner[index] = UInt32(truncatingIfNeeded: (low + rounder).bitPattern)
      nearest[index] = UInt32(truncatingIfNeeded: (near + rounder).bitPattern)
      isInside[index] = x.isInside && y.isInside && z.isInside ? 1 : 0
      fractions.x[index] = Float(x.fraction)
      fractions.y[index] = Float(y.fraction)
      fractions.z[index] = Float(z.fraction)
    }
    if continues { isInside.update(repeating: 1, count: count) }
  }

  /// Trilinear values of the row.
  func interpolate(
    _ channel: UnsafePointer<Float>, outside: Float, to target: UnsafeMutablePointer<Float>
  ) {
    let (stepX, stepY, stepZ) = (steps.x, steps.y, steps.z)
    for index in 0..<count {
      let corner = channel + Int(lowCorner[index])
      let x = corner + stepX
      // The four edges along x, then the two along y.
      let low = SIMD4(corner[0], corner[stepY], corner[stepZ], corner[stepY &+ stepZ])
      let high = SIMD4(x[0], x[stepY], x[stepZ], x[stepY &+ stepZ])
      let edges = low + (high - low) * fractions.x[index]
      let faces = edges.evenHalf + (edges.oddHalf - edges.evenHalf) * fractions.y[index]
      let value = faces.x + (faces.y - faces.x) * fractions.z[index]
      target[index] = isInside[index] != 0 ? value : outside
    }
  }

  /// The row's nearest voxels.
  func take<Voxel>(
    _ source: UnsafePointer<Voxel>, outside: Voxel, to target: UnsafeMutablePointer<Voxel>
  ) {
    for index in 0..<count {
      target[index] = isInside[index] != 0 ? source[Int(nearest[index])] : outside
    }
  }
}
