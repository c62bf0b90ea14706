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
  let gapCount: Int
  var itemCount: Int { items.count }

  private var isAlive: [Bool]
  private var liveBytes = 0
  private(set) var peak = 0
  private(set) var seconds = 0.0
  /// Sum over all events of the bytes above `limit`: how far a plan is from it.
  private(set) var excess = 0.0
  var limit = Int.max

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
      note(base[s])
      body(.step(s))
      for e in uses where isLastUse[e] || gapBehind[e] >= 0 && plan.drops[gapBehind[e]] { end(used[e]) }
    }
  }

  mutating func run(_ plan: RecomputePlan) { run(plan) { _ in } }

  private mutating func remake(_ item: Int, _ plan: RecomputePlan, _ s: Int, _ body: (RecomputeAction) -> Void) {
    // What is made for this one alone goes again, unless the step itself uses it.
    var borrowed: [Int] = []
    for input in items[item].inputs where !isAlive[input] {
      remake(input, plan, s, body)
      let stays = lastStep[input] > s && plan.stays[input] || used[start[s]..<start[s + 1]].contains(input)
      if !stays { borrowed.append(input) }
    }
    begin(item)
    seconds += items[item].seconds
    note(baseBefore[s] + items[item].workspaceInBytes)
    body(.remake(item: item))
    for input in borrowed { end(input) }
  }

  private mutating func begin(_ item: Int) {
    isAlive[item] = true
    liveBytes += items[item].sizeInBytes
  }

  private mutating func end(_ item: Int) {
    isAlive[item] = false
    liveBytes -= items[item].sizeInBytes
  }

  @inline(__always)
  private mutating func note(_ base: Int) {
    let bytes = liveBytes + base
    if bytes > peak { peak = bytes }
    if bytes > limit { excess += Double(bytes - limit) }
  }
}
