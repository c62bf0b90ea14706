import Testing

@testable import MemoryPlacement

/// The walk and the search against a simulation that knows nothing of them.
@Suite struct RecomputeTests {
  /// A chain with skips: forward steps make items in order, backward steps use them in reverse. Some steps, and some items
  /// that are made again, can write over the item before.
  private func problem(_ random: inout SplitMix64) -> RecomputeProblem {
    let count = Int.random(in: 3...8, using: &random)
    var uses: [[Int]] = (0..<count).map { $0 == 0 ? [0] : [$0 - 1, $0] }
    var inputs: [[Int]] = (0..<count).map { $0 == 0 ? [] : [$0 - 1] }
    for i in 2..<count where Int.random(in: 0..<3, using: &random) == 0 {
      let skip = Int.random(in: 0..<i - 1, using: &random)
      uses[i].append(skip)
      inputs[i].append(skip)
    }
    var steps = uses
    for _ in 0..<3 { steps.append([]) }
    steps += uses.reversed()
    func overlay(_ item: Int?, _ random: inout SplitMix64) -> RecomputeProblem.Overlay? {
      guard Int.random(in: 0..<2, using: &random) == 0 else { return nil }
      return RecomputeProblem.Overlay(
        item: item, savedInBytes: Int.random(in: 1...3, using: &random),
        seconds: Double(Int.random(in: 0...3, using: &random)))
    }
    return RecomputeProblem(
      items: (0..<count).map {
        RecomputeProblem.Item(
          sizeInBytes: Int.random(in: 1...9, using: &random), seconds: Double(Int.random(in: 1...9, using: &random)),
          workspaceInBytes: Int.random(in: 0...2, using: &random), inputs: inputs[$0].sorted(), madeAt: $0,
          overlay: $0 == 0 ? nil : overlay($0 - 1, &random))
      },
      steps: steps.indices.map {
        let base = Int.random(in: 1...4, using: &random)
        let read = $0 > 0 && $0 < count ? $0 - 1 : nil
        return RecomputeProblem.Step(
          uses: Set(steps[$0]).sorted(), baseInBytes: base, baseBeforeInBytes: base - 1,
          overlay: read == nil && $0 < count ? nil : overlay(read, &random))
      })
  }

  /// Replays actions: everything that is read is there, and the shortest lives that allow it never exceed the peak.
  private func replay(_ problem: RecomputeProblem, _ actions: [RecomputeAction]) -> (peak: Int, seconds: Double)? {
    var made: Set<Int> = []
    /// Every action's reads, writes and other bytes.
    var events: [(reads: [Int], makes: [Int], bytes: Int, ends: Int?)] = []
    var seconds = 0.0
    var step = 0
    for action in actions {
      switch action {
      case .step(let s, let isOverlaid):
        guard s == step else { return nil }
        let fresh = problem.steps[s].uses.filter { !made.contains($0) }
        made.formUnion(fresh)
        let overlay = isOverlaid ? problem.steps[s].overlay : nil
        if isOverlaid && overlay == nil { return nil }
        seconds += overlay?.seconds ?? 0
        events.append(
          (
            problem.steps[s].uses.filter { !fresh.contains($0) }, fresh,
            problem.steps[s].baseInBytes - (overlay?.savedInBytes ?? 0), overlay?.item
          ))
        step += 1
      case .remake(let index, let isOverlaid):
        let item = problem.items[index]
        let overlay = isOverlaid ? item.overlay : nil
        if isOverlaid && overlay == nil { return nil }
        seconds += item.seconds + (overlay?.seconds ?? 0)
        let bytes = problem.steps[step].baseBeforeInBytes + item.workspaceInBytes - (overlay?.savedInBytes ?? 0)
        events.append((item.inputs, [index], bytes, overlay?.item))
      }
    }
    guard step == problem.steps.count else { return nil }
    // Backwards: an item is alive from its making to the last read before it is made anew.
    var needed: Set<Int> = []
    var peak = 0
    for event in events.reversed() {
      let alive = needed.union(event.reads).union(event.makes)
      peak = max(peak, event.bytes + alive.reduce(0) { $0 + problem.items[$1].sizeInBytes })
      // Nobody reads what is written over.
      if let item = event.ends, needed.contains(item) || !event.reads.contains(item) { return nil }
      needed = needed.subtracting(event.makes).union(event.reads)
    }
    return needed.isEmpty ? (peak, seconds) : nil
  }

