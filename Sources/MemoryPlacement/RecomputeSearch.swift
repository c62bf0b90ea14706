/// The memory–time curve of a schedule: for ever smaller peaks, the cheapest plans found.
///
/// For each target, from the last one's plan: the flip that takes most bytes above the target for its time, until none
/// are left; then simulated annealing over the flips. Every plan that is met on the way may become a point of the curve.
/// Below what dropping alone reaches, the same with overlays.
/// The curve depends on the problem alone (effort is counted in plans, never in seconds) and not on any budget, so that
/// more memory never gives a slower plan.
public struct RecomputeSearch {
  /// Uses closer than this many steps are never parted.
  private static let shortestGap = 4
  private static let bucketCount = 400

  private var walk: RecomputeWalk
  private let gapCount: Int
  private let full: RecomputePoint
  /// Best point by peak, the smallest peaks first.
  private var buckets: [RecomputePoint?]
  private var random: UInt64 = 0x9E37_79B9_7F4A_7C15
  /// Time of making every item once: the unit of the annealing's energy.
  private let unit: Double
  /// Plans that may still be tried.
  private var remaining: Int
  private var usesOverlays = false
  /// Largest peak that a point may have.
  private var largest = Int.max

  private init(_ problem: RecomputeProblem, planLimit: Int) {
    walk = RecomputeWalk(problem, shortestGap: Self.shortestGap)
    gapCount = walk.gapCount
    remaining = planLimit
    let nothing = RecomputePlan(
      drops: Array(repeating: false, count: gapCount), stays: Array(repeating: true, count: problem.items.count))
    walk.run(nothing)
    full = RecomputePoint(plan: nothing, peakInBytes: walk.peak, seconds: 0)
    buckets = Array(repeating: nil, count: Self.bucketCount)
    unit = max(1e-12, problem.items.reduce(0) { $0 + $1.seconds })
  }

  /// Points of falling peak and rising time; the first drops nothing.
  /// - Parameter planLimit: How many plans are tried in all, a quarter of them with overlays; 300,000 take about half a
  ///   second.
  public static func curve(_ problem: RecomputeProblem, planLimit: Int = 300_000) -> [RecomputePoint] {
    var search = RecomputeSearch(problem, planLimit: planLimit)
    search.descend()
    return search.points()
  }

  /// Everything dropped between two uses and every overlay used: seldom the least, but every way to save at work.
  public static func everything(_ problem: RecomputeProblem) -> RecomputePoint {
    var walk = RecomputeWalk(problem, shortestGap: Self.shortestGap)
    var plan = allDropped(walk)
    plan.overlayLimitInBytes = 0
    walk.overlayLimit = 0
    walk.run(plan)
    return RecomputePoint(plan: plan, peakInBytes: walk.peak, seconds: walk.seconds)
  }

  private static func allDropped(_ walk: RecomputeWalk) -> RecomputePlan {
    RecomputePlan(
      drops: Array(repeating: true, count: walk.gapCount), stays: Array(repeating: false, count: walk.itemCount))
  }

  /// The schedule under a plan.
  public static func actions(_ problem: RecomputeProblem, _ plan: RecomputePlan) -> [RecomputeAction] {
    var walk = RecomputeWalk(problem, shortestGap: Self.shortestGap)
    walk.overlayLimit = plan.overlayLimitInBytes
    var actions: [RecomputeAction] = []
    walk.run(plan) { actions.append($0) }
    return actions
  }

  private mutating func points() -> [RecomputePoint] {
    var points = [full]
    var lower: [RecomputePoint] = []
    for point in buckets.compactMap({ $0 }).sorted(by: { ($0.seconds, $0.peakInBytes) < ($1.seconds, $1.peakInBytes) })
    where point.peakInBytes < full.peakInBytes {
      if let last = lower.last, point.peakInBytes >= last.peakInBytes { continue }
      lower.append(point)
    }
    points += lower
    return points
  }

