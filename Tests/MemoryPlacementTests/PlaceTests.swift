import Testing

@testable import MemoryPlacement

@Suite struct PlaceTests {
  @Test func instancesAreThere() {
    #expect(Instance.unet3D.count == 24)
    #expect(Instance.minimalloc.count == 6)
    #expect(Instance.example.count == 1)
  }

  @Test(arguments: Instance.unet3D)
  func trainingGraphMeetsItsBound(_ instance: Instance) throws {
    let clock = ContinuousClock()
    let start = clock.now
    let placement = try #require(place(instance.table.lifetimes))
    #expect(clock.now - start < .milliseconds(50))
    #expect(placement.arenaInBytes == placement.lowerBoundInBytes)
    #expect(placement.provenOptimal)
    #expect(validate(placement, of: instance.table.lifetimes) == [])
  }

  @Test(arguments: Instance.minimalloc + Instance.example)
  func challengingInstanceFitsItsCapacity(_ instance: Instance) throws {
    let capacity = try #require(instance.capacityInBytes)
    let lifetimes = instance.table.lifetimes
    let placement = try #require(place(lifetimes, capacityInBytes: capacity, nodeLimit: 2_000_000))
    #expect(placement.arenaInBytes <= capacity)
    #expect(validate(placement, of: lifetimes) == [])
  }

  @Test func searchReachesTheBoundWhereEveryGreedyVariantMissesIt() throws {
    let instance = try #require(Instance.minimalloc.first { $0.name.hasPrefix("E.") })
    let packing = PackingInstance(instance.table.lifetimes)
    for variant in GreedyVariant.all {
      let found = try #require(variant.pack(packing))
      #expect(found.arena > packing.lowerBound, "\(variant.name)")
    }
    let placement = try #require(place(instance.table.lifetimes))
    #expect(placement.arenaInBytes == placement.lowerBoundInBytes)
    #expect(placement.method == "canonical search")
  }

  @Test func sameArgumentsSamePlacement() throws {
    for instance in Instance.minimalloc.prefix(2) {
      let first = place(instance.table.lifetimes, nodeLimit: 20_000)
      #expect(first == place(instance.table.lifetimes, nodeLimit: 20_000))
      #expect(first != nil)
    }
  }

  @Test func lowerBoundCountsRoundedSizes() throws {
    let lifetimes = [
      Lifetime(id: 0, lower: 0, upper: 2, sizeInBytes: 1),
      Lifetime(id: 1, lower: 1, upper: 3, sizeInBytes: 65),
      Lifetime(id: 2, lower: 2, upper: 4, sizeInBytes: 64),
    ]
    let problem = PlacementProblem(lifetimes: lifetimes)
    #expect(problem.lowerBoundInBytes() == 192)
    let placement = try #require(place(lifetimes))
    #expect(placement.arenaInBytes == 192)
    #expect(placement.offsetsInBytes.allSatisfy { $0 % 64 == 0 })
    #expect(place(lifetimes, capacityInBytes: 191) == nil)
    #expect(place(lifetimes, capacityInBytes: 192) != nil)
  }

  @Test func fixedOffsetsStay() throws {
    let lifetimes = [
      Lifetime(id: 0, lower: 0, upper: 9, sizeInBytes: 64, fixedOffsetInBytes: 128),
      Lifetime(id: 1, lower: 0, upper: 9, sizeInBytes: 128),
      Lifetime(id: 2, lower: 0, upper: 9, sizeInBytes: 64),
    ]
    let placement = try #require(place(lifetimes))
    #expect(placement.offsetsInBytes == [128, 0, 192])
    #expect(placement.arenaInBytes == 256)
    let rival = Lifetime(id: 1, lower: 8, upper: 9, sizeInBytes: 1, fixedOffsetInBytes: 128)
    let colliding = [lifetimes[0], rival]
    #expect(place(colliding) == nil)
  }

  @Test func emptyAndZeroSizedProblems() throws {
    let none = try #require(place([]))
    #expect(none.arenaInBytes == 0)
    #expect(none.provenOptimal)
    let zero = [
      Lifetime(id: 0, lower: 0, upper: 1, sizeInBytes: 0),
      Lifetime(id: 1, lower: 0, upper: 1, sizeInBytes: 64),
    ]
    let placement = try #require(place(zero, capacityInBytes: 64))
    #expect(validate(placement, of: zero) == [])
  }

  @Test func mistakesAreNamed() {
    let problem = PlacementProblem(lifetimes: [
      Lifetime(id: 3, lower: 5, upper: 5, sizeInBytes: -1, alignmentInBytes: 0),
      Lifetime(id: 4, lower: 0, upper: 1, sizeInBytes: 1, fixedOffsetInBytes: 32),
      Lifetime(id: 5, lower: 0, upper: 1, sizeInBytes: Int.max),
    ])
    #expect(
      problem.mistakes() == [
        "lifetime 3: lower 5 is not below upper 5", "lifetime 3: size -1 is negative",
        "lifetime 3: alignment 0 is not between 1 and 2^30",
        "lifetime 4: fixed offset 32 is no multiple of its alignment 64",
        "lifetime 5: the sizes up to here sum to more than 2^61 bytes",
      ])
  }
}

@Suite struct BankTests {
  @Test(arguments: Instance.unet3D + Instance.minimalloc)
  func everyBankHoldsWhatItIsGiven(_ instance: Instance) throws {
    let lifetimes = instance.table.lifetimes.map { lifetime in
      var aligned = lifetime
      aligned.alignmentInBytes = 64
      return aligned
    }
    let bound = try #require(place(lifetimes)).lowerBoundInBytes
    let largest = lifetimes.map(\.sizeInBytes).max()!
    let bank = (max(largest, bound / 3) + 63) / 64 * 64
    let placement = try #require(placeInBanks(lifetimes, bankInBytes: bank))
    #expect(validate(placement, of: lifetimes) == [])
    #expect(placement.bankSizesInBytes.allSatisfy { $0 <= bank })
    #expect(placement.arenaInBytes == placement.bankSizesInBytes.reduce(0, +))
    #expect(placement.arenaInBytes >= bound && placement.arenaInBytes <= 2 * bound)
    #expect(placeInBanks(lifetimes, bankInBytes: largest - 1) == nil)
    // The validator sees a buffer that leaves its bank.
    var wrong = placement
    wrong.offsetsInBytes[0] = bank * placement.bankSizesInBytes.count
    #expect(validate(wrong, of: lifetimes) != [])
  }
}
