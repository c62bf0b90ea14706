import FoundationEssentials
import Interchange
import Training
import Volumes

/// A training run as one page: curves, memory, Dice per label and case, pictures of predictions.
public enum TrainingReport {
  /// Writes `report.html` from what the run folder holds so far: `events.jsonl`, `recipe.json`,
  /// `environment.json`, and the predictions in `validation/`.
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
    let device = environment?["device"]?.objectValue?["name"]?.stringValue ?? events.device
    var subtitle = "run folder \(lastComponent(runFolder))"
    if let device { subtitle += ", on \(device)" }
    var body = HTMLPage.cards(cards(events, recipe))
    body += HTMLPage.section("Course of the training", curves(events))
    body += labelTable(events) + caseTable(events)
    // A recipe that can no longer be read, or data that moved away: the page goes without pictures.
    if let settings = try? Recipe.read("\(runFolder)/recipe.json") {
      let listing = CaseListing(settings.data)
      let classes = listing.classes.filter { $0.id > 0 }
      body += pictures(events, ReportedCase.list(listing, runFolder: runFolder), classes)
    }
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
        cards.append(
          ("mean Dice, best", fixed(best.meanDice, 4), "step \(best.step); selected on these cases"))
      }
    }
    if let patch = events.patches.last {
      cards.append(("patch Dice", fixed(patch.meanDice, 4), "the one training patch, step \(patch.step)"))
    }
    if let last = events.steps.last {
      let total = recipe?["training"]?.objectValue?["steps"]?.integerValue
      let ended = events.end.map { $0.reason == "completed" ? "" : ", ended by \($0.reason)" } ?? ""
      cards.append(("steps", "\(last.step)", (total.map { "of \($0)" } ?? "") + ended))
      cards.append(("loss, last", fixed(last.loss, 4), "one batch"))
      cards.append(
        (
          "seconds a step", fixed(median(events.steps.map(\.seconds)), 3),
          "median, of which waiting for data "
            + fixed(median(events.steps.map(\.waitSeconds)), 4)
        ))
      let (seconds, waited) = waiting(events)
      cards.append(
        ("waited for data", "\(fixed(100 * waited / max(seconds, 1e-9), 1)) %", "of the time in steps"))
    }
    if let bytes = events.predictedPeakBytes {
      cards.append(("device memory", byteCount(bytes), "as planned"))
    }
    return cards
  }

  /// Stages and the early stop, for the charts.
  private static func marks(_ events: RunEvents) -> [(x: Double, text: String)] {
    var marks = events.stages.map { (x: Double($0.step), text: "stage \($0.stage + 1)") }
    if let end = events.end, end.reason == "early-stop" { marks.append((Double(end.step), "early stop")) }
    return marks
  }

  /// Seconds in steps, and of them those that waited for data.
  private static func waiting(_ events: RunEvents) -> (seconds: Double, waited: Double) {
    func sum(_ values: [Double]) -> Double { values.filter(\.isFinite).reduce(0, +) }
    return (sum(events.steps.map(\.seconds)), sum(events.steps.map(\.waitSeconds)))
  }

  private static func curves(_ events: RunEvents) -> String {
    let losses = events.steps.map { (x: Double($0.step), y: $0.loss) }
    let halfLife = max(3, Double(events.steps.count) / 60)
    var loss = LineChart(
      title: "Loss", xTitle: "step",
      series: [
        LineChart.Series(name: "each step", colour: "#56b4e9", points: losses, width: 1, opacity: 0.45),
        LineChart.Series(
          name: "smoothed (half-life \(short(halfLife.rounded())) steps)", colour: "#0072b2",
          points: events.smoothedLoss(halfLife: halfLife), width: 2.2),
      ])
    loss.events = marks(events)
    func plain(_ title: String, _ colour: String, _ value: (RunEvents.Step) -> Double) -> String {
      var chart = LineChart(
        title: title, xTitle: "step",
        series: [
          LineChart.Series(
            name: title, colour: colour, points: events.steps.map { (Double($0.step), value($0)) }, width: 1.6
          )
        ])
      chart.format = { significant($0) }
      chart.events = marks(events)
      return chart.svg
    }
    return "<div class=\"grid2\">" + loss.svg + diceCurve(events)
      + plain("Learning rate", "#009e73") { $0.learningRate }
      + plain("Gradient norm", "#cc79a7") { $0.gradientNorm } + "</div>"
  }

  /// Of whole volumes, or of an overfit check's patch.
  private static func diceCurve(_ events: RunEvents) -> String {
    let isPatch = events.validations.isEmpty && !events.patches.isEmpty
    let checks = isPatch ? events.patches : events.validations
    let names = checks.last?.dice.map(\.label) ?? []
    var dice = names.enumerated().map { number, label in
      LineChart.Series(
        name: label, colour: Palette.colour(number),
        points: checks.map { check in
          (Double(check.step), check.dice.first { $0.label == label }?.dice ?? .nan)
        }, showsDots: true)
    }
    if names.count > 1 {
      let means = checks.map { (x: Double($0.step), y: $0.meanDice ?? .nan) }
      dice.append(LineChart.Series(name: "mean", colour: "#8896a5", points: means, width: 3, opacity: 0.8))
    }
    var chart = LineChart(
      title: isPatch ? "Dice on the one training patch" : "Dice on whole validation volumes", xTitle: "step",
      series: dice, yLimits: 0...1)
    chart.events = marks(events)
    return chart.svg
  }

  private static func memory(_ events: RunEvents) -> String {
    var rows: [[String]] = []
    if let predicted = events.predictedPeakBytes {
      rows.append(["device memory, predicted before the run", "\(predicted)", byteCount(predicted)])
    }
    if let allocated = events.allocatedBytes {
      rows.append(["device memory, allocated", "\(allocated)", byteCount(allocated)])
      if let predicted = events.predictedPeakBytes {
        rows.append([
          "difference", "\(allocated - predicted)", allocated == predicted ? "equal" : "not equal",
        ])
      }
    }
    let skipped = events.steps.filter(\.isSkipped).count
    let (seconds, waited) = waiting(events)
    rows.append(["seconds in steps", fixed(seconds, 1), "\(fixed(seconds / 60, 1)) min"])
    rows.append([
      "of which waiting for data", fixed(waited, 1), "\(fixed(100 * waited / max(seconds, 1e-9), 1)) %",
    ])
    rows.append(["skipped steps (gradient not finite)", "\(skipped)", ""])
    return HTMLPage.table(["", "figure", ""], rows, numbersFrom: 1)
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
