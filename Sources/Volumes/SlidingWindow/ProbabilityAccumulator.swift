/// One finished axial slice of blended class probabilities (fp32).
public struct ProbabilitySlice: Sendable {
  /// The slice's index in the volume.
  public var z: Int
  /// The rows (y) of the volume that it holds.
  public var rows: Range<Int>
  /// Voxels of a row.
  public var width: Int
  public var classCount: Int
  /// C×rows×W, x fastest.
  public var probabilities: [Float]

  /// The index of the most probable class of each voxel, rows×W; the lowest index where several are equal.
  public func mostProbableClasses() -> [Int32] {
    let count = rows.count * width
    var classes = [Int32](repeating: 0, count: count)
    probabilities.withUnsafeBufferPointer { values in
      classes.withUnsafeMutableBufferPointer { classes in
        for index in 0..<count {
          var best = values[index]
          for number in 1..<max(1, classCount) where values[index + number * count] > best {
            best = values[index + number * count]
            classes[index] = Int32(number)
          }
        }
      }
    }
    return classes
  }
}

/// Blends the class probabilities of overlapping windows, p(v) = Σ w·p / Σ w, and hands out each slice as
/// soon as no later window can reach it.
///
/// It holds patch depth × rows × width × (classes + 1) floats, whatever the volume's depth. To stay below a
/// budget with many classes, run several accumulators over bands of rows (`rowsWithin`).
public struct ProbabilityAccumulator: Sendable {
  public let window: SlidingWindow
  public let classCount: Int
  /// The rows (y) of the volume that this accumulator covers.
  public let rows: Range<Int>

  /// Slot (z mod depth) × C × rows × W.
  private var sums: [Float]
  /// Slot × rows × W.
  private var weights: [Float]
  private var slice: ProbabilitySlice
  private var nextSlice = 0
  private var depth: Int

  public init(window: SlidingWindow, classCount: Int, rows: Range<Int>? = nil) {
    precondition(classCount > 0, "internal: a network without classes has no probabilities")
    self.window = window
    self.classCount = classCount
    self.rows = rows ?? 0..<window.volumeSize.y
    depth = min(window.patchSize.z, window.volumeSize.z)
    let plane = self.rows.count * window.volumeSize.x
    sums = [Float](repeating: 0, count: depth * classCount * plane)
    weights = [Float](repeating: 0, count: depth * plane)
    slice = ProbabilitySlice(
      z: 0, rows: self.rows, width: window.volumeSize.x, classCount: classCount,
      probabilities: [Float](repeating: 0, count: classCount * plane))
  }

  /// The bytes that an accumulator of `rowCount` rows holds.
  public static func sizeInBytes(window: SlidingWindow, classCount: Int, rowCount: Int) -> Int {
    let plane = rowCount * window.volumeSize.x * MemoryLayout<Float>.size
    return plane * ((classCount + 1) * min(window.patchSize.z, window.volumeSize.z) + classCount)
  }

  /// The most rows whose accumulator stays within `budgetInBytes`; at least 1.
  public static func rowsWithin(
    budgetInBytes: Int, window: SlidingWindow, classCount: Int
  ) -> Int {
    let row = sizeInBytes(window: window, classCount: classCount, rowCount: 1)
    return min(window.volumeSize.y, max(1, budgetInBytes / max(1, row)))
  }

  /// Adds one window's probabilities (C×D×H×W). Windows come in the order of `SlidingWindow.origins`;
  /// `emit` receives, in ascending z, the slices that have become final.
  public mutating func add(
    _ probabilities: UnsafeBufferPointer<Float>, origin: SIMD3<Int>,
    emit: (ProbabilitySlice) throws -> Void
  ) rethrows {
    let patch = window.patchSize
    precondition(
      probabilities.count == classCount * patch.voxelCount && max(0, origin.z) >= nextSlice,
      "internal: a window's size or order is wrong")
    try flush(upTo: max(0, origin.z), emit: emit)
    let volume = window.volumeSize
    let zRange = max(0, origin.z)..<max(0, origin.z, min(volume.z, origin.z + patch.z))
    let yLow = max(rows.lowerBound, origin.y)
    let yRange = yLow..<max(yLow, min(rows.upperBound, origin.y + patch.y))
    let xLow = max(0, origin.x)
    let xRange = xLow..<max(xLow, min(volume.x, origin.x + patch.x))
    let plane = rows.count * volume.x
    let (classCount, depth, firstRow) = (self.classCount, self.depth, rows.lowerBound)
    window.importance.withUnsafeBufferPointer { importance in
      sums.withUnsafeMutableBufferPointer { sums in
        weights.withUnsafeMutableBufferPointer { weights in
          for z in zRange {
            let slot = z % depth
            for y in yRange {
              let from = (xRange.lowerBound - origin.x)
                + patch.x * ((y - origin.y) + patch.y * (z - origin.z))
              let to = xRange.lowerBound + volume.x * (y - firstRow)
              for x in 0..<xRange.count { weights[slot * plane + to + x] += importance[from + x] }
              for number in 0..<classCount {
                let target = (slot * classCount + number) * plane + to
                let source = number * patch.voxelCount + from
                for x in 0..<xRange.count {
                  sums[target + x] += importance[from + x] * probabilities[source + x]
                }
              }
            }
          }
        }
      }
    }
  }

  /// As above, from an array.
  public mutating func add(
    _ probabilities: [Float], origin: SIMD3<Int>, emit: (ProbabilitySlice) throws -> Void
  ) rethrows {
    try probabilities.withUnsafeBufferPointer { try add($0, origin: origin, emit: emit) }
  }

  /// Hands out the remaining slices, after the last window.
  public mutating func finish(emit: (ProbabilitySlice) throws -> Void) rethrows {
    try flush(upTo: window.volumeSize.z, emit: emit)
  }

  private mutating func flush(upTo end: Int, emit: (ProbabilitySlice) throws -> Void) rethrows {
    let plane = rows.count * window.volumeSize.x
    while nextSlice < end {
      let slot = nextSlice % depth
      slice.z = nextSlice
      let classCount = self.classCount
      slice.probabilities.withUnsafeMutableBufferPointer { out in
        sums.withUnsafeMutableBufferPointer { sums in
          weights.withUnsafeMutableBufferPointer { weights in
            for number in 0..<classCount {
              let base = (slot * classCount + number) * plane
              for index in 0..<plane {
                // No window, no weight: the voxel stays 0 in all classes.
                let weight = weights[slot * plane + index]
                out[number * plane + index] = weight > 0 ? sums[base + index] / weight : 0
                sums[base + index] = 0
              }
            }
            for index in 0..<plane { weights[slot * plane + index] = 0 }
          }
        }
      }
      nextSlice += 1
      try emit(slice)
    }
  }
}
