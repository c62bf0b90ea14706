/// Runs the canonical search with several rankings and capacities under one budget of nodes.
struct ArenaSearch {
  var instance: PackingInstance
  var remainingNodes: Int

  enum Answer {
    case found(Packing)
    case infeasible
    case unknown

    var packing: Packing? {
      if case .found(let packing) = self { packing } else { nil }
    }
  }

  /// The smallest arena that the budget finds, at least the bound: first the bound itself with half of the
  /// budget, then always the middle of what is left. The second value tells whether nothing smaller exists.
  mutating func minimise(from start: Packing) -> (Packing, proven: Bool) {
    var best = start
    /// No arena up to this was found; up to `infeasible`, none exists.
    var missed = instance.lowerBound - 1
    var infeasible = instance.lowerBound - 1
    var capacity = instance.lowerBound
    while missed + 1 < best.arena && remainingNodes > 0 {
      switch pack(within: capacity, nodeLimit: (remainingNodes + 1) / 2) {
      case .found(let packing):
        best = packing
      case .infeasible:
        infeasible = max(infeasible, capacity)
        missed = max(missed, capacity)
      case .unknown:
        missed = max(missed, capacity)
      }
      capacity = missed + (best.arena - missed) / 2
    }
    return (best, best.arena == infeasible + 1)
  }

  /// A packing within a capacity: the rankings take turns with a limit that doubles, because which one
  /// finds a solution within seconds, and which one not within hours, differs from instance to instance.
  mutating func pack(within capacity: Int, nodeLimit: Int) -> Answer {
    guard capacity >= instance.lowerBound else { return .infeasible }
    guard instance.items.count <= CanonicalSearch.mostItems else {
      remainingNodes = 0
      return .unknown
    }
    var budget = min(nodeLimit, remainingNodes)
    let rankings = SearchRanking.allCases.map { $0.ranking(of: instance) }
    // The first turn is long enough to place every buffer once.
    var turn = max(1_024, 2 * instance.items.count)
    while budget > 0 {
      for ranking in rankings where budget > 0 {
        var search = CanonicalSearch(
          instance, ranking: ranking, capacity: capacity, nodeLimit: turn, costLimit: budget)
        let outcome = search.run()
        // At least one, so that an instance on which not a single node is within the limit ends as well.
        let spent = max(1, search.nodes * search.nodeCost)
        budget -= spent
        remainingNodes -= spent
        switch outcome {
        case .solved:
          let offsets = search.offsets
          let arena = zip(offsets, instance.items).reduce(0) { max($0, $1.0 + $1.1.size) }
          return .found(Packing(offsets: offsets, arena: arena, method: "canonical search"))
        case .infeasible:
          return .infeasible
        case .exhausted:
          continue
        }
      }
      turn *= 2
    }
    return .unknown
  }
}

/// Which of several buffers with the same lowest offset the search tries first: compared by figures, each
/// descending.
///
/// W: sections of its life. Z: size. A: W times Z. O: buffers alive with it. T: the largest sum of sizes in
/// any section of its life. No single ranking solves all of MiniMalloc's challenging instances within 10⁶
/// nodes: of A to F, the first solves A, C and F, the second E and F, the third D, the others B and C.
enum SearchRanking: CaseIterable {
  case totalWidthArea, totalOverlaps, overlapsArea, areaSizeTotal, totalAreaWidth, widthAreaTotal

  func ranking(of instance: PackingInstance) -> [Int] {
    let items = instance.items
    let keys: [[Int]] = items.map { item in
      let width = item.endSection - item.firstSection
      let product = item.size.multipliedReportingOverflow(by: width)
      let area = product.overflow ? Int.max : product.partialValue
      let total = instance.sectionTotals[item.firstSection..<item.endSection].max() ?? 0
      let overlaps = items.reduce(0) { $0 + ($1.overlapsInTime(item) ? 1 : 0) }
      return switch self {
      case .totalWidthArea: [total, width, area]
      case .totalOverlaps: [total, overlaps]
      case .overlapsArea: [overlaps, area]
      case .areaSizeTotal: [area, item.size, total]
      case .totalAreaWidth: [total, area, width]
      case .widthAreaTotal: [width, area, total]
      }
    }
    return items.indices.sorted { a, b in
      keys[a] == keys[b] ? a < b : keys[b].lexicographicallyPrecedes(keys[a])
    }
  }
}
