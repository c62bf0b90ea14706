import FoundationEssentials
import Interchange
import Training
import Volumes

/// A training run as one page: curves, memory, Dice per label and case, pictures of predictions.
public enum TrainingReport {
  /// Cases shown in pictures: the worst, the middle and the best.
  static let pictureCount = 3
  /// Cases that are measured one by one; more are left to `voxcl evaluate`.
  static let measuredCases = 24

  /// Writes `report.html` from what the run folder holds so far: `events.jsonl`, `recipe.json`,
  /// `environment.json` and `validation/`.
  ///
  /// - Returns: the report's path.
  /// - Throws: `ReportError` where there are no events or the page cannot be written.
  @discardableResult
  public static func write(runFolder: String) throws(ReportError) -> String {
    let events = try RunEvents(path: "\(runFolder)/events.jsonl")
    let path = "\(runFolder)/report.html"
    try writeReport(html(events, runFolder: runFolder), to: path)
    return path
  }

  static func html(_ events: RunEvents, runFolder: String) -> String {
    let recipeText = read("\(runFolder)/recipe.json")
    let recipe = recipeText.flatMap { (try? JSONValue(parsing: $0, dialect: .relaxed))?.objectValue }
    let environmentText = read("\(runFolder)/environment.json")
    let environment = environmentText.flatMap { (try? JSONValue(parsing: $0))?.objectValue }
    let name = recipe?["name"]?.stringValue ?? lastComponent(runFolder)
    let device = events.device ?? environment?["device"]?.stringValue
      ?? environment?["device"]?.objectValue?["name"]?.stringValue
    var subtitle = "run folder \(lastComponent(runFolder))"
    if let device { subtitle += ", on \(device)" }
    var body = HTMLPage.cards(cards(events, recipe))
    body += HTMLPage.section("Course of the training", curves(events))
    let labels = metricLabels(recipe, events)
    body += validation(events, runFolder: runFolder, labels: labels)
    body += HTMLPage.section("Memory and time", memory(events))
    for (title, text) in [("Recipe as resolved", recipeText), ("Environment", environmentText)] {
      guard let text else { continue }
      body += "<section><details><summary>\(title)</summary><pre>\(escaped(text))</pre></details></section>"
    }
    return HTMLPage.text(title: "Training \(name)", subtitle: subtitle, body: body)
  }

  private static func cards(
    _ events: RunEvents, _ recipe: JSONObject?
  ) -> [(title: String, value: String, note: String)] {
    var cards: [(title: String, value: String, note: String)] = []
    if let last = events.validations.last {
      cards.append(("mean Dice, last", fixed(last.meanDice, 4), "whole volumes, step \(last.step)"))
      if let best = events.validations.max(by: { ($0.meanDice ?? -1) < ($1.meanDice ?? -1) }) {
        cards.append(("mean Dice, best", fixed(best.meanDice, 4), "step \(best.step); selected on these cases"))
      }
    }
    if let last = events.steps.last {
      let total = recipe?["training"]?.objectValue?["steps"]?.integerValue
      cards.append(("steps", "\(last.step)", total.map { "of \($0)" } ?? ""))
      cards.append(("loss, last", fixed(last.loss, 4), "one batch"))
      cards.append(
        ("seconds a step", fixed(median(events.steps.map(\.seconds)), 3), "median, of which waiting for data "
          + fixed(median(events.steps.map(\.waitSeconds)), 4)))
    }
    if let bytes = events.predictedPeakBytes {
      cards.append(("device memory", byteCount(bytes), "as planned"))
    }
    return cards
  }

  private static func curves(_ events: RunEvents) -> String {
    let losses = events.steps.map { (x: Double($0.step), y: $0.loss) }
    let halfLife = max(3, Double(events.steps.count) / 60)
    let loss = LineChart(
      title: "Loss", xTitle: "step",
      series: [
        LineChart.Series(name: "each step", colour: "#56b4e9", points: losses, width: 1, opacity: 0.45),
        LineChart.Series(
          name: "smoothed (half-life \(short(halfLife.rounded())) steps)", colour: "#0072b2",
          points: events.smoothedLoss(halfLife: halfLife), width: 2.2),
      ])
    let names = events.validations.last?.dice.map(\.label) ?? []
    var dice = names.enumerated().map { number, label in
      LineChart.Series(
        name: label, colour: Palette.colour(number),
        points: events.validations.map { v in
          (Double(v.step), v.dice.first { $0.label == label }?.dice ?? .nan)
        }, showsDots: true)
    }
    if names.count > 1 {
      dice.append(
        LineChart.Series(
          name: "mean", colour: "#8896a5",
          points: events.validations.map { (Double($0.step), $0.meanDice ?? .nan) }, width: 3, opacity: 0.8))
    }
    let diceChart = LineChart(
      title: "Dice on whole validation volumes", xTitle: "step", series: dice, yLimits: 0...1)
    func plain(_ title: String, _ colour: String, _ value: (RunEvents.Step) -> Double) -> String {
      var chart = LineChart(
        title: title, xTitle: "step",
        series: [
          LineChart.Series(
            name: title, colour: colour, points: events.steps.map { (Double($0.step), value($0)) }, width: 1.6)
        ])
      chart.format = { significant($0) }
      return chart.svg
    }
    return "<div class=\"grid2\">" + loss.svg + diceChart.svg
      + plain("Learning rate", "#009e73") { $0.learningRate }
      + plain("Gradient norm", "#cc79a7") { $0.gradientNorm } + "</div>"
  }