  private mutating func descend() {
    guard gapCount > 0 || walk.hasOverlays else { return }
    // The other end: everything dropped at once, which tells how far down the targets go.
    let all = Self.allDropped(walk)
    var least = min(full.peakInBytes, evaluate(all, 0).peak)
    let inReserve = walk.hasOverlays ? remaining / 4 : 0
    let plan = descend(from: full.plan, full.peakInBytes, to: &least, all, count: 24, plans: remaining - inReserve)
    guard walk.hasOverlays else { return }
    (usesOverlays, largest) = (true, least)
    var leastOfAll = min(least, evaluate(all, 0).peak, evaluate(plan, 0).peak)
    _ = descend(from: plan, least, to: &leastOfAll, all, count: 12, plans: remaining)
    for point in buckets.compactMap({ $0 }) where point.peakInBytes <= least { polish(point) }
  }

  /// Takes back, one by one, what a plan does in vain: the last plans found are far from their cheapest.
  private mutating func polish(_ point: RecomputePoint) {
    var plan = point.plan
    var seconds = point.seconds
    for bit in 0..<gapCount + plan.stays.count {
      flipped(&plan, bit)
      let then = evaluate(plan, point.peakInBytes)
      if then.peak <= point.peakInBytes, then.seconds < seconds { seconds = then.seconds } else { flipped(&plan, bit) }
    }
  }

  /// Towards ever smaller peaks, from the plan of the one before; returns that of the last.
  private mutating func descend(
    from start: RecomputePlan, _ most: Int, to least: inout Int, _ all: RecomputePlan, count: Int, plans: Int
  ) -> RecomputePlan {
    let end = remaining - plans
    let share = plans / (count + 4)
    var plan = start
    for i in 1...count {
      let target = most - (most - least) * i / count
      let before = remaining
      if let found = repaired(plan, target) { plan = found } else { plan = best(within: target)?.plan ?? all }
      anneal(plan, target, plans: max(0, min(share - (before - remaining), remaining - end)))
      plan = best(within: target)?.plan ?? plan
      least = min(least, buckets.compactMap { $0?.peakInBytes }.min() ?? least)
    }
    return plan
  }

  /// The cheapest known plan of at most this peak.
  private func best(within target: Int) -> RecomputePoint? {
    buckets.compactMap { $0 }.filter { $0.peakInBytes <= target }.min {
      ($0.seconds, $0.peakInBytes) < ($1.seconds, $1.peakInBytes)
    }
  }

  private mutating func evaluate(_ plan: RecomputePlan, _ target: Int) -> (excess: Double, seconds: Double, peak: Int) {
    remaining -= 1
    walk.limit = target
    walk.overlayLimit = usesOverlays ? target : .max
    walk.run(plan)
    let bucket = min(Self.bucketCount - 1, walk.peak * Self.bucketCount / (full.peakInBytes + 1))
    let known = buckets[bucket]
    if walk.peak <= largest, known == nil || (walk.seconds, walk.peak) < (known!.seconds, known!.peakInBytes) {
      buckets[bucket] = RecomputePoint(plan: plan, peakInBytes: walk.peak, seconds: walk.seconds)
      buckets[bucket]!.plan.overlayLimitInBytes = walk.overlayLimit
    }
    return (walk.excess, walk.seconds, walk.peak)
  }

  private func flipped(_ plan: inout RecomputePlan, _ bit: Int) {
    if bit < gapCount { plan.drops[bit].toggle() } else { plan.stays[bit - gapCount].toggle() }
  }

