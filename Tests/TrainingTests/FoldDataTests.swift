import CPUBackend
import FoundationEssentials
import Testing
import Volumes

@testable import Training

/// What is measured on cases, and what is chosen by them, belongs to one fold.
@Suite(.serialized) struct FoldDataTests {
  @Test func statisticsAreOfTheFoldsTrainingCases() throws {
    let workspace = try Workspace()
    try workspace.makePhantoms(4)
    let recipe = try workspace.recipe([
      "preprocessing=[{normalise: 'ct-foreground'}]", "data.split={folds: 2, seed: 3}",
    ])
    let before = [try Dataset(recipe, fold: 0), try Dataset(recipe, fold: 1)]
    // Other images for the first fold's validation, on which the second one trains.
    for files in before[0].validation {
      var image = try NiftiFile.read(files.images[0]).channels[0]
      image.voxels = image.voxels.map { $0 + 500 }
      try NiftiFile.write(image, to: files.images[0])
    }
    let after = [try Dataset(recipe, fold: 0), try Dataset(recipe, fold: 1)]
    #expect(after[0].statistics == before[0].statistics)
    #expect(abs(after[1].statistics[0].mean - before[1].statistics[0].mean - 500) < 0.01)
  }

  /// Clean-up and best checkpoint are chosen by the fold's validation cases; the checkpoint that counts is the last.
  @Test func choicesAreOfTheFoldsValidationCases() throws {
    let workspace = try Workspace()
    try workspace.makePhantoms(6)
    let recipe = try workspace.recipe([
      "training={steps: 32, validateEvery: 8}", "schedule=null", "augmentation={}", "model.dropout=0",
      "optimizer.learningRate=1e-2", "sampler.microBatches=1",
    ])
    for fold in 0..<2 {
      let folder = "fold\(fold)"
      var options = RunOptions(folder: workspace.file(folder))
      options.fold = fold
      let run = try TrainingRun(
        recipe, options: options, dataset: Dataset(recipe, fold: fold), device: CPUDevice(), clock: { 0 },
        observer: { _ in })
      _ = try run.run()
      let split = run.dataset.split
      #expect(split.validation.count == 2 && Set(split.training).isDisjoint(with: split.validation))
      #expect(try SplitRule.read(workspace.file("\(folder)/splits.json")) == [split])

      let last = try Checkpoint.read(workspace.file(folder))
      #expect(last.step == 32)
      #expect(last.postprocessing?.step == 32 && last.postprocessing?.caseCount == 2)
      let rows = String(decoding: try workspace.bytes("\(folder)/validation/cases.csv"), as: UTF8.self)
        .split(separator: "\n").dropFirst().map { $0.split(separator: ",", omittingEmptySubsequences: false) }
      #expect(Set(rows.map { String($0[2]) }) == Set(split.validation))

      let metrics = String(decoding: try workspace.bytes("\(folder)/metrics.csv"), as: UTF8.self)
        .split(separator: "\n").dropFirst().map { $0.split(separator: ",", omittingEmptySubsequences: false) }
      let means = metrics.compactMap { row in Double(row[3]).map { (step: Int(row[0]), mean: $0) } }
      let highest = try #require(means.map(\.mean).max())
      let best = try #require(last.best)
      #expect(means.count == 4 && best.meanDice == highest && highest > means[0].mean, "\(means)")
      #expect(best.step == means.first(where: { $0.mean == highest })?.step)
      #expect(try Checkpoint.read(Checkpoint.path(inRun: workspace.file(folder), .best)).step == best.step)
    }
  }
}
