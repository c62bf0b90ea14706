import FoundationEssentials
import Testing

@testable import Volumes

@Suite struct PatchSamplingTests {
  /// Label 5 in a corner voxel, 2 in a slab, 0 elsewhere.
  func source(_ size: SIMD3<Int> = SIMD3(9, 8, 7)) throws -> PatchSource {
    try indexCase(size: size) { $0 == SIMD3(0, 0, 0) ? 5 : ($0.z == 3 ? 2 : 0) }
  }

  @Test func cropPadsOutsideAndCopiesInside() throws {
    let source = try source()
    let patch = source.crop(origin: SIMD3(-2, 6, 5), size: SIMD3(4, 3, 4), padValues: [-7, 11])
    #expect(patch.voxels.count == 2 * 48 && patch.labels.count == 48)
    var padded = 0
    for z in 0..<4 {
      for y in 0..<3 {
        for x in 0..<4 {
          let index = x + 4 * (y + 3 * z)
          let p = SIMD3(x - 2, y + 6, z + 5)
          if p.x < 0 || p.y >= 8 || p.z >= 7 {
            padded += 1
            #expect(patch.voxels[index] == -7 && patch.voxels[48 + index] == 11)
            #expect(patch.labels[index] == ignoreLabel)
          } else {
            let linear = p.x + 9 * (p.y + 8 * p.z)
            #expect(patch.voxels[index] == Float(linear) && patch.voxels[48 + index] == -Float(linear))
            #expect(patch.labels[index] == source.labels[linear])
          }
        }
      }
    }
    #expect(padded == 48 - 2 * 2 * 2)
  }

  @Test func boxFarOutsideIsAllPadding() throws {
    let patch = try source().crop(origin: SIMD3(40, -30, 2), size: SIMD3(3, 3, 3), padValues: [4])
    #expect(patch.voxels.allSatisfy { $0 == 4 } && patch.labels.allSatisfy { $0 == ignoreLabel })
  }

  @Test func indexHoldsEachClassAndThinsLargeOnesEvenly() throws {
    let source = try source()
    #expect(source.classVoxels.classes == [0, 2, 5])
    #expect(source.classVoxels.voxelCounts == [504 - 73, 72, 1])
    #expect(source.classVoxels.voxels(of: 5) == [0])
    #expect(source.classVoxels.voxels(of: 2) == (0..<72).map { UInt32($0 + 216) })
    #expect(source.classVoxels.voxels(of: 3).isEmpty)

    let labels = (0..<10_000).map { Int32($0 % 2 == 0 ? 1 : -1) }
    let thinned = ClassVoxelIndex(labels: labels, seed: 4, maximumVoxelsPerClass: 100)
    let voxels = thinned.voxels(of: 1)
    #expect(thinned.classes == [1] && thinned.voxelCounts == [5000] && voxels.count == 100)
    // One of each run of 50 voxels of the class (100 places in the volume).
    #expect(voxels.enumerated().allSatisfy { Int($1) / 100 == $0 && $1 % 2 == 0 })
  }

  @Test func classCentredPatchesFollowTheWeights() throws {
    let source = try source()
    let settings = PatchSamplingSettings(
      patchSize: SIMD3(3, 3, 3), classWeights: [2: 1, 5: 3, 9: 50], classCentredFraction: 1)
    var counts: [Int32: Int] = [:]
    for sample in 0..<2000 as Range<UInt64> {
      let placement = PatchPlacement(settings, source: source, seed: 8, sample: sample)
      let label = try #require(placement.centreClass)
      counts[label, default: 0] += 1
      let centre = placement.origin &+ 1
      #expect(source.labels[centre.x + 9 * (centre.y + 8 * centre.z)] == label)
    }
    // Class 9 is absent: 1 : 3 remains. Standard deviation 19.
    #expect(counts.count == 2 && abs(counts[5, default: 0] - 1500) < 95)
  }

  @Test func everyVoxelOfAClassIsACentreAlike() throws {
    let source = try source()
    let settings = PatchSamplingSettings(patchSize: SIMD3(3, 3, 3), classWeights: [2: 1], classCentredFraction: 1)
    var counts: [SIMD3<Int>: Int] = [:]
    for sample in 0..<7200 as Range<UInt64> {
      counts[PatchPlacement(settings, source: source, seed: 8, sample: sample).origin &+ 1, default: 0] += 1
    }
    // 72 voxels, 100 draws each with a standard deviation of 10; at the border the patch begins in the padding.
    #expect(counts.count == 72 && counts.values.allSatisfy { (50...150).contains($0) })
    #expect(counts[SIMD3(0, 7, 3)] != nil)
  }

