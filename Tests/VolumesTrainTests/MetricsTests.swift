import FoundationEssentials
import Testing

@testable import Volumes

@Suite struct MetricsTests {
  struct Shape: Decodable {
    var kind: String
    var values: [Int]

    func contains(_ x: Int, _ y: Int, _ z: Int) -> Bool {
      let v = values
      switch kind {
      case "ball":
        let (a, b, c) = (x - v[0], y - v[1], z - v[2])
        return 4 * (a * a + b * b + c * c) <= v[3]
      case "box":
        return x >= v[0] && y >= v[1] && z >= v[2] && x <= v[3] && y <= v[4] && z <= v[5]
      default:
        return (v[0] * x * x + v[1] * y * z + v[2] * z + x * y) % v[3] < v[3] / 2
      }
    }
  }

  struct Case: Decodable {
    var name: String
    var size: [Int]
    var spacingInMillimetres: [Double]
    var toleranceInMillimetres: Double
    var prediction: [Shape]
    var reference: [Shape]
    var predictionVoxels: Int
    var referenceVoxels: Int
    var dice: Double
    var hd95: Double
    var assd: Double
    var surfaceDice: Double
  }

  struct File: Decodable { var cases: [Case] }

  func volume(
    _ size: SIMD3<Int>, spacing: SIMD3<Double> = SIMD3(1, 1, 1), _ label: (Int, Int, Int) -> Int32
  ) -> LabelVolume {
    var voxels: [Int32] = []
    for z in 0..<size.z { for y in 0..<size.y { for x in 0..<size.x { voxels.append(label(x, y, z)) } } }
    return LabelVolume(
      grid: VolumeGrid(size: size, affine: Affine(spacingInMillimetres: spacing)), voxels: voxels)
  }

  let organ = MetricLabel(id: 3, name: "organ")

  @Test func matchMONAIAndSurfaceDistance() throws {
    let file = try referenceFile("metric_values.json", as: File.self)
    #expect(file.cases.count == 8)
    for entry in file.cases {
      let size = SIMD3(entry.size[0], entry.size[1], entry.size[2])
      let s = entry.spacingInMillimetres
      let spacing = SIMD3(s[0], s[1], s[2])
      func rebuilt(_ shapes: [Shape]) -> LabelVolume {
        volume(size, spacing: spacing) { x, y, z in
          shapes.contains { $0.contains(x, y, z) } ? 3 : 0
        }
      }
      let metrics = try CaseMetrics(
        name: entry.name, prediction: rebuilt(entry.prediction), reference: rebuilt(entry.reference),
        labels: [organ],
        settings: EvaluationSettings(toleranceInMillimetres: entry.toleranceInMillimetres))
      let found = metrics.labels[0]
      let voxel = spacing.x * spacing.y * spacing.z / 1000
      func check(_ value: Double?, _ expected: Double, _ what: String) {
        let error = value.map { abs($0 - expected) } ?? .infinity
        let comment = "\(entry.name): \(what) is \(value ?? .nan), not \(expected)"
        #expect(error <= 1e-6 * max(1, expected), Comment(rawValue: comment))
      }
      check(found.dice, entry.dice, "dice")
      check(found.hd95InMillimetres, entry.hd95, "hd95")
      check(found.assdInMillimetres, entry.assd, "assd")
      check(found.surfaceDice, entry.surfaceDice, "surfaceDice")
      check(found.predictionVolumeInMillilitres, Double(entry.predictionVoxels) * voxel, "volume")
      check(found.referenceVolumeInMillilitres, Double(entry.referenceVoxels) * voxel, "volume")
    }
  }

  @Test func distanceTransformIsExact() {
    var random = SampleRandom(seed: 5, stream: .noise, sample: 0)
    for (size, density) in [(SIMD3(9, 8, 7), 0.02), (SIMD3(1, 12, 5), 0.1), (SIMD3(6, 1, 1), 0.3)] {
      let spacing = SIMD3(0.7, 1.9, 3.3)
      let target = (0..<size.voxelCount).map { _ in random.chance(density) ? UInt8(1) : 0 }
      let found = squaredDistanceTransform(to: target, size: size, spacingInMillimetres: spacing)
      func place(_ i: Int) -> SIMD3<Double> {
        SIMD3(Double(i % size.x), Double(i / size.x % size.y), Double(i / (size.x * size.y))) * spacing
      }
      for index in 0..<target.count {
        let nearest = target.indices.filter { target[$0] != 0 }.map { other in
          let d = place(index) - place(other)
          return (d * d).sum()
        }.min() ?? .infinity
        #expect(found[index] == nearest || abs(found[index] - nearest) < 1e-9 * nearest)
      }
    }
    let empty = squaredDistanceTransform(
      to: [0, 0, 0, 0], size: SIMD3(2, 2, 1), spacingInMillimetres: SIMD3(1, 1, 1))
    #expect(empty.allSatisfy { $0 == .infinity })
  }

