import Training
import Volumes

extension TrainingReport {
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
      note:
        "Mean over the validation cases that have the label; the best step was selected on these same cases.")
  }

  /// The cases of the last validation, worst first.
  static func caseTable(_ events: RunEvents) -> String {
    guard let last = events.validations.last, !last.cases.isEmpty else { return "" }
    let rows = ordered(last).map { entry in
      [entry.name] + entry.dice.map { fixed($0, 4) } + [fixed(MeanMetric(entry.dice).mean, 4)]
    }
    return HTMLPage.section(
      "Cases", HTMLPage.table(["case"] + last.dice.map(\.label) + ["mean"], rows, numbersFrom: 1),
      note:
        "Dice at step \(last.step), worst first; \u{2013} where neither label nor prediction has the label.")
  }

  private static func ordered(_ validation: RunEvents.Validation) -> [(name: String, dice: [Double?])] {
    validation.cases.sorted { (MeanMetric($0.dice).mean ?? 2) < (MeanMetric($1.dice).mean ?? 2) }
  }

  /// Pictures of the worst, the middle and the best case of the last validation.
  static func pictures(_ events: RunEvents, _ cases: [ReportedCase], _ classes: [ClassLabel]) -> String {
    guard let last = events.validations.last else { return "" }
    let order = ordered(last)
    let places = order.count > 2 ? [0, order.count / 2, order.count - 1] : Array(order.indices)
    var pictures = ""
    for (number, place) in places.enumerated() {
      guard let entry = cases.first(where: { $0.name == order[place].name }),
        let picture = entry.pictures(classes)
      else { continue }
      let title = places.count == 3 ? ["worst, ", "middle, ", "best, "][number] : ""
      pictures +=
        "<div class=\"panel case\"><h3>\(escaped(entry.name))<small>\(title)Dice "
        + "\(fixed(MeanMetric(order[place].dice).mean, 4))</small></h3>\(picture)</div>"
    }
    guard !pictures.isEmpty else { return "" }
    let legend = classes.enumerated().map {
      "<span><i style=\"background:\(Palette.colour($0.offset))\"></i>\(escaped($0.element.name))</span>"
    }
    return HTMLPage.section(
      "Predictions",
      "<p class=\"toggles\"><label><input type=\"checkbox\" value=\"label\" checked> label (filled)</label>"
        + "<label><input type=\"checkbox\" value=\"prediction\" checked> prediction (outlined)</label></p>"
        + "<p class=\"legend\">\(legend.joined())</p>" + pictures,
      note: "Each plane through the slice that shows most of all classes; the patient's right is on the left."
    )
  }
}
