/// Walks a schedule under a plan: the bytes alive at each step and the time of what is made again.
///
/// A search tries a hundred thousand plans, so the problem lies in flat arrays here.
struct RecomputeWalk {
  private let items: [RecomputeProblem.Item]
  private let base: [Int]
  private let baseBefore: [Int]
  /// Uses of all steps in order, step s at `start[s]..<start[s + 1]`: item, the gap behind this use (−1: it stays), and
  /// whether it is the item's last.
  private let start: [Int]
  private let used: [Int]
  private let gapBehind: [Int]
  private let isLastUse: [Bool]
  private let firstStep: [Int]
  private let lastStep: [Int]
  private let overlays: [RecomputeProblem.Overlay?]
  let gapCount: Int
  var itemCount: Int { items.count }
  var hasOverlays: Bool { overlays.contains { $0 != nil } }

  private var isAlive: [Bool]
  private var liveBytes = 0
  private(set) var peak = 0
  private(set) var seconds = 0.0
  /// Sum over all events of the bytes above `limit`: how far a plan is from it.
  private(set) var excess = 0.0
  var limit = Int.max
  /// Overlays are used where more bytes than this would be alive.
  var overlayLimit = Int.max
  /// Items that were made for another alone, innermost last.
  private var borrowed: [Int] = []

  /// - Parameter shortestGap: Uses closer than this many steps are never parted.
  init(_ problem: RecomputeProblem, shortestGap: Int) {
    items = problem.items
    base = problem.steps.map(\.baseInBytes)
    baseBefore = problem.steps.map(\.baseBeforeInBytes)
    var first = [Int](repeating: .max, count: items.count)
    var last = [Int](repeating: -1, count: items.count)
    var start = [0]
    var used: [Int] = []
    for (s, step) in problem.steps.enumerated() {
      for item in step.uses {
        first[item] = min(first[item], s)
        last[item] = s
      }
      used += step.uses
      start.append(used.count)
    }
    var gaps = 0
    var gapBehind = [Int](repeating: -1, count: used.count)
    var next = [Int](repeating: -1, count: items.count)
    for s in problem.steps.indices.reversed() {
      for e in start[s]..<start[s + 1] {
        let item = used[e]
        if next[item] >= 0, s >= items[item].madeAt, next[item] - s >= shortestGap {
          gapBehind[e] = gaps
          gaps += 1
        }
        next[item] = s
      }
    }
    isLastUse = used.indices.map { e in start[last[used[e]]] <= e }
    (self.start, self.used, self.gapBehind, gapCount) = (start, used, gapBehind, gaps)
    (firstStep, lastStep) = (first, last)
    overlays = problem.steps.map(\.overlay)
    isAlive = Array(repeating: false, count: items.count)
  }

  /// Fills `peak`, `seconds` and `excess`; hands each action to `body`.
  @inline(__always)
  mutating func run(_ plan: RecomputePlan, _ body: (RecomputeAction) -> Void) {
    (liveBytes, peak, seconds, excess) = (0, 0, 0, 0)
    for i in isAlive.indices { isAlive[i] = false }
    for s in base.indices {
      let uses = start[s]..<start[s + 1]
      for e in uses where !isAlive[used[e]] {
        if firstStep[used[e]] == s { begin(used[e]) } else { remake(used[e], plan, s, body) }
      }
      var overlay: RecomputeProblem.Overlay?
      if liveBytes + base[s] > overlayLimit, let known = overlays[s], known.item.map({ goes($0, at: uses, plan) }) ?? true {
        overlay = known
      }
      note(base[s], overlay)
      body(.step(s, isOverlaid: overlay != nil))
      for e in uses where goesBehind(e, plan) { end(used[e]) }
    }
  }

  @inline(__always)
  private func goesBehind(_ e: Int, _ plan: RecomputePlan) -> Bool {
    isLastUse[e] || gapBehind[e] >= 0 && plan.drops[gapBehind[e]]
  }

  private func goes(_ item: Int, at uses: Range<Int>, _ plan: RecomputePlan) -> Bool {
    uses.contains { used[$0] == item && goesBehind($0, plan) }
  }

  mutating func run(_ plan: RecomputePlan) { run(plan) { _ in } }

  private mutating func remake(_ item: Int, _ plan: RecomputePlan, _ s: Int, _ body: (RecomputeAction) -> Void) {
    // What is made for this one alone goes again, unless the step itself uses it.
    let mark = borrowed.count
    for input in items[item].inputs where !isAlive[input] {
      remake(input, plan, s, body)
      let stays = lastStep[input] > s && plan.stays[input] || used[start[s]..<start[s + 1]].contains(input)
      if !stays { borrowed.append(input) }
    }
    begin(item)
    seconds += items[item].seconds
    let base = baseBefore[s] + items[item].workspaceInBytes
    var overlay: RecomputeProblem.Overlay?
    if liveBytes + base > overlayLimit, let known = items[item].overlay,
      known.item.map(borrowed[mark...].contains) ?? true
    {
      overlay = known
    }
    note(base, overlay)
    body(.remake(item: item, isOverlaid: overlay != nil))
    while borrowed.count > mark { end(borrowed.removeLast()) }
  }

  private mutating func begin(_ item: Int) {
    isAlive[item] = true
    liveBytes += items[item].sizeInBytes
  }

  private mutating func end(_ item: Int) {
    isAlive[item] = false
    liveBytes -= items[item].sizeInBytes
  }

  /// Counts what is alive with `base` bytes that are no item.
  @inline(__always)
  private mutating func note(_ base: Int, _ overlay: RecomputeProblem.Overlay?) {
    var bytes = liveBytes + base
    if let overlay {
      bytes -= overlay.savedInBytes
      seconds += overlay.seconds
    }
    if bytes > peak { peak = bytes }
    if bytes > limit { excess += Double(bytes - limit) }
  }
}
