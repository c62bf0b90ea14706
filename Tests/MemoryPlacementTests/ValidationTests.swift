import Testing

import MemoryPlacement

@Suite struct ValidationTests {
  private let lifetimes = [
    Lifetime(id: 0, lower: 0, upper: 4, sizeInBytes: 100),
    Lifetime(id: 1, lower: 3, upper: 5, sizeInBytes: 64),
    Lifetime(id: 2, lower: 4, upper: 9, sizeInBytes: 64, fixedOffsetInBytes: 0),
  ]

  @Test func soundPlacementHasNoViolation() {
    #expect(validate(offsetsInBytes: [0, 128, 0], of: lifetimes, arenaInBytes: 192) == [])
  }

  @Test func everyRuleIsChecked() {
    #expect(validate(offsetsInBytes: [0], of: lifetimes) == [.wrongCount(expected: 3, found: 1)])
    #expect(
      validate(offsetsInBytes: [0, 64, 0], of: lifetimes) == [.overlap(first: 0, second: 1, step: 3)])
    #expect(
      validate(offsetsInBytes: [0, 130, 0], of: lifetimes)
        == [.misaligned(index: 1, offsetInBytes: 130, alignmentInBytes: 64)])
    #expect(
      validate(offsetsInBytes: [-128, 128, 0], of: lifetimes)
        == [.negativeOffset(index: 0, offsetInBytes: -128)])
    #expect(
      validate(offsetsInBytes: [0, 128, 64], of: lifetimes)
        == [.notAtFixedOffset(index: 2, offsetInBytes: 64, expectedInBytes: 0)])
    #expect(
      validate(offsetsInBytes: [0, 128, 0], of: lifetimes, arenaInBytes: 191)
        == [.outsideArena(index: 1, endInBytes: 192, arenaInBytes: 191)])
  }

  @Test func neighboursInTimeMayShareBytes() {
    // [0, 4) and [4, 9) touch without overlapping.
    #expect(!lifetimes[0].overlapsInTime(lifetimes[2]))
    #expect(validate(offsetsInBytes: [0, 128, 0], of: lifetimes) == [])
  }

  @Test func overflowingEndIsAViolation() {
    let huge = [Lifetime(id: 0, lower: 0, upper: 1, sizeInBytes: Int.max)]
    #expect(
      validate(offsetsInBytes: [64], of: huge, arenaInBytes: 1 << 40)
        == [.outsideArena(index: 0, endInBytes: Int.max, arenaInBytes: 1 << 40)])
  }
}
