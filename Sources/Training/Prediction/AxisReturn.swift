import Volumes

/// The way back along one axis: for each voxel of the original grid, where its value stands in the prepared
/// one.
///
/// Positions are of the half-pixel grid, p(i) = (i + ½ − c₀) · n / (c₁ − c₀) − ½, where the prepared axis has
/// n voxels and its outer faces lie at c₀ and c₁, counted in voxels of the original axis. Outside the faces
/// (what a crop cut off) there is no value.
struct AxisReturn: Sendable, Equatable {
  /// The voxels of the original axis whose centres lie between the prepared axis's outer faces.
  let inside: Range<Int>
  /// For each of them: the two prepared voxels and the share of the second.
  let low: [Int]
  let high: [Int]
  let share: [Float]

  /// - Parameters:
  ///   - faces: c₀ and c₁. Within 1e-3 of a whole number they are taken as that number: affines carry
  ///     rounding, and two storage orders of one scan must get the same weights.
  init(preparedCount: Int, originalCount: Int, faces: SIMD2<Double>) {
    func snapped(_ face: Double) -> Double { abs(face - face.rounded()) < 1e-3 ? face.rounded() : face }
    let (first, last) = (snapped(faces.x), snapped(faces.y))
    // Voxel i is inside where first ≤ i + ½ ≤ last.
    let begin = min(max(0, Int((first - 0.5).rounded(.up))), originalCount)
    let end = max(begin, min(originalCount, Int((last - 0.5).rounded(.down)) + 1))
    var (low, high, share): ([Int], [Int], [Float]) = ([], [], [])
    for i in begin..<end {
      let position = (Double(i) + 0.5 - first) * Double(preparedCount) / (last - first) - 0.5
      let floor = position.rounded(.down)
      let below = min(max(Int(floor), 0), preparedCount - 1)
      let above = min(max(Int(floor) + 1, 0), preparedCount - 1)
      low.append(below)
      high.append(above)
      share.append(below == above ? 0 : Float(position - floor))
    }
    inside = begin..<end
    (self.low, self.high, self.share) = (low, high, share)
  }

  /// The prepared voxels that a stretch of inside voxels needs.
  func prepared(for stretch: Range<Int>) -> Range<Int> {
    let first = stretch.lowerBound - inside.lowerBound
    return low[first]..<high[first + stretch.count - 1] + 1
  }

  /// Whether every voxel keeps its place.
  func isIdentity(count: Int) -> Bool {
    inside == 0..<count && low == Array(0..<count) && !share.contains { $0 != 0 }
  }
}

extension AxisReturn {
  /// The three ways back from a prepared grid onto the one that it was made of, axes parallel.
  static func axes(from prepared: VolumeGrid, onto original: VolumeGrid) -> [AxisReturn] {
    let inverse = original.affine.inverse
    let size = SIMD3<Double>(prepared.size)
    let first = inverse(prepared.affine(SIMD3(repeating: -0.5))) + 0.5
    let last = inverse(prepared.affine(size - 0.5)) + 0.5
    return (0..<3).map {
      AxisReturn(
        preparedCount: prepared.size[$0], originalCount: original.size[$0],
        faces: SIMD2(first[$0], last[$0]))
    }
  }
}
