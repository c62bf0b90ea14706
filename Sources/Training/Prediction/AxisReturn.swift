import Volumes

/// The way back along one axis: for each voxel of the original grid, where its value stands in the prepared
/// one.
///
/// Positions are of the half-pixel grid, p(i) = (i + ½ − c₀) · n / (c₁ − c₀) − ½, where the prepared axis has
/// n voxels and its outer faces lie at c₀ and c₁, counted in voxels of the original axis. Only prepared voxels whose
/// centres lie within the scan's own content are read: padding has no say. Outside the content (what a crop cut off)
/// there is no value.
struct AxisReturn: Sendable, Equatable {
  /// The voxels of the original axis whose centres lie within the content.
  let inside: Range<Int>
  /// For each of them: the two prepared voxels and the share of the second; without a share they are one.
  let low: [Int]
  let high: [Int]
  let share: [Float]

  /// - Parameters:
  ///   - faces: c₀ and c₁.
  ///   - content: the outer faces of what is neither padding nor cut off, within them.
  init(preparedCount: Int, originalCount: Int, faces: SIMD2<Double>, content: SIMD2<Double>) {
    // Sums of fractions carry rounding: what is within 1e-6 of a whole number is that number.
    func snapped(_ value: Double) -> Double { abs(value - value.rounded()) < 1e-6 ? value.rounded() : value }
    func centres(from first: Double, to last: Double, count: Int) -> Range<Int> {
      // Voxel i is inside where first ≤ i + ½ ≤ last.
      let begin = min(max(0, Int((snapped(first) - 0.5).rounded(.up))), count)
      return begin..<max(begin, min(count, Int((snapped(last) - 0.5).rounded(.down)) + 1))
    }
    let scale = Double(preparedCount) / (faces.y - faces.x)
    func position(_ place: Double) -> Double { (place - faces.x) * scale }
    inside = centres(from: content.x, to: content.y, count: originalCount)
    var readable = centres(from: position(content.x), to: position(content.y), count: preparedCount)
    if readable.isEmpty {
      // The content is narrower than a prepared voxel: the one that it lies in.
      let at = min(max(Int(position((content.x + content.y) / 2)), 0), preparedCount - 1)
      readable = at..<at + 1
    }
    func clamped(_ i: Int) -> Int { min(max(i, readable.lowerBound), readable.upperBound - 1) }
    var (low, high, share): ([Int], [Int], [Float]) = ([], [], [])
    for i in inside {
      let place = snapped(position(Double(i) + 0.5) - 0.5)
      let floor = place.rounded(.down)
      let below = clamped(Int(floor))
      let above = place == floor ? below : clamped(Int(floor) + 1)
      low.append(below)
      high.append(above)
      share.append(below == above ? 0 : Float(place - floor))
    }
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
  /// The three ways back from a prepared grid onto the scan's own of `size` voxels.
  static func axes(from prepared: PreparedExtent, onto size: SIMD3<Int>) -> [AxisReturn] {
    (0..<3).map {
      AxisReturn(
        preparedCount: prepared.size[$0], originalCount: size[$0],
        faces: SIMD2(prepared.first[$0], prepared.last[$0]),
        content: SIMD2(prepared.contentFirst[$0], prepared.contentLast[$0]))
    }
  }
}
