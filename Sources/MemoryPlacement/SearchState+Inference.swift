// What can be told about a state without searching on.
extension SearchState {
  /// Whether the unplaced items of each section fit between its floor (or `base`, where that is higher) and
  /// the capacity.
  func fits(capacity: Int, above base: Int, firstSection: Int, endSection: Int) -> Bool {
    var highest = 0
    for section in firstSection..<endSection {
      let rest = total[section]
      highest = max(highest, rest == 0 ? 0 : max(floor[section], base) &+ rest)
    }
    return highest <= capacity
  }

  /// The same for a group, with what the canonical order says about the items that it has passed over.
  ///
  /// An item whose turn at its `low` is over (it lies below `base`, the offset placed last, or at it with a
  /// lower rank) must still be raised by another one that will share bytes with [low, low + size). Without
  /// such a one the state is dead; with it, the item ends up above the least of their tops, which raises
  /// the floors of its sections.
  func canComplete(
    _ group: CanonicalSearch.Group, above base: Int, after rank: Int, capacity: Int
  ) -> Bool {
    for slot in group.start..<group.start + group.count {
      let item = pool[slot]
      raised[item] = max(low[item], base)
    }
    for slot in group.start..<group.start + group.count {
      let item = pool[slot]
      guard low[item] < base || (low[item] == base && item < rank) else { continue }
      let top = low[item] + size[item]
      var least = Int.max
      for other in neighbourStart[item]..<neighbourStart[item + 1] {
        let neighbour = neighbours[other]
        if low[neighbour] < top && raised[neighbour] < top {
          least = min(least, raised[neighbour] + size[neighbour])
        }
      }
      if least == Int.max { return false }
      raised[item] = max(raised[item], least)
    }
    for section in group.firstSection..<group.endSection where total[section] > 0 {
      var least = Int.max
      for slot in liveStart[section]..<liveStart[section + 1] where low[live[slot]] != Int.max {
        least = min(least, raised[live[slot]])
      }
      if least + total[section] > capacity { return false }
    }
    return true
  }

  func hasUnplacedNeighbour(_ item: Int) -> Bool {
    for slot in neighbourStart[item]..<neighbourStart[item + 1] where low[neighbours[slot]] != Int.max {
      return true
    }
    return false
  }
}
