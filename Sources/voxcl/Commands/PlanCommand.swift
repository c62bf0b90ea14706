import ArgumentParser
import FoundationEssentials
import VoxCL

struct PlanCommand: ReportingCommand {
  static let configuration = CommandConfiguration(
    commandName: "plan", abstract: "From a data set to a complete recipe, as nnU-Net plans.",
    discussion: """
      Reads every case of a folder in nnU-Net's or the Medical Segmentation Decathlon's layout (dataset.json, imagesTr, \
      labelsTr), or of images/ and labels/, and writes a recipe that `voxcl check` and `voxcl train` take as it is, and \
      beside it the fingerprint of the data. Spacing, normalisation, stages, kernels and strides follow nnU-Net's rules; \
      the patch and the batch are the largest whose exact memory plan fits --fit on the device.

      With --time, a few steps are timed on the device, and batch, width and patch are cut and the schedule's length set \
      so that all folds end in that time. Equal data and options give an equal recipe, but for what timing decides.

      Each decision stands in the recipe as a comment with its reason. Exits with 65 and all faults of the data.
      """)

  @Argument(help: "Data folder.") var dataset: String
  @Option(name: [.short, .long], help: "Recipe to write; the fingerprint goes beside it.") var output: String
  @Option(help: "Bytes that a training step may take. Default: nnU-Net's 8GiB, or what the device has.")
  var fit: ByteCount?
  @Option(help: "Time for all folds: seconds, or 90s, 20m, 2h.") var time: String?
  @OptionGroup var device: DeviceOption
  @Option(help: "Folds of the cross-validation. Default: 5.") var folds: Int?
  @Option(help: "Regular expression that finds the patient in a case's name. Default: looked for.") var groupBy: String?
  @Option(help: "fp32 or mixed. Default: mixed on a GPU.") var precision: Precision?
  @Flag(help: "Print JSON.") var json = false

  struct Report: Encodable {
    var recipe: String
    var fingerprint: String
    var decisions: [PlanDecision]
    var warnings: [String]
    var folds: Int
    var steps: Int
    var bytes: Int
    var secondsPerStep: Double?
    var expectedSeconds: Double?
  }

  func perform() throws {
    let options = try options()
    let data = try DataSettings(detecting: dataset)
    let device = try device.choose()
    let bar = TrainingProgress(lastStep: 1, lines: 1)
    let start = monotonicSeconds()
    let fingerprint = try DatasetFingerprint(data, groupBy: options.groupBy.map { CaseGrouping(pattern: $0) }) {
      if !json { bar.loading($0, $1) }
    }
    let loading = monotonicSeconds() - start
    let stem = output.hasSuffix(".json") ? String(output.dropLast(5)) : output
    let line = ProgressLine("planning", unit: "steps")
    let plan = try ExperimentPlan(
      fingerprint, data: data, name: stem.split(separator: "/").last.map(String.init) ?? "plan", options: options,
      device: device, clock: monotonicSeconds, loadingSeconds: loading, progress: { line.say($0) })
    line.end()
    let fingerprintPath = stem + "-fingerprint.json"
    try write(try fingerprintText(fingerprint), to: fingerprintPath)
    try write(plan.recipeText(dataFolder: dataFolder(data), heading: heading(plan, device)), to: output)
    // What cannot be read back should be known now.
    _ = try Recipe.read(output)
    if json {
      return try printJSON(
        Report(
          recipe: output, fingerprint: fingerprintPath, decisions: plan.decisions, warnings: fingerprint.warnings,
          folds: plan.folds, steps: plan.recipe.training.steps, bytes: plan.bytes, secondsPerStep: plan.secondsPerStep,
          expectedSeconds: plan.expectedSeconds))
    }
    show(plan, device, fingerprintPath)
  }

  private func options() throws -> PlanOptions {
    var options = PlanOptions()
    options.fitBytes = fit?.bytes
    options.timeLimitInSeconds = try time.map { try TrainCommand.seconds($0, option: "--time") }
    options.folds = folds
    options.groupBy = groupBy
    options.precision = precision
    if let folds, !(1...1000).contains(folds) { throw UserError("--folds \(folds): expected 1 to 1000") }
    if let groupBy, (try? Regex(groupBy)) == nil {
      throw UserError("--group-by \(groupBy): expected a regular expression")
    }
    return options
  }

  private func show(_ plan: ExperimentPlan, _ device: any Device, _ fingerprintPath: String) {
    let cases = plan.fingerprint.cases
    print(
      "\(counted(cases.count, "case")), \(plan.fingerprint.classes.map(\.name).joined(separator: ", ")), on "
        + "\(device.description.id) (\(device.description.name))")
    printTable(["setting", "value", "why"], plan.decisions.map { [$0.key, $0.value, $0.why] })
    for warning in plan.fingerprint.warnings { print("warning: \(warning)") }
    var text = "a step takes \(byteText(plan.bytes))"
    if let seconds = plan.secondsPerStep, let expected = plan.expectedSeconds {
      text +=
        " and \(decimals(seconds, 3)) s; \(counted(plan.folds, "fold")) of \(plan.recipe.training.steps) steps are "
        + "expected to take \(decimals(expected / 3600, 2)) h"
    }
    print(text)
    print("recipe \(output), fingerprint \(fingerprintPath)")
    print("next: voxcl train \(output) --run RUN\(plan.folds > 1 ? " --fold all" : "")")
  }

  private func heading(_ plan: ExperimentPlan, _ device: any Device) -> [String] {
    let cases = counted(plan.fingerprint.cases.count, "case")
    var lines = ["Planned by voxcl \(Voxcl.configuration.version) for \(cases) and \(device.description.name)."]
    if let expected = plan.expectedSeconds {
      lines.append(
        "\(counted(plan.folds, "fold")) of \(plan.recipe.training.steps) steps are expected to take "
          + "\(decimals(expected / 3600, 2)) h there.")
    }
    return lines
  }

  /// As the user named it: a path from the recipe's folder where it was a path from here.
  private func dataFolder(_ data: DataSettings) -> String {
    guard !dataset.hasPrefix("/"), !output.hasPrefix("/") else { return data.folder }
    let here = FileManager.default.currentDirectoryPath
    // The data's folder is absolute and without dots; so must be the recipe's.
    let from = DataSettings.absolutePath(output, from: here).split(separator: "/").dropLast()
    let to = data.folder.split(separator: "/")
    let common = zip(from, to).prefix { $0 == $1 }.count
    let path = Array(repeating: "..", count: from.count - common) + to.dropFirst(common).map(String.init)
    return path.isEmpty ? "." : path.joined(separator: "/")
  }

  private func fingerprintText(_ fingerprint: DatasetFingerprint) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(fingerprint), as: UTF8.self) + "\n"
  }

  private func write(_ text: String, to path: String) throws {
    let file = try AtomicFile(path)
    try file.write(Array(text.utf8))
    try file.commit()
  }
}
