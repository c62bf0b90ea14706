import Volumes

/// Brings blended probability slices back onto the original grid, one axial plane at a time: linear within
/// the plane as a slice arrives, then between two neighbouring slices. It holds two planes, whatever the
/// volume.
struct ReturnedSlices {
  let x: AxisReturn
  let y: AxisReturn
  let z: AxisReturn
  let classCount: Int
  /// The rows of the original grid that are computed.
  let rows: Range<Int>
  /// The prepared rows that they need.
  let preparedRows: Range<Int>
  private let isPlaneIdentity: Bool
  private var previous: [Float]
  private var current: [Float]
  private var blended: [Float]
  private var next = 0

  /// - Parameter rows: of the original grid; inside, at least one.
  init(x: AxisReturn, y: AxisReturn, z: AxisReturn, classCount: Int, rows: Range<Int>, preparedWidth: Int) {
    self.rows = rows
    preparedRows = y.prepared(for: rows)
    let plane = classCount * rows.count * x.inside.count
    previous = [Float](repeating: 0, count: plane)
    current = previous
    blended = previous
    isPlaneIdentity =
      x.isIdentity(count: preparedWidth) && preparedRows == rows && !y.share.contains { $0 != 0 }
    (self.x, self.y, self.z, self.classCount) = (x, y, z, classCount)
  }

  /// Takes the next prepared slice (ascending z); `emit` gets each original slice that has become known with
  /// its index: classes × `rows` × `x.inside`.
  mutating func add(
    _ slice: ProbabilitySlice, emit: (Int, UnsafeBufferPointer<Float>) throws -> Void
  ) rethrows {
    precondition(slice.rows == preparedRows, "internal: a slice of other rows")
    swap(&previous, &current)
    if isPlaneIdentity { current = slice.probabilities } else { resamplePlane(slice) }
    while next < z.inside.count, z.high[next] <= slice.z {
      let share = z.share[next]
      let target = z.inside.lowerBound + next
      next += 1
      if share == 0 {
        // With equal slices `low` may be the last one, not the one before it.
        let source = z.low[next - 1] == slice.z ? current : previous
        try source.withUnsafeBufferPointer { try emit(target, $0) }
        continue
      }
      blended.withUnsafeMutableBufferPointer { out in
        previous.withUnsafeBufferPointer { a in
          current.withUnsafeBufferPointer { b in
            for i in out.indices { out[i] = a[i] + share * (b[i] - a[i]) }
          }
        }
      }
      try blended.withUnsafeBufferPointer { try emit(target, $0) }
    }
  }

  private mutating func resamplePlane(_ slice: ProbabilitySlice) {
    let width = slice.width
    let (x, y, rows, preparedRows) = (x, y, rows, preparedRows)
    let outWidth = x.inside.count
    var line = [Float](repeating: 0, count: width)
    current.withUnsafeMutableBufferPointer { out in
      line.withUnsafeMutableBufferPointer { line in
        slice.probabilities.withUnsafeBufferPointer { source in
          x.low.withUnsafeBufferPointer { low in
            x.high.withUnsafeBufferPointer { high in
              x.share.withUnsafeBufferPointer { share in
                for number in 0..<classCount {
                  let base = source.baseAddress! + number * preparedRows.count * width
                  for (i, row) in rows.enumerated() {
                    let tap = row - y.inside.lowerBound
                    let a = base + (y.low[tap] - preparedRows.lowerBound) * width
                    let b = base + (y.high[tap] - preparedRows.lowerBound) * width
                    let t = y.share[tap]
                    for j in 0..<width { line[j] = a[j] + t * (b[j] - a[j]) }
                    let to = out.baseAddress! + outWidth * (i + rows.count * number)
                    for j in 0..<outWidth {
                      let v = line[low[j]]
                      to[j] = v + share[j] * (line[high[j]] - v)
                    }
                  }
                }
              }
            }
          }
        }
      }
    }
  }
}
