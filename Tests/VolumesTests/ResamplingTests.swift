import Testing

@testable import Volumes

@Suite("Resampling")
struct ResamplingTests {
  struct Case: Decodable {
    var size: [Int]
    var newSize: [Int]
    var method: ResamplingMethod
    var antialiased: Bool
    var values: [Double]
  }

  @Test func valuesAreScipys() throws {
    let cases = try TestData.decode([Case].self, "resampling.json")
    #expect(cases.count == 16)
    for c in cases {
      let volume = sampleVolume(SIMD3(c.size))
      let target = volume.grid.resampled(toSize: SIMD3(c.newSize))
      let result = try volume.resampled(onto: target, method: c.method, isAntialiased: c.antialiased)
      let error = largestRelativeError(result.voxels, c.values)
      #expect(
        result.voxels.count == c.values.count && error < 2e-6,
        "\(c.method) \(c.size) → \(c.newSize): \(error)")
    }
  }

  @Test func gridKeepsTheBox() throws {
    let grid = VolumeGrid(size: SIMD3(10, 7, 5), affine: obliqueAffine)
    let new = try grid.resampled(toSpacing: SIMD3(0.5, 2, 1))
    // round(10·0.8/0.5) = 16, round(7·1.1/2 = 3.85) = 4, round(5·3.5/1 = 17.5) = 18
    #expect(new.size == SIMD3(16, 4, 18))
    for corner in [SIMD3(0.0, 0, 0), SIMD3(1, 0, 1), SIMD3(1, 1, 1)] {
      func face(_ g: VolumeGrid) -> SIMD3<Double> {
        g.affine(corner * SIMD3(Double(g.size.x), Double(g.size.y), Double(g.size.z)) - 0.5)
      }
      let d = face(new) - face(grid)
      #expect((d * d).sum() < 1e-20)
    }
    let back = try new.resampled(toSpacing: grid.spacingInMillimetres)
    #expect(back.size == grid.size)
    try grid.requireAgreement(of: back, path: "back", with: "original", tolerance: 1e-10)
  }

  @Test func wayBackLandsOnTheOriginalGrid() throws {
    var volume = sampleVolume(SIMD3(9, 8, 7))
    volume.grid.affine = obliqueAffine
    let fine = try volume.resampled(toSpacing: SIMD3(0.31, 0.4, 1.1), method: .cubic)
    let back = try fine.resampled(onto: volume.grid, method: .cubic)
    #expect(back.grid == volume.grid)
    let labels = LabelVolume(grid: volume.grid, voxels: volume.voxels.map { Int32($0) % 4 })
    let fineLabels = try labels.resampled(toSpacing: SIMD3(0.2, 0.3, 0.9))
    #expect(try fineLabels.resampled(onto: volume.grid).voxels == labels.voxels)
  }

  @Test func sameGridIsTheSameVolume() throws {
    let volume = sampleVolume(SIMD3(5, 4, 3))
    for method in ResamplingMethod.allCases {
      #expect(try volume.resampled(onto: volume.grid, method: method).voxels == volume.voxels)
    }
  }

  @Test func nearestTakesTheHigherVoxelOnATie() throws {
    // Two voxels to one: the new centre lies exactly between 2i and 2i + 1, whatever the affine's rounding.
    for affine in [obliqueAffine, Affine(spacingInMillimetres: SIMD3(0.1, 0.3, 0.7))] {
      let grid = VolumeGrid(size: SIMD3(8, 2, 2), affine: affine)
      let labels = LabelVolume(grid: grid, voxels: (0..<32).map { Int32($0 % 8) })
      let half = try labels.resampled(toSpacing: grid.spacingInMillimetres * 2)
      #expect(half.voxels == [1, 3, 5, 7])
    }
  }

  @Test func linearArgmaxKeepsIdsAndMajority() throws {
    let grid = VolumeGrid(size: SIMD3(6, 1, 1), affine: obliqueAffine)
    let labels = LabelVolume(grid: grid, voxels: [0, 0, 40, 40, 40, 7])
    let fine = try labels.resampled(onto: grid.resampled(toSize: SIMD3(24, 1, 1)), method: .linearArgmax)
    #expect(fine.presentIds == [0, 7, 40])
    let expected = [(0, 8), (40, 12), (7, 4)].flatMap { [Int32](repeating: $0.0, count: $0.1) }
    #expect(fine.voxels == expected)
    // Shares of one half each: the lower id wins.
    let half = try labels.resampled(onto: grid.resampled(toSize: SIMD3(3, 1, 1)), method: .linearArgmax)
    #expect(half.voxels == [0, 40, 7])
  }

  @Test func cutGridsKeepPlace() throws {
    // A target that starts two voxels in and has half the spacing: positions follow from the affines.
    let volume = Volume(
      grid: VolumeGrid(size: SIMD3(10, 1, 1), affine: obliqueAffine), voxels: (0..<10).map { Float($0) })
    var target = VolumeGrid(size: SIMD3(6, 1, 1), affine: obliqueAffine)
    target.affine.columns.0 *= 0.5
    target.affine.translation = obliqueAffine(SIMD3(2, 0, 0))
    let result = try volume.resampled(onto: target)
    for (i, value) in result.voxels.enumerated() { #expect(abs(value - (2 + 0.5 * Float(i))) < 1e-5) }
  }

  /// 200,000 voxels that alternate: a position in single precision is off by a hundredth of a voxel there.
  @Test func positionsAreDouble() throws {
    let grid = VolumeGrid(size: SIMD3(200_000, 1, 1), affine: obliqueAffine)
    let volume = Volume(grid: grid, voxels: (0..<200_000).map { Float($0 % 2) })
    let result = try volume.resampled(onto: grid.resampled(toSize: SIMD3(300_000, 1, 1)))
    var worst: Float = 0
    for i in 1..<299_999 {
      // Voxel i lies at (4i − 1) / 6.
      let (low, share) = ((4 * i - 1) / 6, Float((4 * i - 1) % 6) / 6)
      worst = max(worst, abs(result.voxels[i] - (low % 2 == 0 ? share : 1 - share)))
    }
    #expect(worst < 1e-6)
  }

  /// 0.5 mm ends a rounding short of it, as a quaternion leaves it: five voxels are still three of 1 mm.
  @Test func aHalfIsAHalfWhateverTheAffinesRounding() throws {
    for spacing in [0.5, 0.5.nextDown, 0.5.nextUp, 0.5 * (1 - 1e-9)] {
      let grid = VolumeGrid(size: SIMD3(5, 4, 3), affine: Affine(spacingInMillimetres: SIMD3(spacing, 1, 1)))
      #expect(try grid.resampled(toSpacing: SIMD3(1, 1, 1)).size == SIMD3(3, 4, 3))
    }
    let less = VolumeGrid(size: SIMD3(5, 4, 3), affine: Affine(spacingInMillimetres: SIMD3(0.4999, 1, 1)))
    #expect(try less.resampled(toSpacing: SIMD3(1, 1, 1)).size == SIMD3(2, 4, 3))
  }

  @Test func refusesWhatIsNotAlongAxes() throws {
    let volume = sampleVolume(SIMD3(8, 8, 8))
    var turned = volume.grid
    turned.affine.columns.0 = SIMD3(0.9, 0.4, 0)
    #expect(throws: VolumeError.self) { try volume.resampled(onto: turned) }
    var flipped = volume.grid
    flipped.affine.columns.2 *= -1
    #expect(throws: VolumeError.self) { try volume.resampled(onto: flipped) }
  }

  @Test func refusesExplodingGridsBeforeAllocating() {
    let grid = VolumeGrid(size: SIMD3(20, 18, 12), affine: Affine(spacingInMillimetres: SIMD3(1, 1, 1e6)))
    #expect(throws: VolumeError.self) { try grid.resampled(toSpacing: SIMD3(0.1, 0.1, 0.1)) }
    #expect(throws: VolumeError.self) { try grid.resampled(toSpacing: SIMD3(1, 1e-300, 1)) }
    #expect(throws: VolumeError.self) { try grid.resampled(toSpacing: SIMD3(1, 0, 1)) }
    #expect(throws: VolumeError.self) { try grid.resampled(toSpacing: SIMD3(1, .nan, 1)) }
  }
}
