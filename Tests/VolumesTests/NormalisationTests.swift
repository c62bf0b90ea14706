import FoundationEssentials
import Testing

@testable import Volumes

@Suite("Normalisation")
struct NormalisationTests {
  struct Values: Decodable {
    struct Case: Decodable {
      var normalisation: Normalisation
      var values: [Double]
    }
    var size: [Int]
    var cases: [Case]
    var percentages: [Double]
    var percentiles: [Double]
    var foreground: ForegroundStatistics
  }

  static func input(_ values: Values) -> Volume {
    var volume = sampleVolume(SIMD3(values.size))
    volume.voxels = volume.voxels.map { abs($0) < 15 ? 0 : $0 }
    return volume
  }

  @Test func valuesAreNumpys() throws {
    let values = try TestData.decode(Values.self, "normalisation.json")
    // clip is held to TorchIO in PreprocessingValueTests.
    #expect(Set(values.cases.map { $0.normalisation.method }).count == Normalisation.Method.allCases.count - 1)
    for c in values.cases {
      let result = c.normalisation(Self.input(values))
      #expect(largestRelativeError(result.voxels, c.values) < 1e-6, "\(c.normalisation)")
    }
  }

  @Test func percentilesAreNumpys() throws {
    let values = try TestData.decode(Values.self, "normalisation.json")
    let found = Percentiles.of(Self.input(values).voxels, values.percentages)
    for (a, b) in zip(found, values.percentiles) { #expect(abs(a - b) < 1e-5, "\(a) \(b)") }
    #expect(Percentiles.of([4], [0, 30, 100]) == [4, 4, 4])
    #expect(Percentiles.of([Float](repeating: 2, count: 5000), [50]) == [2])
    #expect(abs(Percentiles.of((0..<5000).map { Float($0) }, [10])[0] - 499.9) < 1e-9)
  }

  @Test func foregroundStatisticsAreNumpysWhateverTheCases() throws {
    let values = try TestData.decode(Values.self, "normalisation.json")
    let volume = Self.input(values)
    let ids = volume.voxels.map { $0 > 20 ? Int32(2) : $0 < -20 ? -1 : 0 }
    let plane = values.size[0] * values.size[1]
    var gatherer = ForegroundStatisticsGatherer()
    // As two cases of two slices each.
    for start in [0, 2] {
      let grid = VolumeGrid(size: SIMD3(values.size[0], values.size[1], 2), affine: volume.grid.affine)
      let range = start * plane..<(start + 2) * plane
      gatherer.add(
        image: Volume(grid: grid, voxels: Array(volume.voxels[range])),
        labels: LabelVolume(grid: grid, voxels: Array(ids[range])))
    }
    let found = try #require(gatherer.statistics)
    let expected = values.foreground
    #expect(found.count == expected.count)
    for (a, b) in [
      (found.mean, expected.mean), (found.standardDeviation, expected.standardDeviation),
      (found.minimum, expected.minimum), (found.median, expected.median), (found.maximum, expected.maximum),
      (found.percentile0_5, expected.percentile0_5), (found.percentile99_5, expected.percentile99_5),
    ] { #expect(abs(a - b) < 1e-5 * abs(b), "\(a) \(b)") }
    #expect(ForegroundStatisticsGatherer().statistics == nil)
  }

  @Test func constantVolumesStayFinite() {
    let grid = VolumeGrid(size: SIMD3(3, 3, 3), affine: obliqueAffine)
    for value: Float in [0, 37, 3e38] {
      let volume = Volume(grid: grid, voxels: [Float](repeating: value, count: 27))
      for n: Normalisation in [
        .zScore(nonZeroOnly: false), .zScore(nonZeroOnly: true), .minMax, .percentile(lower: 1, upper: 99),
      ] {
        #expect(n(volume).voxels.allSatisfy { $0 == 0 }, "\(n) of \(value)")
      }
    }
  }

  @Test func hugeValuesDoNotOverflowStatistics() {
    let grid = VolumeGrid(size: SIMD3(2, 2, 1), affine: obliqueAffine)
    let volume = Volume(grid: grid, voxels: [3e38, -3e38, 1, 2])
    #expect(Normalisation.zScore(nonZeroOnly: false)(volume).voxels.allSatisfy { $0.isFinite })
    #expect(Normalisation.minMax(volume).voxels[0] == 1)
  }

  @Test(arguments: [
    #"{"method":"zscore"}"#, #"{"method":"window","lower":1}"#, #"{"method":"window","lower":2,"upper":2}"#,
    #"{"method":"percentile","lower":-1,"upper":99}"#, #"{"method":"min-max","to":[1,1]}"#,
    #"{"method":"clip","lower":3,"upper":2}"#, #"{"method":"min-max","to":[1]}"#,
  ])
  func badSettingsAreErrors(_ json: String) {
    #expect(throws: DecodingError.self) {
      try JSONDecoder().decode(Normalisation.self, from: Data(json.utf8))
    }
  }

  @Test func settingsSurviveJSON() throws {
    for n: Normalisation in [
      .none, .window(lower: -160, upper: 240), .zScore(nonZeroOnly: true), .minMax,
      .windowZScore(lower: -5, upper: 5, mean: 1, standardDeviation: 2), .percentile(lower: 0.5, upper: 99.5),
      .clip(lower: -3, upper: 4), .minMax(to: .init(-1, 1)), .window(lower: 0, upper: 9, to: .init(-2, 2)),
    ] {
      #expect(try JSONDecoder().decode(Normalisation.self, from: JSONEncoder().encode(n)) == n)
    }
  }
}
