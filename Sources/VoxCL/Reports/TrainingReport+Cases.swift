import Volumes

extension TrainingReport {
  /// Cases that are measured one by one; more are left to `voxcl evaluate`.
  private static let measuredCases = 24

  static func labelTable(_ events: RunEvents) -> String {
    guard let last = events.validations.last else { return "" }
    let best = events.validations.max { ($0.meanDice ?? -1) < ($1.meanDice ?? -1) }
    let rows =
      last.dice.map { entry in
        [entry.label, fixed(entry.dice, 4), fixed(best?.dice.first { $0.label == entry.label }?.dice, 4)]
      } + [["mean over labels", fixed(last.meanDice, 4), fixed(best?.meanDice, 4)]]
    return HTMLPage.section(
      "Labels",
      HTMLPage.table(
        ["label", "Dice at step \(last.step)", "at the best step \(best?.step ?? 0)"], rows, numbersFrom: 1),
      note: "Mean over the validation cases that have the label; the best step was selected on these same cases.")
  }

  /// The table of validated cases, and pictures of the worst, the middle and the best one.
  static func cases(_ cases: [ReportedCase], _ labels: [MetricLabel]) -> String {
    let measured = cases.prefix(measuredCases).compactMap { entry in
      entry.metrics(labels).map { (entry: entry, metrics: $0) }
    }
    guard !measured.isEmpty else { return "" }
    func mean(_ metrics: CaseMetrics) -> Double? { MeanMetric(metrics.labels.map(\.dice)).mean }
    let order = measured.sorted { (mean($0.metrics) ?? 2) < (mean($1.metrics) ?? 2) }
    let table = HTMLPage.section(
      "Cases",
      HTMLPage.table(
        ["case"] + labels.map(\.name) + ["mean"],
        order.map { item in
          [item.entry.name] + item.metrics.labels.map { fixed($0.dice, 4) } + [fixed(mean(item.metrics), 4)]
        }, numbersFrom: 1),
      note: "Dice of the last validation, worst first"
        + (cases.count > measuredCases ? "; the first \(measuredCases) of \(cases.count) cases." : "."))
    let places = order.count > 2 ? [0, order.count / 2, order.count - 1] : Array(order.indices)
    var pictures = ""
    for (number, place) in places.enumerated() {
      guard let picture = order[place].entry.pictures(labels) else { continue }
      let title = places.count == 3 ? ["worst, ", "middle, ", "best, "][number] : ""
      pictures +=
        "<div class=\"panel case\"><h3>\(escaped(order[place].entry.name))<small>\(title)Dice "
        + "\(fixed(mean(order[place].metrics), 4))</small></h3>\(picture)</div>"
    }
    guard !pictures.isEmpty else { return table }
    let legend = labels.enumerated().map {
      "<span><i style=\"background:\(Palette.colour($0.offset))\"></i>\(escaped($0.element.name))</span>"
    }
    return table
      + HTMLPage.section(
        "Predictions",
        "<p class=\"toggles\"><label><input type=\"checkbox\" value=\"label\" checked> label (filled)</label>"
          + "<label><input type=\"checkbox\" value=\"prediction\" checked> prediction (outlined)</label></p>"
          + "<p class=\"legend\">\(legend.joined())</p>" + pictures,
        note: "Each plane through the slice that shows most of all classes; the patient's right is on the left.")
  }
}