  @Test func everyPointIsWhatItSays() throws {
    var random = SplitMix64(state: 31)
    var dropped = 0
    var overlaid = (steps: 0, lastReads: 0, remakes: 0)
    for _ in 0..<600 {
      let problem = problem(&random)
      let curve = RecomputeSearch.curve(problem, planLimit: 3000)
      #expect(curve[0].seconds == 0)
      for (larger, smaller) in zip(curve, curve.dropFirst()) {
        #expect(smaller.peakInBytes < larger.peakInBytes)
        #expect(smaller.seconds >= larger.seconds)
      }
      for point in curve {
        let actions = RecomputeSearch.actions(problem, point.plan)
        for action in actions {
          switch action {
          case .step(let s, true) where problem.steps[s].overlay?.item == nil: overlaid.steps += 1
          case .step(_, true): overlaid.lastReads += 1
          case .remake(_, true): overlaid.remakes += 1
          default: break
          }
        }
        let replayed = try #require(replay(problem, actions), "something is read that is not there")
        #expect(replayed.seconds == point.seconds)
        #expect(replayed.peak <= point.peakInBytes)
        #expect(point.seconds >= leastRecomputeSeconds(problem, peakInBytes: point.peakInBytes) - 1e-9)
      }
      dropped += curve.count - 1
    }
    #expect(dropped > 600)
    #expect(overlaid.steps > 20 && overlaid.lastReads > 20 && overlaid.remakes > 20)
  }

  @Test func anOverlayIsWorthItsTimeWhereNothingElseHelps() {
    // The second step reads the first item last and writes the second: 20 bytes, or 10 and a slab of 2.
    let problem = RecomputeProblem(
      items: (0..<2).map {
        RecomputeProblem.Item(sizeInBytes: 10, seconds: 5, workspaceInBytes: 0, inputs: [], madeAt: $0)
      },
      steps: [
        RecomputeProblem.Step(uses: [0], baseInBytes: 0, baseBeforeInBytes: 0),
        RecomputeProblem.Step(
          uses: [0, 1], baseInBytes: 0, baseBeforeInBytes: 0,
          overlay: RecomputeProblem.Overlay(item: 0, savedInBytes: 8, seconds: 1)),
        RecomputeProblem.Step(uses: [1], baseInBytes: 0, baseBeforeInBytes: 0),
      ])
    let curve = RecomputeSearch.curve(problem, planLimit: 2000)
    #expect(curve.map(\.peakInBytes) == [20, 12])
    #expect(curve.map(\.seconds) == [0, 1])
    let actions = RecomputeSearch.actions(problem, curve[1].plan)
    #expect(actions == [.step(0, isOverlaid: false), .step(1, isOverlaid: true), .step(2, isOverlaid: false)])
  }

  @Test func theCheapItemGoesFirst() {
    // Two large tensors wait for the end; one costs a hundredth of the other.
    let steps = [[0], [1], [], [], [], [], [], [], [1], [0]]
    let problem = RecomputeProblem(
      items: [100.0, 1].enumerated().map { index, seconds in
        RecomputeProblem.Item(sizeInBytes: 10, seconds: seconds, workspaceInBytes: 0, inputs: [], madeAt: index)
      },
      steps: steps.enumerated().map { s, uses in
        RecomputeProblem.Step(
          uses: uses, baseInBytes: s == 4 ? 10 : 0, baseBeforeInBytes: s == 4 ? 10 : 0)
      })
    let curve = RecomputeSearch.curve(problem, planLimit: 2000)
    #expect(curve.map(\.peakInBytes) == [30, 20, 10])
    #expect(curve.map(\.seconds) == [0, 1, 101])
    #expect(leastRecomputeSeconds(problem, peakInBytes: 20) == 1)
  }
}
