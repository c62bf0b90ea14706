import Testing

@testable import Volumes

@Suite struct PhantomTests {
  static func phantom(_ seed: UInt64, oblique: Double = 0) throws -> Phantom {
    try Phantom.make(
      seed: seed, size: SIMD3(64, 64, 48), spacingInMillimetres: SIMD3(5, 5, 5), obliqueDegrees: oblique)
  }

  @Test(arguments: [1, 2, 3, 4, 5] as [UInt64])
  func noThresholdFindsTheOrgans(seed: UInt64) throws {
    let phantom = try Self.phantom(seed)
    let dice = try (1...4).map { label in
      try #require(BestThreshold(label: label, image: phantom.image, labels: phantom.labels)).dice
    }
    #expect(dice.reduce(0, +) / 4 < 0.6)
  }

  @Test func thresholdSearchFindsTheBestWindow() throws {
    let grid = VolumeGrid(size: SIMD3(6, 1, 1), affine: Affine(spacingInMillimetres: SIMD3(1, 1, 1)))
    let image = Volume(grid: grid, voxels: [-5, 10, 11.5, 11.9, 13, 40])
    let labels = LabelVolume(grid: grid, voxels: [0, 1, 0, 1, 1, 0])
    let best = try #require(BestThreshold(label: 1, image: image, labels: labels))
    #expect(best.low == 10 && best.high == 14 && best.dice == 6.0 / 7)
    #expect(BestThreshold(label: 2, image: image, labels: labels) == nil)
  }

  @Test func anatomyIsWhereItBelongs() throws {
    for seed in [1, 8, 21] as [UInt64] {
      let phantom = try Self.phantom(seed)
      let size = phantom.labels.grid.size
      var counts = [Int](repeating: 0, count: 5)
      var sums = [SIMD3<Double>](repeating: .zero, count: 5)
      var kidneySides = [0, 0]
      for (index, label) in phantom.labels.voxels.enumerated() {
        let voxel = SIMD3(
          Double(index % size.x), Double(index / size.x % size.y), Double(index / (size.x * size.y)))
        let world = phantom.labels.grid.affine(voxel)
        counts[Int(label)] += 1
        sums[Int(label)] += world
        if label == 3 { kidneySides[world.x > 0 ? 0 : 1] += 1 }
      }
      let centres = zip(sums, counts).map { $0 / Double($1) }
      #expect(counts[1] > 3000 && counts[2] > 250 && counts[3] > 1000 && counts[4] > 2000)
      #expect(centres[1].x > 30 && centres[1].z > 10, "the liver lies right and high")
      #expect(centres[4].y < -40 && abs(centres[4].x) < 10, "the spine lies behind, in the middle")
      #expect(kidneySides[0] > 400 && kidneySides[1] > 400, "a kidney on each side")
    }
  }

  @Test func tumourLiesInsideTheLiver() throws {
    let labels = try Self.phantom(3).labels
    let (size, voxels) = (labels.grid.size, labels.voxels)
    for index in voxels.indices where voxels[index] == 2 {
      for step in [1, -1, size.x, -size.x, size.x * size.y, -size.x * size.y] {
        let neighbour = voxels[index + step]
        #expect(neighbour == 1 || neighbour == 2)
      }
    }
  }

  @Test func seedDecidesEverything() throws {
    let first = try Self.phantom(6)
    let again = try Self.phantom(6)
    let other = try Self.phantom(7)
    #expect(first.image.voxels == again.image.voxels && first.labels.voxels == again.labels.voxels)
    #expect(first.labels.voxels != other.labels.voxels)
  }

  @Test func noiseIsThatOfACT() throws {
    let phantom = try Self.phantom(2)
    // The corner is air.
    var values: [Float] = []
    for z in 0..<48 {
      for y in 0..<8 { for x in 0..<8 { values.append(phantom.image.voxels[x + 64 * (y + 64 * z)]) } }
    }
    values.withUnsafeMutableBufferPointer {
      let statistics = ValueStatistics($0)
      #expect(abs(statistics.mean + 1000) < 2)
      #expect(statistics.standardDeviation > 13 && statistics.standardDeviation < 21)
    }
  }

  @Test func gridHasItsSpacingAndTilt() throws {
    let phantom = try Phantom.make(
      seed: 1, size: SIMD3(20, 24, 16), spacingInMillimetres: SIMD3(3, 2, 5), obliqueDegrees: 12)
    let spacing = phantom.image.grid.spacingInMillimetres - SIMD3(3, 2, 5)
    #expect((spacing * spacing).sum() < 1e-18)
    let k = phantom.image.grid.affine.columns.2
    #expect(abs(k.z - 5 * 0.978147600733806) < 1e-9, "the third axis is tilted by 12 degrees")
    // The patient stays upright: the oblique grid sees the straight patient at the same place.
    let straight = try Phantom.make(
      seed: 1, size: SIMD3(48, 48, 48), spacingInMillimetres: SIMD3(5, 5, 5))
    let oblique = try Phantom.make(
      seed: 1, size: SIMD3(48, 48, 48), spacingInMillimetres: SIMD3(5, 5, 5), obliqueDegrees: 12)
    func centre(_ labels: LabelVolume) -> SIMD3<Double> {
      var sum = SIMD3<Double>.zero
      var count = 0.0
      for (index, label) in labels.voxels.enumerated() where label == 2 {
        sum += labels.grid.affine(
          SIMD3(Double(index % 48), Double(index / 48 % 48), Double(index / (48 * 48))))
        count += 1
      }
      return sum / count
    }
    let offset = centre(straight.labels) - centre(oblique.labels)
    #expect((offset * offset).sum().squareRoot() < 1)
  }

  @Test func impossibleRequestsAreNamed() {
    #expect(throws: SettingProblem.self) {
      try Phantom.make(seed: 1, size: SIMD3(0, 4, 4), spacingInMillimetres: SIMD3(1, 1, 1))
    }
    #expect(throws: SettingProblem.self) {
      try Phantom.make(seed: 1, size: SIMD3(4, 4, 4), spacingInMillimetres: SIMD3(1, -1, 1))
    }
    #expect(throws: Never.self) {
      try Phantom.make(seed: 1, size: SIMD3(1, 1, 1), spacingInMillimetres: SIMD3(1, 1, 1))
    }
  }
}
