/// Depth-first search over canonical placements: is there one within a capacity?
///
/// Every placement can be pushed down until each buffer rests on the floor, on a fixed buffer, or on one
/// placed before it. So it is enough to place buffers in order of (offset, index), each at the lowest
/// offset that the buffers placed so far allow: `low`. On top of that order, four rules cut branches that
/// cannot hold the first solution:
///
/// - *Section inference*: a section's unplaced sizes must fit above the least offset that any of them can
///   still have.
/// - *Dominance*: a buffer at or above the top that some other unplaced buffer would have at its own `low`
///   would leave that one room to drop below it.
/// - *Decomposition*: where no unplaced buffer crosses a point in time, both sides are independent
///   problems.
/// - *Nothing above*: where no unplaced buffer is alive with the one just placed, its place is not what
///   makes the rest fail.
///
/// Method: Moffitt, "MiniMalloc: A Lightweight Memory Allocator for Hardware-Accelerated Machine Learning"
/// (ASPLOS 2023). This is an own implementation. The effort is bounded by a count of placed buffers (on
/// large instances one counts for several), so a result is reproducible.
struct CanonicalSearch: ~Copyable {
  enum Outcome {
    case solved, infeasible, exhausted
  }

  /// A set of unplaced items that no other unplaced item overlaps in time: `count` entries of `pool` from
  /// `start`.
  struct Group {
    var start: Int
    var count: Int
    var firstSection: Int
    var endSection: Int
  }

  let state: SearchState
  let capacity: Int
  let nodeLimit: Int
  /// The recursion is as deep as there are items, at some 500 bytes of stack each.
  static let mostItems = 4_096
  private(set) var nodes = 0

  /// - Parameter ranking: items of the instance, most urgent first; where several could come next, that one
  ///   is tried first.
  /// - Parameter costLimit: bounds nodes times ``nodeCost`` in the same way.
  init(_ instance: PackingInstance, ranking: [Int], capacity: Int, nodeLimit: Int, costLimit: Int) {
    state = SearchState(instance, ranking: ranking)
    self.capacity = capacity
    self.nodeLimit = min(nodeLimit, costLimit / state.nodeCost)
  }

  var nodeCost: Int { state.nodeCost }

  /// Offsets in units, one an item of the instance; read after `.solved`.
  var offsets: [Int] { state.offsetsByItem() }

  mutating func run() -> Outcome {
    guard state.itemCount > 0 else { return .solved }
    guard state.fits(capacity: capacity, above: 0, firstSection: 0, endSection: state.sectionCount) else {
      return .infeasible
    }
    let root = Group(
      start: 0, count: state.itemCount, firstSection: 0, endSection: state.sectionCount)
    return solveParts(of: root, above: 0, after: -1, poolTop: state.itemCount)
  }

  /// Solves each independent part of a group; one that fails makes the whole group fail, whatever the
  /// others do.
  private mutating func solveParts(
    of group: Group, above floor: Int, after rank: Int, poolTop: Int
  ) -> Outcome {
    let mark = state.groupCount
    state.pushParts(of: group, poolTop: poolTop)
    let end = state.groupCount
    defer { state.groupCount = mark }
    for index in mark..<end {
      let outcome = solve(
        state.groups[index], above: floor, after: rank, poolTop: poolTop + group.count)
      if outcome != .solved { return outcome }
    }
    return .solved
  }

  /// - Parameters:
  ///   - floor: offset of the item placed last: no later one lies below it.
  ///   - rank: the item placed last: a later one at the same offset has a higher rank.
  private mutating func solve(_ group: Group, above floor: Int, after rank: Int, poolTop: Int) -> Outcome {
    let pool = state.pool
    let low = state.low
    let size = state.size
    var ceiling = Int.max
    for slot in group.start..<group.start + group.count {
      let item = pool[slot]
      ceiling = min(ceiling, low[item] + size[item])
    }
    if ceiling <= floor { return .infeasible }

    guard state.canComplete(group, above: floor, after: rank, capacity: capacity) else { return .infeasible }

    var (lastOffset, lastItem) = (floor, rank)
    while true {
      // The next candidate in order of (low, rank): lowest first leaves the least unused space below. One
      // pass a candidate is cheaper than a sort a node, because few candidates are tried.
      var (slot, item, offset) = (-1, -1, ceiling)
      for candidate in group.start..<group.start + group.count {
        let other = pool[candidate]
        let place = low[other]
        if place < offset && (place > lastOffset || (place == lastOffset && other > lastItem)) {
          (slot, item, offset) = (candidate, other, place)
        }
      }
      if slot < 0 { break }
      (lastOffset, lastItem) = (offset, item)
      // Of two items with the same life and size, the first in rank is the lower one.
      let twin = state.twin[item]
      if twin >= 0 && low[twin] != Int.max { continue }
      if nodes >= nodeLimit { return .exhausted }
      nodes += 1

      let mark = state.trailMark
      let consistent = state.place(item, at: offset)
      if consistent
        && state.fits(
          capacity: capacity, above: offset, firstSection: group.firstSection, endSection: group.endSection)
      {
        var rest = group
        rest.count -= 1
        if rest.count == 0 { return .solved }
        rest.start = poolTop
        var write = poolTop
        for other in group.start..<group.start + group.count where other != slot {
          pool[write] = pool[other]
          write += 1
        }
        let outcome =
          state.split
          ? solveParts(of: rest, above: offset, after: item, poolTop: write)
          : solve(rest, above: offset, after: item, poolTop: write)
        if outcome == .solved { return .solved }
        let nothingAbove = !state.hasUnplacedNeighbour(item)
        state.undo(to: mark)
        if outcome == .exhausted || nothingAbove { return outcome }
      } else {
        state.undo(to: mark)
      }
    }
    return .infeasible
  }
}
