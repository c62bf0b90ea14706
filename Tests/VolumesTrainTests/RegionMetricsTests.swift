import Testing

@testable import Volumes

@Suite struct RegionMetricsTests {
  private let grid = VolumeGrid(size: SIMD3(8, 1, 1), affine: Affine(spacingInMillimetres: SIMD3(1, 1, 1)))

  private func row(_ ids: [Int32]) -> LabelVolume { LabelVolume(grid: grid, voxels: ids) }

  private func region(_ name: String, _ ids: [Int32]) -> MetricRegion {
    MetricRegion(label: MetricLabel(id: ids[0], name: name), ids: Set(ids))
  }

  @Test func unionsMayOverlapAndShareTheirFirstId() throws {
    let metrics = try CaseMetrics(
      name: "a", prediction: row([1, 1, 2, 3, 0, 0, 3, 2]), reference: row([2, 1, 1, 3, 3, 0, -1, 0]),
      regions: [region("whole", [1, 2, 3]), region("core", [1, 3]), region("three", [3])])
    // Of the seven voxels that count: whole 5 and 5, both 4; core 3 and 4, both 2; three 1 and 2, both 1.
    let expected: [Double?] = [0.8, 4.0 / 7, 2.0 / 3]
    #expect(metrics.labels.map(\.dice) == expected)
    let summary = MetricsSummary([metrics, metrics])
    #expect(summary.labels.map(\.label.name) == ["whole", "core", "three"])
    #expect(summary.labels.map { $0[.dice].mean } == metrics.labels.map(\.dice))
  }

  @Test func singleLabelsAreMeasuredAsLabels() throws {
    let (prediction, reference) = (row([1, 1, 2, 2, 0, 0, 2, 0]), row([1, 2, 2, 2, 0, -1, -1, 1]))
    let labels = [MetricLabel(id: 1, name: "one"), MetricLabel(id: 2, name: "two")]
    let regions = labels.map { MetricRegion(label: $0, ids: [$0.id]) }
    let a = try CaseMetrics(name: "a", prediction: prediction, reference: reference, labels: labels)
    let b = try CaseMetrics(name: "a", prediction: prediction, reference: reference, regions: regions)
    // A third region sends all of them through masks.
    let masked = try CaseMetrics(
      name: "a", prediction: prediction, reference: reference, regions: regions + [region("both", [1, 2])])
    #expect(a == b && Array(masked.labels.prefix(2)) == a.labels)
  }
}