  /// Flips that take the most excess for their time until the target holds; nil where no flip helps any more.
  private mutating func repaired(_ start: RecomputePlan, _ target: Int) -> RecomputePlan? {
    var plan = start
    var now = evaluate(plan, target)
    while now.excess > 0 {
      var best: (bit: Int, worth: Double)?
      for bit in 0..<gapCount + plan.stays.count {
        flipped(&plan, bit)
        let then = evaluate(plan, target)
        flipped(&plan, bit)
        guard then.excess < now.excess else { continue }
        let worth = (now.excess - then.excess) / (max(0, then.seconds - now.seconds) + 1e-4 * unit)
        if worth > best?.worth ?? 0 { best = (bit, worth) }
      }
      guard let best, remaining > 0 else { return nil }
      flipped(&plan, best.bit)
      now = evaluate(plan, target)
    }
    return plan
  }

  private mutating func anneal(_ start: RecomputePlan, _ target: Int, plans: Int) {
    func energy(_ e: (excess: Double, seconds: Double, peak: Int)) -> Double {
      e.seconds / unit + 20 * Double(max(0, e.peak - target)) / Double(full.peakInBytes)
    }
    guard gapCount + start.stays.count > 0 else { return }
    var plan = start
    var now = energy(evaluate(plan, target))
    for i in 0..<plans where remaining > 0 {
      let heat = 0.02 * (1 - Double(i) / Double(plans)) + 1e-6
      let bits = [draw(gapCount + plan.stays.count), draw(gapCount + plan.stays.count)]
      let count = draw(2) + 1
      for bit in bits.prefix(count) { flipped(&plan, bit) }
      let then = energy(evaluate(plan, target))
      if then <= now || unitRandom() < approximateExp((now - then) / heat) {
        now = then
      } else {
        for bit in bits.prefix(count) { flipped(&plan, bit) }
      }
    }
  }

  /// e^x for x ≤ 0 by (1 + x/64)⁶⁴: the same bits with every C library.
  private func approximateExp(_ x: Double) -> Double {
    guard x > -32 else { return 0 }
    var y = 1 + x / 64
    for _ in 0..<6 { y *= y }
    return y
  }

  /// SplitMix64 (Steele, Lea, Flood 2014).
  private mutating func next() -> UInt64 {
    random &+= 0x9E37_79B9_7F4A_7C15
    var z = random
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
  private mutating func draw(_ count: Int) -> Int { Int(next() % UInt64(count)) }
  private mutating func unitRandom() -> Double { Double(next() >> 11) * 0x1p-53 }
}

/// No plan within a peak takes less time than this.
///
/// At each step, of the items that exist and are needed later, those beyond the peak must be made again at least once;
/// which ones, as a fractional knapsack (planning.md, 2.3). Overlays count as free.
public func leastRecomputeSeconds(_ problem: RecomputeProblem, peakInBytes: Int) -> Double {
  var first = [Int](repeating: .max, count: problem.items.count)
  var last = [Int](repeating: -1, count: problem.items.count)
  for (s, step) in problem.steps.enumerated() {
    for item in step.uses {
      first[item] = min(first[item], s)
      last[item] = max(last[item], s)
    }
  }
  var least = 0.0
  for (s, step) in problem.steps.enumerated() {
    var bytes = step.baseInBytes - (step.overlay?.savedInBytes ?? 0)
    var idle: [Int] = []
    for i in problem.items.indices where first[i] <= s && s <= last[i] {
      bytes += problem.items[i].sizeInBytes
      if !step.uses.contains(i) && problem.items[i].madeAt < s { idle.append(i) }
    }
    var over = bytes - peakInBytes
    guard over > 0 else { continue }
    func price(_ i: Int) -> Double { problem.items[i].seconds / Double(max(1, problem.items[i].sizeInBytes)) }
    var sum = 0.0
    for i in idle.sorted(by: { (price($0), $0) < (price($1), $1) }) where over > 0 {
      let share = min(1, Double(over) / Double(max(1, problem.items[i].sizeInBytes)))
      sum += share * problem.items[i].seconds
      over -= problem.items[i].sizeInBytes
    }
    least = max(least, sum)
  }
  return least
}
