import VoxCL

/// What a cross-validation found, for people.
struct CrossValidationTable {
  let result: CrossValidation

  init(_ result: CrossValidation) { self.result = result }

  func print() {
    func text(_ value: Double?, _ digits: Int) -> String { value.map { decimals($0, digits) } ?? "–" }
    let summary = result.summary
    let names = summary.labels.map(\.label.name)
    let folds = result.folds.map { fold in
      let own = fold.summary
      return ["fold \(fold.number)", "\(fold.step)", "\(fold.cases.count)"]
        + names.map { name in text(own.labels.first { $0.label.name == name }?[.dice].mean ?? nil, 4) }
        + [text(own.meanDice, 4)]
    }
    Swift.print("cross-validation, Dice at the last checkpoints:")
    printTable(["", "step", "cases"] + names + ["mean"], folds, right: Set(1..<names.count + 4))
    let rows = summary.labels.map { label in
      [
        label.label.name, text(label[.dice].mean, 4), text(label[.hd95InMillimetres].mean, 2),
        text(label[.surfaceDice].mean, 4), "\(label[.dice].leftOut)",
      ]
    }
    let mean = [
      "mean", text(summary.meanDice, 4), text(summary[.hd95InMillimetres].mean, 2),
      text(summary[.surfaceDice].mean, 4), "",
    ]
    Swift.print("all \(summary.caseCount) cases, mean over cases per label, then over labels:")
    printTable(["label", "Dice", "HD95 mm", "surf. Dice", "undefined"], rows + [mean], right: Set(1..<5))
    if let decision = result.postprocessing {
      Swift.print(
        decision.changesNothing
          ? "post-processing: \(decision.text) raises the mean Dice"
          : "post-processing: \(decision.text): mean Dice \(text(decision.meanDiceWithIt, 4)), selected on these cases")
    }
  }
}
