/// Greedy packing: take the buffers in some order, put each into a gap between those already placed that
/// are alive with it.
///
/// Largest first into the tightest gap is the "greedy by size" of Pisarchyk & Lee, "Efficient Memory
/// Management for Deep Neural Net Inference" (2020); it meets the lower bound on plain U-Net training
/// graphs.
struct GreedyVariant {
  enum Order: String, CaseIterable {
    case size, area, duration, conflicts, start
  }
  enum Fit: String, CaseIterable {
    case best = "best-fit"
    case first = "first-fit"
  }

  var order: Order
  var fit: Fit

  var name: String { "\(order.rawValue)/\(fit.rawValue)" }

  static let all = Order.allCases.flatMap { order in
    Fit.allCases.map { GreedyVariant(order: order, fit: $0) }
  }

  /// Offsets in units, one an item, and the arena. Nil where two fixed items collide.
  func pack(_ instance: PackingInstance) -> (offsets: [Int], arena: Int)? {
    let items = instance.items
    var offsets = Array(repeating: 0, count: items.count)
    /// Placed items sorted by offset: one pass from below finds all gaps.
    var placed: [Int] = []
    placed.reserveCapacity(items.count)
    var arena = 0
    for index in sequence(instance) {
      let item = items[index]
      let offset: Int
      if item.fixedOffset >= 0 {
        offset = item.fixedOffset
        let end = offset + item.size
        let collides = placed.contains { other in
          items[other].overlapsInTime(item) && offsets[other] < end
            && offset < offsets[other] + items[other].size
        }
        if collides { return nil }
      } else {
        offset = lowestFit(of: item, among: placed, items: items, offsets: offsets)
      }
      offsets[index] = offset
      arena = max(arena, offset + item.size)
      let slot = placed.firstIndex { offsets[$0] > offset } ?? placed.count
      placed.insert(index, at: slot)
    }
    return (offsets, arena)
  }

  private func lowestFit(
    of item: PackingInstance.Item, among placed: [Int], items: [PackingInstance.Item], offsets: [Int]
  ) -> Int {
    var top = 0
    var best = -1
    var bestSlack = Int.max
    for other in placed where items[other].overlapsInTime(item) {
      let start = roundedUp(top, toMultipleOf: item.alignment)
      let slack = offsets[other] - (start + item.size)
      if slack >= 0 && slack < bestSlack {
        best = start
        bestSlack = slack
        if fit == .first || slack == 0 { return best }
      }
      top = max(top, offsets[other] + items[other].size)
    }
    return best >= 0 ? best : roundedUp(top, toMultipleOf: item.alignment)
  }

  /// The items in the order in which they are placed: fixed ones first, ties by input order.
  private func sequence(_ instance: PackingInstance) -> [Int] {
    let items = instance.items
    // Each key sorts descending, first component first.
    let keys: [(Double, Double)] = items.indices.map { index in
      let item = items[index]
      let size = Double(item.size)
      let duration = Double(instance.duration(of: item))
      switch order {
      case .size: return (size, duration)
      case .area: return (size * duration, size)
      case .duration: return (duration, size)
      case .conflicts:
        var alive = 0.0
        for other in items where other.overlapsInTime(item) { alive += Double(other.size) }
        return (alive, size)
      case .start: return (-Double(item.firstSection), size)
      }
    }
    return items.indices.sorted { a, b in
      let (fixedA, fixedB) = (items[a].fixedOffset >= 0, items[b].fixedOffset >= 0)
      if fixedA != fixedB { return fixedA }
      if keys[a].0 != keys[b].0 { return keys[a].0 > keys[b].0 }
      if keys[a].1 != keys[b].1 { return keys[a].1 > keys[b].1 }
      return a < b
    }
  }
}
