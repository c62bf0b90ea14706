import ArgumentParser
import FoundationEssentials
import VoxCL

struct EvaluateCommand: ReportingCommand {
  static let configuration = CommandConfiguration(
    commandName: "evaluate", abstract: "Compares label maps with their references.",
    discussion: """
      P and R are two files, or two folders with files of the same names. Dice, Jaccard, precision and recall per \
      case and label; HD95, ASSD and surface Dice in millimetres; volumes; then means over cases per label, and over \
      labels. A figure that is undefined (both sides empty) is null, left out of means and counted. Voxels whose \
      reference is negative count nowhere. Either side may be stored in any axes.
      """)

  @Option(help: "Label map or folder of label maps to judge.") var prediction: String
  @Option(help: "Label map or folder that counts as right.") var reference: String
  @Option(
    help: """
      Which labels: ids 1,2, or liver=1+2,tumour=2 (+ unites labels), or a .json file of names and ids. Default: \
      every id above 0 that occurs.
      """)
  var labels: String?
  @Option(help: "Millimetres of surface Dice.") var tolerance = 2.0
  @Flag(help: "Leave HD95, ASSD and surface Dice out.") var overlapOnly = false
  @Flag(help: "Print JSON.") var json = false
  @Option(help: "Write one row a case and label.") var csv: String?

  struct Report: Encodable {
    var cases: [CaseMetrics]
    var summary: MetricsSummary
    var meanDice: Double?

    private enum Key: String, CodingKey { case cases, summary, meanDice }
    func encode(to encoder: any Encoder) throws {
      var keys = encoder.container(keyedBy: Key.self)
      try keys.encode(cases, forKey: .cases)
      try keys.encode(summary, forKey: .summary)
      try keys.encode(meanDice, forKey: .meanDice)
    }
  }

  func perform() throws {
    guard tolerance >= 0, tolerance.isFinite else {
      throw UserError("--tolerance \(tolerance): expected millimetres, 0 or more")
    }
    let pairs = try LabelPairs(prediction: prediction, reference: reference).pairs
    let wanted = try labels.map(EvaluatedRegions.parse) ?? EvaluatedRegions.occurring(in: pairs)
    guard !wanted.isEmpty else {
      throw UserError("\(reference): no label above 0 occurs in it or in \(prediction); nothing to compare")
    }
    var settings = EvaluationSettings(toleranceInMillimetres: tolerance)
    settings.includesSurfaces = !overlapOnly
    var cases: [CaseMetrics] = []
    for pair in pairs {
      let (predicted, referred) = try pair.read()
      do {
        cases.append(
          try CaseMetrics(
            name: pair.name, prediction: predicted, reference: referred, regions: wanted, settings: settings))
      } catch {
        throw UserError("\(pair.prediction): \(error.problem) (\(pair.reference))")
      }
    }
    let report = Report(
      cases: cases, summary: MetricsSummary(cases), meanDice: MetricsSummary(cases).meanDice)
    if let csv {
      do { try MetricsCSV.text(cases).write(toFile: csv, atomically: true, encoding: .utf8) } catch {
        throw UserError("\(csv): cannot be written")
      }
    }
    if json { return try printJSON(report) }
    printReport(report)
  }

  private func printReport(_ report: Report) {
    func text(_ value: Double?, _ digits: Int) -> String { value.map { decimals($0, digits) } ?? "–" }
    func columns(_ value: (MetricName) -> Double?) -> [String] {
      [
        text(value(.dice), 4), text(value(.jaccard), 4), text(value(.precision), 4), text(value(.recall), 4),
        text(value(.hd95InMillimetres), 2), text(value(.assdInMillimetres), 2), text(value(.surfaceDice), 4),
        text(value(.referenceVolumeInMillilitres), 2), text(value(.predictionVolumeInMillilitres), 2),
      ]
    }
    var rows = report.cases.flatMap { entry in
      entry.labels.map { label in [entry.name, label.label.name] + columns { label[$0] } }
    }
    if report.cases.count > 1 {
      rows += report.summary.labels.map { label in ["mean", label.label.name] + columns { label[$0].mean } }
    }
    if report.cases.count > 1 || report.summary.labels.count > 1 {
      rows.append(["mean", "all labels"] + columns { report.summary[$0].mean })
    }
    printTable(
      [
        "case", "label", "Dice", "Jaccard", "prec.", "recall", "HD95 mm", "ASSD mm", "surf. Dice", "ref. ml",
        "pred. ml",
      ],
      rows, right: Set(2..<11))
    let leftOut = report.summary.labels.reduce(0) { $0 + $1[.dice].leftOut }
    if leftOut > 0 { print("\(leftOut) undefined Dice (label in neither map) left out of the means") }
    if !overlapOnly { print("surface Dice at \(tolerance) mm; \(report.summary.surfaceDefinition)") }
  }
}
