import Interchange
import Testing
import Volumes

@testable import Training

/// The decision about keeping largest components, on small maps that are drawn row by row.
@Suite struct PostprocessingTests {
  static let classes = [
    ClassLabel(name: "background", id: 0), ClassLabel(name: "liver", id: 3), ClassLabel(name: "tumour", id: 7),
  ]

  /// One slice; digits are ids.
  private func map(_ rows: [String]) -> LabelVolume {
    let voxels = rows.flatMap { $0.map { Int32($0.wholeNumberValue ?? 0) } }
    let grid = VolumeGrid(
      size: SIMD3(rows[0].count, rows.count, 1), affine: Affine(spacingInMillimetres: SIMD3(1, 1, 1)))
    return LabelVolume(grid: grid, voxels: voxels)
  }

  private func decision(_ pairs: [(prediction: [String], reference: [String])]) throws -> Postprocessing {
    let outputs = NetworkOutputs(classes: Self.classes)
    var recipe = Recipe()
    recipe.training.largestComponent = .corners
    var trial = try #require(PostprocessingTrial(outputs, recipe))
    for (index, pair) in pairs.enumerated() {
      let (prediction, reference) = (map(pair.prediction), map(pair.reference))
      let metrics = try CaseMetrics(
        name: "case \(index)", prediction: prediction, reference: reference, regions: outputs.measured,
        settings: EvaluationSettings(includesSurfaces: false))
      try trial.add(metrics, prediction: prediction, reference: reference)
    }
    return trial.decision(step: 5)
  }

  @Test func islandsOfFalseForegroundGoTogether() throws {
    // The island is of both labels and false in both.
    let found = try decision([(["337733000", "333333037", "000000000"], ["337733000", "333333000", "000000000"])])
    #expect(found.keepsLargestForeground && found.labels.isEmpty)
    #expect(found.meanDiceWithIt == 1 && (found.meanDice ?? 1) < 1)
    var volume = map(["337733000", "333333037", "000000000"])
    found(&volume, classes: Self.classes)
    #expect(volume.voxels == map(["337733000", "333333000", "000000000"]).voxels)
    #expect(found.caseCount == 1 && found.step == 5)
  }

  @Test func aLabelOfTwoTruePartsKeepsThem() throws {
    // Two tumours are real; the liver has a false island. All together would lose a tumour.
    let found = try decision([(["330770033", "330770000", "330000077"], ["330770000", "330770000", "330000077"])])
    #expect(!found.keepsLargestForeground)
    #expect(found.labels.map(\.name) == ["liver"])
  }

  @Test func nothingIsCleanedThatDoesNotRaiseDice() throws {
    let same = ["330077", "330077", "000000"]
    let found = try decision([(same, same)])
    #expect(found.changesNothing && found.meanDice == found.meanDiceWithIt)
    // What helps one case and hurts another as much is no gain.
    let balanced = try decision([
      (["3300300", "3300000"], ["3300000", "3300000"]), (["3300300", "3300000"], ["3300300", "3300000"]),
    ])
    #expect(balanced.changesNothing)
  }

  @Test func itIsReadBackAsWritten() throws {
    let found = try decision([(["330770033", "330770000", "330000077"], ["330770000", "330770000", "330000077"])])
    #expect(Postprocessing(found.json) == found)
    #expect(Postprocessing(["connectivity": .integer(7)]) == nil)
  }
}