  @Test func overlapCountsAndRatios() throws {
    let size = SIMD3(4, 2, 1)
    let reference = volume(size) { x, y, _ in y == 0 ? 3 : (x == 0 ? -1 : 0) }
    // TP 2 of 4 in the reference; 3 predicted, and one more on the ignored voxel, which does not count.
    let prediction = volume(size) { x, y, _ in (y == 0 && x < 2) || (y == 1 && x < 2) ? 3 : 0 }
    let found = try CaseMetrics(
      name: "a", prediction: prediction, reference: reference, labels: [organ]
    ).labels[0]
    #expect(found.dice == 4.0 / 7 && found.jaccard == 2.0 / 5)
    #expect(found.precision == 2.0 / 3 && found.recall == 0.5)
    #expect(found.referenceVolumeInMillilitres == 0.004 && found.predictionVolumeInMillilitres == 0.003)
  }

  /// An island of false foreground between two true parts, in what the annotator left open.
  @Test func ignoredVoxelsCountInNoSurface() throws {
    let size = SIMD3(16, 3, 3)
    let prediction = volume(size) { x, _, _ in x < 2 || x > 14 || (7...8).contains(x) ? 3 : 0 }
    func found(island: Int32) throws -> LabelMetrics {
      let reference = volume(size) { x, _, _ in x < 2 || x > 14 ? 3 : (7...8).contains(x) ? island : 0 }
      return try CaseMetrics(name: "a", prediction: prediction, reference: reference, labels: [organ]).labels[0]
    }
    let ignored = try found(island: -1)
    #expect(ignored.dice == 1 && ignored.hd95InMillimetres == 0 && ignored.assdInMillimetres == 0)
    #expect(ignored.surfaceDice == 1 && ignored.predictionVolumeInMillilitres == 0.027)
    let counted = try found(island: 0)
    #expect((counted.hd95InMillimetres ?? 0) > 5 && (counted.surfaceDice ?? 1) < 0.9)
  }

