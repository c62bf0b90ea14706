/// What the canonical search changes and takes back: memory that it allocates once.
///
/// Items are numbered by rank. Unsafe buffers because the search reads them some 10⁹ times: an array in a
/// class costs 26 times as much.
final class SearchState {
  let itemCount: Int
  let sectionCount: Int
  /// What a node counts: the work of one grows with the pairs of items that are alive together.
  let nodeCost: Int

  // Fixed data.
  let source: [Int]
  let size: UnsafeMutablePointer<Int>
  let twin: UnsafeMutablePointer<Int>
  let alignment: UnsafeMutablePointer<Int>
  let fixedOffset: UnsafeMutablePointer<Int>
  let firstSection: UnsafeMutablePointer<Int>
  let endSection: UnsafeMutablePointer<Int>
  /// The items alive with item i: `neighbours[neighbourStart[i]..<neighbourStart[i + 1]]`.
  let neighbourStart: UnsafeMutablePointer<Int>
  let neighbours: UnsafeMutablePointer<Int>
  /// The items alive in section s: `live[liveStart[s]..<liveStart[s + 1]]`.
  let liveStart: UnsafeMutablePointer<Int>
  let live: UnsafeMutablePointer<Int>

  // What changes.
  /// Lowest offset that the placed items leave to an unplaced one; `Int.max` once it is placed.
  let low: UnsafeMutablePointer<Int>
  /// Offset of a placed item.
  private let offset: UnsafeMutablePointer<Int>
  /// Least `low` among the unplaced items of a section; 0 where there is none.
  let floor: UnsafeMutablePointer<Int>
  /// Sum of the sizes of the unplaced items of a section.
  let total: UnsafeMutablePointer<Int>
  /// Unplaced items alive in both section s and section s + 1.
  private let crossing: UnsafeMutablePointer<Int>
  /// Scratch of `place` and of the inference.
  let raised: UnsafeMutablePointer<Int>
  private let dirty: UnsafeMutablePointer<Bool>
  /// Whether the last `place` left a point in time inside the item's life that no unplaced item crosses.
  private(set) var split = false

  // Stacks.
  /// Members of the groups of unplaced items.
  let pool: UnsafeMutablePointer<Int>
  private(set) var groups: [CanonicalSearch.Group] = []
  var groupCount: Int {
    get { groups.count }
    set { groups.removeLast(groups.count - newValue) }
  }
  /// What to restore: `low` of item t, the floor of section ~t, or item t - itemCount unplaced from offset
  /// `value`.
  private var trail: [(target: Int, value: Int)] = []
  var trailMark: Int { trail.count }

  init(_ instance: PackingInstance, ranking: [Int]) {
    let items = ranking.map { instance.items[$0] }
    let n = items.count
    let m = instance.sectionCount
    itemCount = n
    sectionCount = m
    source = ranking
    size = allocate(items.map(\.size))
    alignment = allocate(items.map(\.alignment))
    fixedOffset = allocate(items.map(\.fixedOffset))
    firstSection = allocate(items.map(\.firstSection))
    endSection = allocate(items.map(\.endSection))
    low = allocate(items.map { max(0, $0.fixedOffset) })
    offset = allocate(Array(repeating: 0, count: n))
    twin = allocate(
      items.indices.map { index in
        items[..<index].lastIndex { other in
          let item = items[index]
          return other.firstSection == item.firstSection && other.endSection == item.endSection
            && other.size == item.size && other.alignment == item.alignment && other.fixedOffset < 0
            && item.fixedOffset < 0
        } ?? -1
      })

    var starts = [0]
    var flat: [Int] = []
    for index in items.indices {
      for other in items.indices where other != index && items[other].overlapsInTime(items[index]) {
        flat.append(other)
      }
      starts.append(flat.count)
    }
    neighbourStart = allocate(starts)
    neighbours = allocate(flat)
    nodeCost = max(1, flat.count / 8_192)

    var alive = Array(repeating: [Int](), count: m)
    var crossings = Array(repeating: 0, count: m)
    for (index, item) in items.enumerated() {
      for section in item.firstSection..<item.endSection {
        alive[section].append(index)
        if section + 1 < item.endSection { crossings[section] += 1 }
      }
    }
    starts = [0]
    for section in alive { starts.append(starts[starts.count - 1] + section.count) }
    liveStart = allocate(starts)
    live = allocate(alive.flatMap { $0 })
    crossing = allocate(crossings)
    total = allocate(instance.sectionTotals)
    floor = allocate(alive.map { section in section.map { max(0, items[$0].fixedOffset) }.min() ?? 0 })
    raised = allocate(Array(repeating: 0, count: n))
    dirty = UnsafeMutablePointer<Bool>.allocate(capacity: max(1, m))
    dirty.initialize(repeating: false, count: m)

    // A level of the search holds its group and the parts of it; each level has one item less. Pages that
    // no level reaches are never touched.
    pool = UnsafeMutablePointer<Int>.allocate(capacity: n * (n + 1) + 2 * n + 1)
    for index in 0..<n { pool[index] = index }
  }

