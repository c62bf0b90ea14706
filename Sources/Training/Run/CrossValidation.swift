import ExecutionPlan
import Interchange
import Volumes

/// All folds of a split together: every validation case judged once, by the last checkpoint of a network that has not
/// seen it.
public struct CrossValidation: Sendable {
  public struct Fold: Sendable {
    public var number: Int
    /// Steps of its last checkpoint.
    public var step: Int
    public var cases: [CaseMetrics]
    /// Selected on these same cases.
    public var best: Checkpoint.BestValidation?

    public var summary: MetricsSummary { MetricsSummary(cases) }
  }

  public var recipeName: String
  public var folds: [Fold]
  /// Decided on all cases; nil where the recipe wants no decision.
  public var postprocessing: Postprocessing?

  /// Over all cases of all folds, without post-processing.
  public var summary: MetricsSummary { MetricsSummary(folds.flatMap(\.cases)) }
}

extension CrossValidation {
  /// Judges the predictions in the folds' `validation/`; where they are of another step than the last checkpoint (a
  /// run that a time limit or a signal ended), its network predicts them again.
  ///
  /// - Parameters:
  ///   - run: the folder of `fold_0`, `fold_1`, ….
  ///   - progress: cases done and cases in all.
  /// - Throws: `InterchangeError`, `DatasetErrors`, `VolumeError` where a file cannot be read, and the device's errors.
  public init(
    _ recipe: Recipe, run: String, device: any Device, settings: EvaluationSettings = EvaluationSettings(),
    progress: (_ done: Int, _ of: Int) -> Void = { _, _ in }
  ) throws {
    let listing = CaseListing(recipe.data)
    let files = Dictionary(listing.cases.map { ($0.name, $0) }, uniquingKeysWith: { a, _ in a })
    let splits = try recipe.splits()
    let total = splits.reduce(0) { $0 + $1.validation.count }
    var (done, folds) = (0, [Fold]())
    let map = ClassMap(classes: listing.classes, otherLabels: recipe.data.otherLabels, ignore: listing.ignore)
    let outputs = try NetworkOutputs(classes: listing.classes, regions: recipe.data.regions)
    var trial = PostprocessingTrial(outputs, recipe)
    for (number, split) in splits.enumerated() {
      let folder = RunFolder.fold(number, of: run)
      var predictions = try FoldPredictions(folder, classes: listing.classes, device: device)
      var fold = Fold(
        number: number, step: predictions.checkpoint.step, cases: [], best: predictions.checkpoint.best)
      for name in split.validation {
        guard let caseFiles = files[name] else {
          throw DatasetErrors(["\(folder): its validation case \(name) is no longer in the data"])
        }
        let prediction = try predictions.labels(of: caseFiles)
        let reference = try caseFiles.reference(onto: prediction.grid, classes: map)
        let metrics = try CaseMetrics(
          name: name, prediction: prediction, reference: reference, regions: outputs.measured, settings: settings)
        try trial?.add(metrics, prediction: prediction, reference: reference)
        fold.cases.append(metrics)
        done += 1
        progress(done, total)
      }
      folds.append(fold)
    }
    self.init(
      recipeName: recipe.name, folds: folds, postprocessing: trial?.decision(step: folds.map(\.step).max() ?? 0))
  }
}

/// A fold's validation predictions by its last checkpoint: those on the disk, or made again.
private struct FoldPredictions {
  let folder: String
  let checkpoint: Checkpoint
  let device: any Device
  /// The predictions on the disk are of the last checkpoint.
  private let isCurrent: Bool
  private var network: CheckpointNetwork?

  init(_ folder: String, classes: [ClassLabel], device: any Device) throws {
    self.folder = folder
    self.device = device
    checkpoint = try Checkpoint.read(folder)
    guard checkpoint.classes == classes else {
      throw InterchangeError(path: folder, problem: "its checkpoint has other classes than the recipe")
    }
    isCurrent = try RunFolder.validatedStep(folder) == checkpoint.step
  }

  mutating func labels(of files: CaseFiles) throws -> LabelVolume {
    let path = "\(folder)/validation/\(files.name).nii.gz"
    if isCurrent, RunFolder.exists(path) { return try NiftiFile.readLabels(path).labels }
    let loaded = try network ?? CheckpointNetwork(checkpoint, path: folder, on: device)
    network = loaded
    let stored = try files.readChannels(checkpoint.channels.count)
    let predictor = VolumePredictor(members: [loaded.member()], decision: checkpoint.outputs.decision)
    let labels = try predictor(stored.channels).labels
    try NiftiFile.writeLabels(labels, like: stored.header, to: path)
    return labels
  }
}
