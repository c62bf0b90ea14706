import ArgumentParser
import FoundationEssentials
import VoxCL

struct TrainCommand: ReportingCommand {
  static let configuration = CommandConfiguration(
    commandName: "train", abstract: "Trains a network by a recipe, into a run folder.",
    discussion: """
      The run folder gets recipe.json as resolved, splits.json, environment.json, events.jsonl, metrics.csv, \
      checkpoints/last.safetensors and best.safetensors, validation/ (CASE.nii.gz, cases.csv, summary.json), \
      tensorboard/, postprocessing.json and report.html. With --fold all each fold has such a folder, RUN/fold_K, and \
      RUN itself splits.json, cross-validation.json, .csv and .html over all cases; finished folds are passed over \
      on resuming.

      SIGINT and SIGTERM finish the step, write a checkpoint and exit with 130 and 143; a second signal ends \
      at once. A loss that is not finite ends the run with 65 and leaves the last good checkpoint.
      """)

  @Argument(help: "Recipe: JSON with comments.") var recipe: String
  @Option(help: "Run folder.") var run: String
  @Flag(help: "Go on from the run folder's last checkpoint, if it has one.") var resume = false
  @Option(help: "Fold of the recipe's split: a number from 0, or all (one run a fold, RUN/fold_K).")
  var fold: String?
  @Option(name: .customLong("init"), help: "Checkpoint or run folder to start from: fine-tuning.")
  var initial: String?
  @OptionGroup var device: DeviceOption
  @Option(help: "Bytes that the plan may take, such as 8GiB.") var memoryBudget: String?
  @Option(help: "fp32 or mixed.") var precision: Precision?
  @Option(name: .customLong("set"), help: "Changes the recipe: path.to.key=value. May be repeated.")
  var overrides: [String] = []
  @Option(help: "Total of steps; only truncates, the schedule's horizon stays the recipe's.") var steps: Int?
  @Option(help: "Ends with a checkpoint after this time (of each fold): seconds, or 90s, 20m, 2h.") var timeLimit: String?
  @Flag(help: "Do not look for faster tiles before a long run (voxcl tune; no bit of a result depends on it).")
  var noTune = false
  @Option(help: "Threads that make patches.") var dataThreads = 1
  @Option(
    help: """
      Folder that keeps the preprocessed training cases for this and later runs; they are mapped, not read. Default: \
      in memory, and what goes beyond half of the machine's in the run folder's cache/.
      """)
  var cache: String?
  @Option(help: "Off a terminal: one line each so many steps. Default: a hundredth of the run.") var logEvery:
    Int?

  func perform() throws {
    if let steps, steps < 1 { throw UserError("--steps \(steps): expected 1 or more") }
    if dataThreads < 1 { throw UserError("--data-threads \(dataThreads): expected 1 or more") }
    if let logEvery, logEvery < 1 { throw UserError("--log-every \(logEvery): expected 1 or more") }
    var changes = overrides
    if let memoryBudget { changes.append("memoryBudget=\"\(memoryBudget)\"") }
    if let precision { changes.append("precision=\"\(precision.rawValue)\"") }
    let recipe = try Recipe.read(self.recipe, overrides: changes)
    let device = try device.choose()
    StopSignal.install()
    guard fold == "all" else { return try train(recipe, fold: try foldNumber(), on: device) }
    let splits = try recipe.splits()
    try RunFolder.writeSplits(splits, run: run)
    for fold in splits.indices { try train(recipe, fold: fold, on: device) }
    guard splits.contains(where: { !$0.validation.isEmpty }) else {
      return print("no case validates: there is nothing to cross-validate")
    }
    let progress = ProgressLine("cross-validation", unit: "cases")
    let result = try CrossValidation(recipe, run: run, device: device, progress: progress.show)
    progress.end()
    try result.write(to: run)
    let page = try CrossValidationReport.write(result, runFolder: run)
    CrossValidationTable(result).print()
    print("\(page); \(run)/cross-validation.json and .csv hold every case")
  }

  private func foldNumber() throws -> Int? {
    guard let fold else { return nil }
    guard let number = Int(fold) else { throw UserError("--fold \(fold): expected a number or all") }
    return number
  }

  private func train(_ recipe: Recipe, fold: Int?, on device: any Device) throws {
    let isOneOfAll = self.fold == "all"
    var options = RunOptions(folder: isOneOfAll ? RunFolder.fold(fold ?? 0, of: run) : run)
    if isOneOfAll, resume, let done = try? Checkpoint.read(options.folder),
      done.isFinished(recipe.training, stepLimit: steps)
    {
      return print("fold \(fold ?? 0) ended at step \(done.step) already")
    }
    options.resumes = resume
    options.fold = fold
    options.initialCheckpoint = initial
    options.stepLimit = steps
    options.timeLimitInSeconds = try timeLimit.map { try Self.seconds($0) }
    options.dataThreads = dataThreads
    options.version = Voxcl.configuration.version
    let bar = TrainingProgress(
      lastStep: min(recipe.training.steps, steps ?? .max),
      lines: logEvery ?? max(1, recipe.training.steps / 100))
    let store =
      cache.map { CaseCache(folder: $0) }
      ?? CaseCache(folder: "\(options.folder)/cache", memoryLimit: Int(ProcessInfo.processInfo.physicalMemory / 2))
    let dataset = try Dataset(recipe, fold: fold, cache: store) { done, of in bar.loading(done, of) }
    bar.line(
      "\(recipe.name): \(dataset.training.count) training cases, \(dataset.validation.count) validation cases, "
        + "classes \(dataset.classes.map(\.name).joined(separator: ", "))")
    bar.line("device \(device.description.id): \(device.description.name)")
    let folder = options.folder
    let training = try TrainingRun(
      recipe, options: options, dataset: dataset, device: device, clock: monotonicSeconds,
      tune: { graph, steps in
        guard !noTune else { return false }
        let text = try AutomaticTuning.tune(
          graph, precision: recipe.precision, memoryBudget: recipe.memoryBudget, steps: steps,
          timeLimit: options.timeLimitInSeconds, on: device)
        if let text { bar.line(text) }
        return text != nil
      },
      observer: { event in
        bar.show(event)
        if case .validation = event { Self.refreshReport(folder, bar) }
      })
    bar.begin(at: training.step)
    let end = try training.run(stop: { StopSignal.received?.name }, validating: { bar.validating($0, $1) })
    Self.refreshReport(folder, bar)
    bar.finish("\(end.text) at step \(training.step); run folder \(folder)")
    if let signal = StopSignal.received { throw ExitCode(signal.exitCode) }
  }

  /// A report that cannot be written is said, but does not end a run.
  private static func refreshReport(_ folder: String, _ bar: TrainingProgress) {
    do {
      try TrainingReport.write(runFolder: folder)
    } catch {
      bar.line("the report was not written: \(error)")
    }
  }

  static func seconds(_ text: String, option: String = "--time-limit") throws -> Double {
    let units: [(String, Double)] = [("s", 1), ("m", 60), ("h", 3600)]
    for (unit, factor) in units where text.hasSuffix(unit) {
      if let value = Double(text.dropLast()), value > 0 { return value * factor }
    }
    if let value = Double(text), value > 0 { return value }
    throw UserError("\(option) \(text): expected seconds, or a time such as 90s, 20m, 2h")
  }
}
