/// From a plane's probabilities to its labels.
extension LabelDecision {
  /// Writes ids into the part of a volume's slice that a plane covers.
  ///
  /// - Parameters:
  ///   - plane: channels × rows × columns, sums over the members.
  ///   - members: how many were summed.
  func fill(
    _ labels: inout [Int32], size: SIMD3<Int>, z: Int, rows: Range<Int>, columns: Range<Int>,
    plane: UnsafeBufferPointer<Float>, members: Int = 1
  ) {
    let count = rows.count * columns.count
    if case .aboveHalf(let ids, let background) = self {
      let half = 0.5 * Float(members)
      labels.withUnsafeMutableBufferPointer { labels in
        var index = 0
        for y in rows {
          let row = size.x * (y + size.y * z)
          for x in columns {
            let last = ids.indices.last { plane[index + $0 * count] > half }
            labels[row + x] = last.map { ids[$0] } ?? background
            index += 1
          }
        }
      }
      return
    }
    labels.withUnsafeMutableBufferPointer { labels in
      ids.withUnsafeBufferPointer { ids in
        var index = 0
        for y in rows {
          let row = size.x * (y + size.y * z)
          for x in columns {
            var best = plane[index]
            var winner = 0
            for number in 1..<max(1, ids.count) where plane[index + number * count] > best {
              best = plane[index + number * count]
              winner = number
            }
            labels[row + x] = ids[winner]
            index += 1
          }
        }
      }
    }
  }
}
