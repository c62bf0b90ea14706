import Training
import Volumes

/// A cross-validation as one page: tables by fold, by label and by case.
public enum CrossValidationReport {
  /// Writes `cross-validation.html`.
  ///
  /// - Returns: its path.
  /// - Throws: `ReportError` where it cannot be written.
  @discardableResult
  public static func write(_ result: CrossValidation, runFolder: String) throws(ReportError) -> String {
    let path = "\(runFolder)/cross-validation.html"
    try writeReport(html(result), to: path)
    return path
  }

  static func html(_ result: CrossValidation) -> String {
    let summary = result.summary
    let labels = summary.labels.map(\.label)
    var cards: [(title: String, value: String, note: String)] = [
      ("mean Dice, last", fixed(summary.meanDice, 4), "over \(summary.caseCount) cases, each unseen by its network"),
      ("folds", "\(result.folds.count)", "one network each"),
    ]
    if let hd95 = summary[.hd95InMillimetres].mean {
      cards.append(("HD95", "\(fixed(hd95, 2)) mm", "mean over labels"))
    }
    if let decision = result.postprocessing, !decision.changesNothing {
      cards.append(
        ("mean Dice, cleaned", fixed(decision.meanDiceWithIt, 4), "\(decision.text); selected on these cases"))
    }
    var body = HTMLPage.cards(cards)
    body += HTMLPage.section("Labels", labelTable(summary), note: summary.surfaceDefinition)
    let folds = result.folds.map { fold in
      let own = fold.summary
      return ["fold \(fold.number)", "\(fold.step)", "\(fold.cases.count)"]
        + labels.map { label in fixed(own.labels.first { $0.label == label }?[.dice].mean ?? nil, 4) }
        + [fixed(own.meanDice, 4), fold.best.map { "\(fixed($0.meanDice, 4)) at \($0.step)" } ?? "–"]
    }
    body += HTMLPage.section(
      "Folds",
      HTMLPage.table(
        ["", "step", "cases"] + labels.map(\.name) + ["mean", "best (selected)"], folds, numbersFrom: 1),
      note: "Dice at the last checkpoint of each fold; the best one was selected on these same cases.")
    let cases = result.folds.flatMap { fold in
      fold.cases.map { entry in
        [entry.name, "\(fold.number)"] + entry.labels.map { fixed($0.dice, 4) }
          + [
            fixed(MeanMetric(entry.labels.map(\.dice)).mean, 4),
            fixed(MeanMetric(entry.labels.map(\.hd95InMillimetres)).mean, 2),
          ]
      }
    }
    body += HTMLPage.section(
      "Cases",
      HTMLPage.table(["case", "fold"] + labels.map(\.name) + ["mean", "HD95 mm"], cases, numbersFrom: 1),
      note: "Dice by label; \u{2013} where neither reference nor prediction has the label.")
    return HTMLPage.text(
      title: "Cross-validation of \(result.recipeName)", subtitle: "last checkpoints of \(result.folds.count) folds",
      body: body)
  }

  private static func labelTable(_ summary: MetricsSummary) -> String {
    let shown: [(MetricName, String, Int)] = [
      (.dice, "Dice", 4), (.jaccard, "Jaccard", 4), (.precision, "precision", 4), (.recall, "recall", 4),
      (.hd95InMillimetres, "HD95 mm", 2), (.assdInMillimetres, "ASSD mm", 2), (.surfaceDice, "surface Dice", 4),
    ]
    let rows =
      summary.labels.map { label in
        [label.label.name] + shown.map { fixed(label[$0.0].mean, $0.2) } + ["\(label[.dice].leftOut)"]
      } + [["mean over labels"] + shown.map { fixed(summary[$0.0].mean, $0.2) } + [""]]
    return HTMLPage.table(["label"] + shown.map(\.1) + ["Dice undefined in"], rows, numbersFrom: 1)
  }
}
