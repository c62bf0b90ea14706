/// The pixels of one label in a slice as SVG path data, in pixel coordinates.
struct LabelOutline {
  let width: Int
  let height: Int
  private let mask: [Bool]

  /// - Parameter labels: rows from the top.
  init(_ id: Int32, in labels: [Int32], width: Int, height: Int) {
    (self.width, self.height) = (width, height)
    mask = labels.map { $0 == id }
  }

  var isEmpty: Bool { !mask.contains(true) }

  private func has(_ x: Int, _ y: Int) -> Bool {
    x >= 0 && y >= 0 && x < width && y < height && mask[x + width * y]
  }

  /// The area: one rectangle a run of pixels.
  var area: String {
    var path = ""
    for y in 0..<height {
      var x = 0
      while x < width {
        guard has(x, y) else {
          x += 1
          continue
        }
        let start = x
        while has(x, y) { x += 1 }
        path += "M\(start) \(y)h\(x - start)v1h-\(x - start)z"
      }
    }
    return path
  }

  /// The edges between the label and what is around it: one line a straight run.
  var contour: String {
    var path = ""
    for y in 0...height {
      var x = 0
      while x < width {
        guard has(x, y) != has(x, y - 1) else {
          x += 1
          continue
        }
        let start = x
        while x < width, has(x, y) != has(x, y - 1) { x += 1 }
        path += "M\(start) \(y)h\(x - start)"
      }
    }
    for x in 0...width {
      var y = 0
      while y < height {
        guard has(x, y) != has(x - 1, y) else {
          y += 1
          continue
        }
        let start = y
        while y < height, has(x, y) != has(x - 1, y) { y += 1 }
        path += "M\(x) \(start)v\(y - start)"
      }
    }
    return path
  }
}
