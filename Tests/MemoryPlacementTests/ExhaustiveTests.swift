import Testing

@testable import MemoryPlacement

/// Small random problems against all orders of placing: mixed alignments, fixed offsets, equal buffers.
@Suite struct ExhaustiveTests {
  /// The smallest arena, by lowest-fit placement in every order: one of them is the order by offset of an
  /// optimum.
  private func smallestArena(_ lifetimes: [Lifetime], granule: Int) -> Int {
    var best = Int.max
    var offsets = lifetimes.map { $0.fixedOffsetInBytes ?? 0 }
    func size(_ index: Int) -> Int { (lifetimes[index].sizeInBytes + granule - 1) / granule * granule }
    func descend(_ placed: [Int], _ rest: [Int], _ arena: Int) {
      if arena >= best { return }
      if rest.isEmpty {
        best = arena
        return
      }
      for next in rest {
        let alignment = lifetimes[next].alignmentInBytes
        let rivals = placed.filter { lifetimes[$0].overlapsInTime(lifetimes[next]) }
        var offset = 0
        while let rival = rivals.first(where: {
          offsets[$0] < offset + size(next) && offset < offsets[$0] + size($0)
        }) {
          offset = (offsets[rival] + size(rival) + alignment - 1) / alignment * alignment
        }
        offsets[next] = offset
        descend(placed + [next], rest.filter { $0 != next }, max(arena, offset + size(next)))
      }
    }
    let fixed = lifetimes.indices.filter { lifetimes[$0].fixedOffsetInBytes != nil }
    let free = lifetimes.indices.filter { lifetimes[$0].fixedOffsetInBytes == nil }
    descend(fixed, free, fixed.map { offsets[$0] + size($0) }.max() ?? 0)
    return best
  }

  private func problem(_ random: inout SplitMix64) -> [Lifetime] {
    let alignments = [[1], [2], [1, 2, 4], [4, 6]].randomElement(using: &random) ?? [1]
    let count = Int.random(in: 2...7, using: &random)
    var lifetimes: [Lifetime] = []
    while lifetimes.count < count {
      let lower = Int.random(in: 0..<6, using: &random)
      let alignment = alignments.randomElement(using: &random) ?? 1
      var lifetime = Lifetime(
        id: lifetimes.count, lower: lower, upper: lower + Int.random(in: 1...5, using: &random),
        sizeInBytes: Int.random(in: 1...9, using: &random), alignmentInBytes: alignment)
      if Int.random(in: 0..<8, using: &random) == 0 {
        lifetime.fixedOffsetInBytes = alignment * Int.random(in: 0..<6, using: &random)
      }
      lifetimes.append(lifetime)
      if Int.random(in: 0..<4, using: &random) == 0 && lifetimes.count < count { lifetimes.append(lifetime) }
    }
    return lifetimes
  }

  @Test func optimumIsFoundAndNothingBelowIt() throws {
    var random = SplitMix64(state: 20)
    var searched = 0
    var infeasible = 0
    for _ in 0..<3_000 {
      let lifetimes = problem(&random)
      let granule = lifetimes.reduce(0) { greatestCommonDivisor($0, $1.alignmentInBytes) }
      guard let placement = place(lifetimes) else {
        // Only fixed offsets that collide leave no placement.
        infeasible += 1
        let offsets = lifetimes.map { $0.fixedOffsetInBytes ?? -1 }
        let fixed = lifetimes.indices.filter { offsets[$0] >= 0 }
        let rounded = fixed.map { index in
          var lifetime = lifetimes[index]
          lifetime.sizeInBytes = (lifetime.sizeInBytes + granule - 1) / granule * granule
          return lifetime
        }
        #expect(validate(offsetsInBytes: fixed.map { offsets[$0] }, of: rounded) != [])
        continue
      }
      let smallest = smallestArena(lifetimes, granule: granule)
      #expect(validate(placement, of: lifetimes) == [])
      #expect(placement.arenaInBytes == smallest, "\(lifetimes)")
      #expect(placement.provenOptimal, "\(lifetimes)")
      #expect(placement.lowerBoundInBytes <= smallest)
      #expect(place(lifetimes, capacityInBytes: smallest - 1) == nil)
      #expect(place(lifetimes, capacityInBytes: smallest)?.arenaInBytes == smallest)
      if smallest > placement.lowerBoundInBytes { searched += 1 }
    }
    // The bound alone must not have decided everything.
    #expect(searched > 50)
    #expect(infeasible > 20)
  }
}