  deinit {
    for memory in [
      size, twin, alignment, fixedOffset, firstSection, endSection, neighbourStart, neighbours, liveStart,
      live, low, offset, floor, total, crossing, raised, pool,
    ] { memory.deallocate() }
    dirty.deallocate()
  }

  func offsetsByItem() -> [Int] {
    var result = Array(repeating: 0, count: itemCount)
    for index in 0..<itemCount { result[source[index]] = offset[index] }
    return result
  }

  /// Places an item and raises everything that rests on it. False where a fixed item would have to move.
  func place(_ item: Int, at place: Int) -> Bool {
    let top = place + size[item]
    var (firstDirty, endDirty) = (firstSection[item], endSection[item])
    split = false
    for section in firstDirty..<endDirty {
      total[section] &-= size[item]
      if floor[section] == place { dirty[section] = true }
      if section + 1 < endDirty {
        crossing[section] &-= 1
        if crossing[section] == 0 { split = true }
      }
    }
    offset[item] = place
    low[item] = Int.max
    trail.append((itemCount + item, place))

    var consistent = true
    for slot in neighbourStart[item]..<neighbourStart[item + 1] {
      let other = neighbours[slot]
      let old = low[other]
      if old >= top { continue }
      let new = alignment[other] == 1 ? top : roundedUp(top, toMultipleOf: alignment[other])
      if new <= old { continue }
      trail.append((other, old))
      low[other] = new
      if fixedOffset[other] >= 0 { consistent = false }
      for section in firstSection[other]..<endSection[other] where floor[section] == old {
        dirty[section] = true
      }
      firstDirty = min(firstDirty, firstSection[other])
      endDirty = max(endDirty, endSection[other])
    }
    for section in firstDirty..<endDirty where dirty[section] {
      dirty[section] = false
      var least = Int.max
      for slot in liveStart[section]..<liveStart[section + 1] { least = min(least, low[live[slot]]) }
      if least == Int.max { least = 0 }
      if least != floor[section] {
        trail.append((~section, floor[section]))
        floor[section] = least
      }
    }
    return consistent
  }

  /// Takes back every `place` since the mark.
  func undo(to mark: Int) {
    while trail.count > mark {
      let (target, value) = trail.removeLast()
      if target < 0 {
        floor[~target] = value
      } else if target < itemCount {
        low[target] = value
      } else {
        unplace(target - itemCount, from: value)
      }
    }
  }

  private func unplace(_ item: Int, from place: Int) {
    low[item] = place
    let (first, end) = (firstSection[item], endSection[item])
    for section in first..<end {
      total[section] &+= size[item]
      if section + 1 < end { crossing[section] &+= 1 }
    }
  }

  /// Pushes the independent parts of a group; their items are written to the pool from `poolTop` on, each
  /// part in rank order.
  func pushParts(of group: CanonicalSearch.Group, poolTop: Int) {
    var write = poolTop
    var first = group.firstSection
    while first < group.endSection {
      var end = first + 1
      while end < group.endSection && crossing[end - 1] > 0 { end += 1 }
      if total[first] > 0 {
        let start = write
        for slot in group.start..<group.start + group.count {
          let item = pool[slot]
          if firstSection[item] >= first && firstSection[item] < end {
            pool[write] = item
            write += 1
          }
        }
        groups.append(
          CanonicalSearch.Group(
            start: start, count: write - start, firstSection: first, endSection: end))
      }
      first = end
    }
  }
}

private func allocate(_ values: [Int]) -> UnsafeMutablePointer<Int> {
  let memory = UnsafeMutablePointer<Int>.allocate(capacity: max(1, values.count))
  memory.initialize(from: values, count: values.count)
  return memory
}
