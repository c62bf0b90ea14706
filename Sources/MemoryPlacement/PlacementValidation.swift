/// A rule that a placement breaks. Indices are positions in the array of lifetimes.
public enum PlacementViolation: Sendable, Equatable, CustomStringConvertible {
  /// There is not one offset a lifetime.
  case wrongCount(expected: Int, found: Int)
  case negativeOffset(index: Int, offsetInBytes: Int)
  case misaligned(index: Int, offsetInBytes: Int, alignmentInBytes: Int)
  case notAtFixedOffset(index: Int, offsetInBytes: Int, expectedInBytes: Int)
  /// The buffer's end lies beyond the arena.
  case outsideArena(index: Int, endInBytes: Int, arenaInBytes: Int)
  /// Both are alive at `step` and share at least one byte.
  case overlap(first: Int, second: Int, step: Int)

  public var description: String {
    switch self {
    case .wrongCount(let expected, let found):
      "\(found) offsets for \(expected) lifetimes"
    case .negativeOffset(let index, let offset):
      "buffer \(index): offset \(offset) is negative"
    case .misaligned(let index, let offset, let alignment):
      "buffer \(index): offset \(offset) is no multiple of \(alignment)"
    case .notAtFixedOffset(let index, let offset, let expected):
      "buffer \(index): offset \(offset), fixed at \(expected)"
    case .outsideArena(let index, let end, let arena):
      "buffer \(index): ends at \(end), beyond the arena of \(arena) bytes"
    case .overlap(let first, let second, let step):
      "buffers \(first) and \(second) share bytes at step \(step)"
    }
  }
}

/// Everything that is wrong with a placement, by comparing all pairs: O(n²), and independent of the
/// solvers, with which it shares no code.
///
/// - Parameter arenaInBytes: no end may lie beyond it; nil skips that check.
public func validate(
  offsetsInBytes: [Int], of lifetimes: [Lifetime], arenaInBytes: Int? = nil
) -> [PlacementViolation] {
  guard offsetsInBytes.count == lifetimes.count else {
    return [.wrongCount(expected: lifetimes.count, found: offsetsInBytes.count)]
  }
  var violations: [PlacementViolation] = []
  var ends: [Int] = []
  for (index, lifetime) in lifetimes.enumerated() {
    let offset = offsetsInBytes[index]
    let (end, overflow) = offset.addingReportingOverflow(lifetime.sizeInBytes)
    ends.append(overflow ? Int.max : end)
    if offset < 0 { violations.append(.negativeOffset(index: index, offsetInBytes: offset)) }
    if lifetime.alignmentInBytes < 1 || offset % lifetime.alignmentInBytes != 0 {
      violations.append(
        .misaligned(index: index, offsetInBytes: offset, alignmentInBytes: lifetime.alignmentInBytes))
    }
    if let expected = lifetime.fixedOffsetInBytes, expected != offset {
      violations.append(
        .notAtFixedOffset(index: index, offsetInBytes: offset, expectedInBytes: expected))
    }
    if let arenaInBytes, ends[index] > arenaInBytes {
      violations.append(
        .outsideArena(index: index, endInBytes: ends[index], arenaInBytes: arenaInBytes))
    }
  }
  for first in lifetimes.indices {
    for second in lifetimes.indices where second > first {
      let step = max(lifetimes[first].lower, lifetimes[second].lower)
      guard step < min(lifetimes[first].upper, lifetimes[second].upper) else { continue }
      let start = max(offsetsInBytes[first], offsetsInBytes[second])
      if start < min(ends[first], ends[second]) {
        violations.append(.overlap(first: first, second: second, step: step))
      }
    }
  }
  return violations
}

/// Everything that is wrong with a placement, its arena included.
public func validate(_ placement: Placement, of lifetimes: [Lifetime]) -> [PlacementViolation] {
  guard let bank = placement.bankInBytes else {
    return validate(
      offsetsInBytes: placement.offsetsInBytes, of: lifetimes, arenaInBytes: placement.arenaInBytes)
  }
  let sizes = placement.bankSizesInBytes
  let outside = zip(lifetimes, placement.offsetsInBytes).enumerated().compactMap { index, pair in
    let (lifetime, offset) = pair
    let end = offset + lifetime.sizeInBytes
    let limit = offset >= 0 && offset / bank < sizes.count ? offset / bank * bank + sizes[offset / bank] : 0
    return end > limit
      ? PlacementViolation.outsideArena(index: index, endInBytes: end, arenaInBytes: limit) : nil
  }
  return outside + validate(offsetsInBytes: placement.offsetsInBytes, of: lifetimes)
}