  private static func memory(_ events: RunEvents) -> String {
    var rows: [[String]] = []
    if let predicted = events.predictedPeakBytes {
      rows.append(["device memory, predicted before the run", "\(predicted)", byteCount(predicted)])
    }
    if let allocated = events.allocatedBytes {
      rows.append(["device memory, allocated", "\(allocated)", byteCount(allocated)])
      if let predicted = events.predictedPeakBytes {
        rows.append(["difference", "\(allocated - predicted)", allocated == predicted ? "equal" : "not equal"])
      }
    }
    let skipped = events.steps.filter(\.isSkipped).count
    let seconds = events.steps.map(\.seconds).filter(\.isFinite).reduce(0, +)
    let waited = events.steps.map(\.waitSeconds).filter(\.isFinite).reduce(0, +)
    rows.append(["seconds in steps", fixed(seconds, 1), "\(fixed(seconds / 60, 1)) min"])
    rows.append(["of which waiting for data", fixed(waited, 1), "\(fixed(100 * waited / max(seconds, 1e-9), 1)) %"])
    rows.append(["skipped steps (gradient not finite)", "\(skipped)", ""])
    return HTMLPage.table(["", "figure", ""], rows, numbersFrom: 1)
  }

  private static func validation(_ events: RunEvents, runFolder: String, labels: [MetricLabel]) -> String {
    guard let last = events.validations.last else { return "" }
    var html = ""
    let best = events.validations.max { ($0.meanDice ?? -1) < ($1.meanDice ?? -1) }
    let rows = last.dice.map { entry in
      [
        entry.label, fixed(entry.dice, 4),
        fixed(best?.dice.first { $0.label == entry.label }?.dice, 4),
      ]
    } + [["mean over labels", fixed(last.meanDice, 4), fixed(best?.meanDice, 4)]]
    html += HTMLPage.section(
      "Labels", HTMLPage.table(["label", "Dice at step \(last.step)", "at the best step \(best?.step ?? 0)"], rows, numbersFrom: 1),
      note: "Mean over the validation cases that have the label; the best step was selected on these same cases.")
    let cases = ReportedCase.list(runFolder: runFolder)
    guard !cases.isEmpty, !labels.isEmpty else { return html }
    let measured = cases.prefix(measuredCases).compactMap { entry in
      entry.metrics(labels).map { (entry: entry, metrics: $0) }
    }
    func mean(_ metrics: CaseMetrics) -> Double? { MeanMetric(metrics.labels.map(\.dice)).mean }
    let order = measured.sorted { (mean($0.metrics) ?? 2) < (mean($1.metrics) ?? 2) }
    html += HTMLPage.section(
      "Cases",
      HTMLPage.table(
        ["case"] + labels.map(\.name) + ["mean"],
        order.map { item in
          [item.entry.name] + item.metrics.labels.map { fixed($0.dice, 4) } + [fixed(mean(item.metrics), 4)]
        }, numbersFrom: 1),
      note: "Dice, worst first" + (cases.count > measuredCases ? "; the first \(measuredCases) of \(cases.count) cases" : ""))
    var shown: [Int] = []
    for place in [0, order.count / 2, order.count - 1] where order.indices.contains(place) && !shown.contains(place) {
      shown.append(place)
    }
    var pictures = ""
    for (place, title) in zip(shown, shown.count == 3 ? ["worst", "middle", "best"] : ["", "", ""]) {
      guard let picture = order[place].entry.pictures(labels) else { continue }
      pictures += "<div class=\"panel case\"><h3>\(escaped(order[place].entry.name))<small>\(title) Dice "
        + "\(fixed(mean(order[place].metrics), 4))</small></h3>\(picture)</div>"
    }
    guard !pictures.isEmpty else { return html }
    let legend = "<p class=\"legend\">" + labels.enumerated().map {
      "<span><i style=\"background:\(Palette.colour($0.offset))\"></i>\(escaped($0.element.name))</span>"
    }.joined() + "</p>"
    return html
      + HTMLPage.section(
        "Predictions",
        "<p class=\"toggles\"><label><input type=\"checkbox\" value=\"label\" checked> label (filled)</label>"
          + "<label><input type=\"checkbox\" value=\"prediction\" checked> prediction (outlined)</label></p>"
          + pictures + legend,
        note: "Three planes through the slices with most labelled voxels; the patient's right is on the left.")
  }

  /// The recipe's classes; where it names none, those of the last validation without ids.
  private static func metricLabels(_ recipe: JSONObject?, _ events: RunEvents) -> [MetricLabel] {
    let classes = recipe?["data"]?.objectValue?["classes"]?.objectValue?.members ?? []
    let named = classes.compactMap { member in
      member.value.integerValue.map { MetricLabel(id: Int32(truncatingIfNeeded: $0), name: member.key) }
    }
    return named.filter { $0.id > 0 }.sorted { $0.id < $1.id }
  }

  private static func read(_ path: String) -> String? { try? String(contentsOfFile: path, encoding: .utf8) }

  private static func lastComponent(_ path: String) -> String {
    path.split(separator: "/").last.map { String($0) } ?? path
  }

  private static func median(_ values: [Double]) -> Double? {
    let sorted = values.filter(\.isFinite).sorted()
    return sorted.isEmpty ? nil : sorted[sorted.count / 2]
  }
}

/// Three significant digits, with an exponent where that is shorter.
func significant(_ value: Double) -> String {
  guard value != 0, value.isFinite else { return value == 0 ? "0" : "–" }
  var (mantissa, exponent) = (abs(value), 0)
  while mantissa >= 10 { (mantissa, exponent) = (mantissa / 10, exponent + 1) }
  while mantissa < 1 { (mantissa, exponent) = (mantissa * 10, exponent - 1) }
  let sign = value < 0 ? "-" : ""
  if (-2...4).contains(exponent) { return short((value * 1000).rounded() / 1000) }
  return "\(sign)\(short((mantissa * 100).rounded() / 100))e\(exponent)"
}
