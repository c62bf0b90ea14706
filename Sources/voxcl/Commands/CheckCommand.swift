import ArgumentParser
import FoundationEssentials
import VoxCL

struct CheckCommand: ReportingCommand {
  static let configuration = CommandConfiguration(
    commandName: "check",
    abstract: "Shows all problems of a data set at once, and six patches as the network sees them.",
    discussion: """
      Opens every case and says which and why. Errors, with which training cannot start: a missing label, unequal \
      numbers of channels, geometry that disagrees between image and label, NaN, a label id that nobody named, a class \
      that no training case has, two cases of one name, a patient on both sides of a split. Warnings: a case without \
      foreground, ids with gaps, cases smaller than the patch, left–right flips of left and right labels.

      The page shows six augmented patches with their labels. Nothing is trained. Exits with 65 where there are errors.
      """)

  @Argument(help: "Recipe, or a data folder: images/ and labels/, or dataset.json.") var data: String
  @Option(name: [.short, .long], help: "HTML page to write. Default: NAME-check.html here.") var output:
    String?
  @Option(help: "Fold of the recipe's split.") var fold: Int?
  @Option(name: .customLong("set"), help: "Changes the recipe: path.to.key=value. May be repeated.")
  var overrides: [String] = []
  @Flag(help: "Print JSON.") var json = false

  struct Report: Encodable {
    var errors: [String]
    var warnings: [String]
    var classes: [String]
    var channels: [String]
    var cases: [DatasetCheck.Case]
    var page: String?
  }

  func perform() throws {
    var isFolder = false
    guard FileManager.default.fileExists(atPath: data, isDirectory: &isFolder) else {
      throw UserError("\(data): no such recipe or data folder")
    }
    let recipe =
      isFolder
      ? try Recipe(checking: data, overrides: overrides) : try Recipe.read(data, overrides: overrides)
    let bar = TrainingProgress(lastStep: 1, lines: 1)
    let check = DatasetCheck(recipe, fold: fold) { if !json { bar.loading($0, $1) } }
    let page = output ?? "\(recipe.name)-check.html"
    try CheckReport.write(check, name: recipe.name, to: page)
    if json {
      try printJSON(
        Report(
          errors: check.errors, warnings: check.warnings, classes: check.classes, channels: check.channels,
          cases: check.cases, page: page))
    } else {
      show(check, page)
    }
    guard check.errors.isEmpty else {
      standardError("voxcl: \(data): \(counted(check.errors.count, "error")): training could not start")
      throw ExitCode(ExitStatus.data)
    }
  }

  private func show(_ check: DatasetCheck, _ page: String) {
    if !check.cases.isEmpty {
      printTable(
        ["case", "part", "voxels", "spacing mm"] + check.classes,
        check.cases.map { entry in
          [
            entry.name, entry.part, entry.size.map(String.init).joined(separator: "×"),
            entry.spacingInMillimetres.map { decimals($0, 2) }.joined(separator: "×"),
          ] + check.classes.map { entry.voxels[$0].map(String.init) ?? "–" }
        }, right: Set(4..<4 + check.classes.count))
    }
    for error in check.errors { print("error: \(error)") }
    for warning in check.warnings { print("warning: \(warning)") }
    let counts = "\(counted(check.errors.count, "error")), \(counted(check.warnings.count, "warning"))"
    print(check.errors.isEmpty ? "\(check.cases.count) cases, \(counts); patches: \(page)" : "\(counts); page: \(page)")
  }
}

/// "1 error", "2 errors".
func counted(_ count: Int, _ noun: String) -> String { "\(count) \(noun)\(count == 1 ? "" : "s")" }
