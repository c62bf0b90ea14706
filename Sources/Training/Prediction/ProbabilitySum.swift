/// Sums of class probabilities over a band of rows: where members of an ensemble meet, on one grid.
struct ProbabilitySum {
  let size: SIMD3<Int>
  let band: Range<Int>
  let classCount: Int
  /// z × classes × band × width.
  private var sums: [Float]

  init(size: SIMD3<Int>, band: Range<Int>, classCount: Int) {
    (self.size, self.band, self.classCount) = (size, band, classCount)
    sums = [Float](repeating: 0, count: size.z * classCount * band.count * size.x)
  }

  mutating func add(
    _ plane: UnsafeBufferPointer<Float>, z: Int, rows: Range<Int>, columns: Range<Int>
  ) {
    let (width, height, classCount, firstRow) = (size.x, band.count, classCount, band.lowerBound)
    sums.withUnsafeMutableBufferPointer { sums in
      var from = 0
      for number in 0..<classCount {
        for y in rows {
          let to = columns.lowerBound + width * (y - firstRow + height * (number + classCount * z))
          for x in 0..<columns.count { sums[to + x] += plane[from + x] }
          from += columns.count
        }
      }
    }
  }

  /// What a member's preprocessing cut off is background, with probability 1.
  mutating func addBackground(outside box: (x: Range<Int>, y: Range<Int>, z: Range<Int>)) {
    let plane = band.count * size.x
    for z in 0..<size.z {
      for y in band {
        let isRowInside = box.z.contains(z) && box.y.contains(y)
        let row = z * classCount * plane + size.x * (y - band.lowerBound)
        for x in 0..<size.x where !(isRowInside && box.x.contains(x)) { sums[row + x] += 1 }
      }
    }
  }

  /// Writes the band's labels, and its mean probabilities where arrays for them are given.
  func finish(members: Int, decision: LabelDecision, labels: inout [Int32], probabilities: inout [[Float]]) {
    let plane = band.count * size.x
    let share = 1 / Float(members)
    sums.withUnsafeBufferPointer { sums in
      for z in 0..<size.z {
        let slice = UnsafeBufferPointer(
          rebasing: sums[z * classCount * plane..<(z + 1) * classCount * plane])
        decision.fill(
          &labels, size: size, z: z, rows: band, columns: 0..<size.x, plane: slice, members: members)
        let to = size.x * (band.lowerBound + size.y * z)
        for number in probabilities.indices {
          probabilities[number].withUnsafeMutableBufferPointer { out in
            for i in 0..<plane { out[to + i] = slice[number * plane + i] * share }
          }
        }
      }
    }
  }
}