  @Test func forcedShareIsExactAndUniformCentresReachTheBorder() throws {
    let source = try source()
    let settings = PatchSamplingSettings(patchSize: SIMD3(4, 4, 4), classCentredFraction: 1.0 / 3)
    let placements = (0..<3000 as Range<UInt64>).map {
      PatchPlacement(settings, source: source, seed: 1, sample: $0)
    }
    #expect(placements.count { $0.centreClass != nil } == 1000)
    let origins = placements.filter { $0.centreClass == nil }.map(\.origin)
    for (axis, extent) in [9, 8, 7].enumerated() {
      #expect(Set(origins.map { $0[axis] }) == Set(-2..<extent - 2))
    }
  }

  @Test func placementInsideKeepsThePatchInTheCase() throws {
    let source = try source()
    let settings = PatchSamplingSettings(
      patchSize: SIMD3(4, 8, 12), placement: .inside, classCentredFraction: 0.5)
    for sample in 0..<200 as Range<UInt64> {
      let origin = PatchPlacement(settings, source: source, seed: 2, sample: sample).origin
      #expect((0...5).contains(origin.x) && origin.y == 0 && (-5...0).contains(origin.z))
    }
  }

  @Test func caseSmallerThanThePatchLiesWhollyInIt() throws {
    let source = try source()
    let sampler = PatchSampler(
      settings: PatchSamplingSettings(patchSize: SIMD3(12, 10, 9), padValues: [-2.2]), seed: 5)
    for sample in 0..<20 as Range<UInt64> {
      let patch = sampler.patch(from: source, sample: sample)
      #expect(patch.labels.count { $0 != ignoreLabel } == source.labels.count)
      #expect(patch.voxels[0..<1080].filter { $0 != -2.2 }.sorted() == source.channels[0].array)
    }
  }

  @Test func casesAreDrawnUniformly() {
    let sampler = PatchSampler(settings: PatchSamplingSettings(patchSize: SIMD3(1, 1, 1)), seed: 5)
    var counts = [0, 0, 0, 0]
    for sample in 0..<4000 as Range<UInt64> {
      counts[sampler.caseIndex(ofSample: sample, caseCount: 4)] += 1
    }
    #expect(counts.allSatisfy { abs($0 - 1000) < 140 })
  }

  @Test func faultsNameTheirPlace() throws {
    let grid = VolumeGrid(size: SIMD3(2, 2, 2), affine: Affine(spacingInMillimetres: SIMD3(1, 1, 1)))
    let other = VolumeGrid(size: SIMD3(2, 2, 3), affine: grid.affine)
    let image = Volume(grid: grid, voxels: [Float](repeating: 0, count: 8))
    let labels = LabelVolume(grid: other, voxels: [Int32](repeating: 0, count: 12))
    let error = #expect(throws: VolumeError.self) {
      try PatchSource(name: "a.nii.gz", channels: [image], labels: labels)
    }
    #expect(error?.description == "a.nii.gz: labels have size 2×2×3; the image has 2×2×2")
    var settings = PatchSamplingSettings(patchSize: SIMD3(0, 4, 4), padValues: [1, 2, 3])
    settings.classCentredFraction = 2
    settings.classWeights = [1: -1]
    #expect(
      settings.problems(channelCount: 2).map(\.key)
        == ["patchSize", "classWeights.1", "classWeights", "classCentredFraction", "padValues"])
  }

  @Test func settingsReadWithDefaultsAndComeBack() throws {
    let text = #"{"patchSize": [64, 48, 32], "classWeights": {"2": 0.5}}"#
    let settings = try JSONDecoder().decode(PatchSamplingSettings.self, from: Data(text.utf8))
    #expect(settings == PatchSamplingSettings(patchSize: SIMD3(64, 48, 32), classWeights: [2: 0.5]))
    let again = try JSONDecoder().decode(
      PatchSamplingSettings.self, from: JSONEncoder().encode(settings))
    #expect(again == settings)
  }
}
