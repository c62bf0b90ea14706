import CPUBackend
import FoundationEssentials
import Interchange
import Testing
import Volumes

@testable import Training

@Suite(.serialized) struct CrossValidationTests {
  @Test func everyCaseIsJudgedOnceByTheLastCheckpointOfItsFold() throws {
    let workspace = try Workspace()
    try workspace.makePhantoms(6)
    let recipe = try workspace.recipe(["training={steps: 4, validateEvery: 2}"])
    let device = try CPUDevice()
    let folder = workspace.file("cv")
    let splits = try recipe.splits()
    #expect(splits.count == 3)
    try RunFolder.writeSplits(splits, run: folder)
    // The file is one that a recipe reads.
    #expect(try SplitRule.read("\(folder)/splits.json") == splits)
    for fold in 0..<3 {
      var options = RunOptions(folder: RunFolder.fold(fold, of: folder))
      options.fold = fold
      let run = try TrainingRun(
        recipe, options: options, dataset: Dataset(recipe, fold: fold), device: device, clock: { 0 },
        observer: { _ in })
      if fold == 0 {
        let error = #expect(throws: InterchangeError.self) { try RunFolder.folds(of: folder) }
        #expect(error?.description.contains("fold_0, fold_1, fold_2") == true)
      }
      // The second fold is stopped past its validation: its predictions are of an older network.
      _ = try run.run(stop: { fold == 1 && run.step == 3 ? "SIGTERM" : nil })
    }
    #expect(try RunFolder.folds(of: folder) == (0..<3).map { "\(folder)/fold_\($0)" })
    #expect(try RunFolder.folds(of: "\(folder)/fold_0") == nil)

    var counts: [Int] = []
    let result = try CrossValidation(recipe, run: folder, device: device) { done, of in counts.append(10 * of + done) }
    #expect(counts == (1...6).map { 60 + $0 })
    #expect(result.folds.map(\.step) == [4, 3, 4])
    #expect(result.folds.map { $0.cases.map(\.name) } == splits.map(\.validation))
    #expect(result.summary.caseCount == 6)

    // The stale fold was predicted again by its last checkpoint.
    let checkpoint = try Checkpoint.read("\(folder)/fold_1")
    let network = try CheckpointNetwork(checkpoint, path: "", on: device)
    let name = splits[1].validation[0]
    let scan = try NiftiFile.read(workspace.file("data/images/\(name).nii.gz"))
    let again = try VolumePredictor(members: [network.member()], ids: checkpoint.classes.map(\.id))(scan.channels)
    let stored = try NiftiFile.readLabels("\(folder)/fold_1/validation/\(name).nii.gz").labels
    #expect(stored.voxels == again.labels.voxels)

    // Mean over cases per label, then over labels.
    let cases = result.folds.flatMap(\.cases)
    let means = (0..<4).compactMap { label -> Double? in
      let values = cases.compactMap { $0.labels[label].dice }
      return values.isEmpty ? nil : values.reduce(0, +) / Double(values.count)
    }
    let mean = means.reduce(0, +) / Double(means.count)
    #expect(abs((result.summary.meanDice ?? 0) - mean) < 1e-12)

    try result.write(to: folder)
    let rows = String(decoding: try workspace.bytes("cv/cross-validation.csv"), as: UTF8.self).split(separator: "\n")
    #expect(rows.count == 1 + 6 * 4 && rows[0].hasPrefix("fold,step,case,"))
    #expect(rows.filter { $0.hasPrefix("1,3,") }.count == 2 * 4)
    let json = try #require(JSONValue(parsing: [UInt8](workspace.bytes("cv/cross-validation.json"))).objectValue)
    #expect(json["checkpoint"] == .string("last") && json["meanDice"]?.doubleValue == result.summary.meanDice)
    #expect(json["perCase"]?.arrayValue?.count == 6)
    #expect(try Postprocessing.read(run: folder) == result.postprocessing)
    #expect(result.postprocessing?.caseCount == 6)

    // Another split may not go on in this folder, and no folds in a run's folder.
    var other = recipe
    other.data.split = .folds(3, seed: 9, groupBy: nil)
    #expect(throws: InterchangeError.self) { try RunFolder.writeSplits(other.splits(), run: folder) }
    #expect(throws: InterchangeError.self) { try RunFolder.writeSplits(splits, run: "\(folder)/fold_0") }
    try RunFolder.writeSplits(splits, run: folder)
  }
}