  @Test func toleranceAndSurfacesAreStated() throws {
    let left = volume(SIMD3(8, 4, 4)) { x, _, _ in x < 3 ? 3 : 0 }
    let shifted = volume(SIMD3(8, 4, 4)) { x, _, _ in x < 4 ? 3 : 0 }
    var surfaceDice: [Double] = []
    for tolerance in [0.5, 1] {
      let settings = EvaluationSettings(toleranceInMillimetres: tolerance)
      let metrics = try CaseMetrics(
        name: "a", prediction: shifted, reference: left, labels: [organ], settings: settings)
      surfaceDice.append(try #require(metrics.labels[0].surfaceDice))
      for json in [try JSONEncoder().encode(metrics), try JSONEncoder().encode(MetricsSummary([metrics]))] {
        let text = String(decoding: json, as: UTF8.self)
        #expect(text.contains("\"toleranceInMillimetres\":\(tolerance == 1 ? "1" : "0.5")"))
        #expect(text.contains("HD95, ASSD: voxels with a face neighbour outside, between voxel centres"))
        #expect(text.contains("surface Dice: marching-cubes elements weighted by area"))
      }
    }
    #expect(surfaceDice[0] < 0.9 && surfaceDice[1] > 0.999)
  }

  @Test func emptySidesFollowTheRules() throws {
    let size = SIMD3(3, 3, 3)
    let empty = volume(size) { _, _, _ in 0 }
    let full = volume(size) { x, _, _ in x == 1 ? 3 : 0 }
    func metrics(_ prediction: LabelVolume, _ reference: LabelVolume) throws -> LabelMetrics {
      try CaseMetrics(name: "a", prediction: prediction, reference: reference, labels: [organ]).labels[0]
    }
    let neither = try metrics(empty, empty)
    for name in MetricName.allCases.prefix(7) { #expect(neither[name] == nil, "\(name)") }
    #expect(neither.referenceVolumeInMillilitres == 0)
    let invented = try metrics(full, empty)
    #expect(invented.dice == 0 && invented.jaccard == 0 && invented.precision == 0)
    #expect(invented.recall == nil && invented.hd95InMillimetres == nil)
    #expect(invented.assdInMillimetres == nil && invented.surfaceDice == 0)
    let missed = try metrics(empty, full)
    #expect(missed.dice == 0 && missed.recall == 0 && missed.precision == nil)
    #expect(missed.hd95InMillimetres == nil && missed.surfaceDice == 0)
  }

  @Test func otherGridsAreRefused() throws {
    let a = volume(SIMD3(3, 3, 3)) { _, _, _ in 0 }
    let larger = volume(SIMD3(3, 3, 4)) { _, _, _ in 0 }
    var moved = a
    moved.grid.affine.translation.x = 0.2
    var nearby = a
    nearby.grid.affine.translation.x = 1e-3
    #expect(throws: VolumeError.self) {
      try CaseMetrics(name: "a", prediction: larger, reference: a, labels: [organ])
    }
    #expect(throws: VolumeError.self) {
      try CaseMetrics(name: "a", prediction: moved, reference: a, labels: [organ])
    }
    #expect(throws: Never.self) {
      try CaseMetrics(name: "a", prediction: nearby, reference: a, labels: [organ])
    }
  }

  @Test func spacingIsTheColumnsNormsAndVolumeTheDeterminant() throws {
    let straight = volume(SIMD3(6, 6, 6), spacing: SIMD3(1, 2, 3)) { x, y, z in x + y + z > 6 ? 3 : 0 }
    let other = volume(SIMD3(6, 6, 6), spacing: SIMD3(1, 2, 3)) { x, y, z in x + 2 * y + z > 9 ? 3 : 0 }
    func tilted(_ volume: LabelVolume) -> LabelVolume {
      var volume = volume
      volume.grid.affine.columns = (SIMD3(0, 1, 0), SIMD3(-1.2, 0, 1.6), SIMD3(2.4, 0, 1.8))
      return volume
    }
    let a = try CaseMetrics(name: "a", prediction: other, reference: straight, labels: [organ]).labels[0]
    let b = try CaseMetrics(
      name: "a", prediction: tilted(other), reference: tilted(straight), labels: [organ]
    ).labels[0]
    for name in MetricName.allCases {
      #expect(abs((a[name] ?? .nan) - (b[name] ?? .nan)) < 1e-9, "\(name)")
    }
  }

  @Test func summaryAveragesCasesThenLabelsAndCountsWhatIsUndefined() throws {
    func entry(_ id: Int32, _ dice: Double?) -> LabelMetrics {
      LabelMetrics(
        label: MetricLabel(id: id, name: "l\(id)"), dice: dice, referenceVolumeInMillilitres: 1,
        predictionVolumeInMillilitres: 2)
    }
    let size = SIMD3(1, 1, 1)
    var cases = try ["a", "b", "c"].map {
      try CaseMetrics(
        name: $0, prediction: volume(size) { _, _, _ in 0 }, reference: volume(size) { _, _, _ in 0 },
        labels: [])
    }
    cases[0].labels = [entry(1, 0.5), entry(2, nil)]
    cases[1].labels = [entry(1, 1.0), entry(2, 0.25)]
    cases[2].labels = [entry(1, nil), entry(2, nil)]
    let summary = MetricsSummary(cases)
    #expect(summary.labels[0][.dice] == MeanMetric([0.75, 0.75, nil]))
    #expect(summary.labels[1][.dice].mean == 0.25 && summary.labels[1][.dice].leftOut == 2)
    #expect(summary.meanDice == 0.5)
    #expect(summary[.hd95InMillimetres] == MeanMetric([nil, nil]))
    let text = String(decoding: try JSONEncoder().encode(summary), as: UTF8.self)
    #expect(text.contains(#""mean":null"#))
    #expect(try JSONDecoder().decode(MetricsSummary.self, from: Data(text.utf8)) == summary)

    let json = try JSONEncoder().encode(cases[2])
    #expect(String(decoding: json, as: UTF8.self).contains(#""dice":null"#))
    #expect(try JSONDecoder().decode(CaseMetrics.self, from: json) == cases[2])
  }

  @Test func rowsOfTheTable() throws {
    let size = SIMD3(2, 1, 1)
    var metrics = try CaseMetrics(
      name: "x", prediction: volume(size) { _, _, _ in 0 },
      reference: volume(size) { x, _, _ in x == 0 ? 3 : 0 },
      labels: [MetricLabel(id: 3, name: "left, \"upper\"")])
    metrics.labels[0].recall = 0.5
    #expect(
      MetricsCSV.text([metrics])
        == """
        case,label,labelName,dice,jaccard,precision,recall,hd95InMillimetres,assdInMillimetres,\
        surfaceDice,referenceVolumeInMillilitres,predictionVolumeInMillilitres,toleranceInMillimetres
        x,3,"left, ""upper\""",0.0,0.0,,0.5,,,0.0,0.001,0.0,2.0

        """)
  }
}
