import Interchange
import Volumes

#if canImport(FoundationEssentials)
  import FoundationEssentials
#endif

extension CrossValidation {
  /// Writes `cross-validation.json`, `cross-validation.csv` and `postprocessing.json` into the folder of the folds.
  public func write(to run: String) throws(InterchangeError) {
    func write(_ text: String, _ name: String) throws(InterchangeError) {
      let file = try AtomicFile("\(run)/\(name)")
      try file.write(Array(text.utf8))
      try file.commit()
    }
    try write(json.text(indent: 2) + "\n", "cross-validation.json")
    let rows = folds.flatMap { fold in
      fold.cases.flatMap(MetricsCSV.rows).map { "\(fold.number),\(fold.step),\($0)\n" }
    }
    try write("fold,step,\(MetricsCSV.header)\n" + rows.joined(), "cross-validation.csv")
    if let postprocessing {
      try write(postprocessing.json.text(indent: 2) + "\n", Postprocessing.fileName)
    } else {
      // What an earlier recipe decided holds no longer.
      try? FileManager.default.removeItem(atPath: "\(run)/\(Postprocessing.fileName)")
    }
  }

  /// Headline figures are those of the last checkpoints, as they are; what was selected on these cases says so.
  var json: JSONValue {
    let summary = self.summary
    func number(_ value: Double?) -> JSONValue { value.map(JSONValue.number) ?? .null }
    func means(_ of: (MetricName) -> MeanMetric) -> JSONValue {
      var object = JSONObject()
      for name in MetricName.allCases {
        let metric = of(name)
        object[name.rawValue] = [
          "mean": number(metric.mean), "count": .integer(metric.count), "undefined": .integer(metric.leftOut),
        ]
      }
      return .object(object)
    }
    var object: JSONObject = [
      "recipe": .string(recipeName), "checkpoint": .string("last"), "meanDice": number(summary.meanDice),
      "cases": .integer(summary.caseCount),
      "mean": .string("over cases per label, then over labels; undefined values are left out and counted"),
      "toleranceInMillimetres": number(summary.toleranceInMillimetres),
      "surfaceDefinition": .string(summary.surfaceDefinition),
      "labels": .array(
        summary.labels.map { label in
          [
            "name": .string(label.label.name), "id": .integer(Int(label.label.id)), "metrics": means { label[$0] },
          ]
        }),
      "means": means { summary[$0] },
    ]
    object["folds"] = .array(
      folds.map { fold in
        var entry: JSONObject = [
          "fold": .integer(fold.number), "step": .integer(fold.step), "cases": .integer(fold.cases.count),
          "meanDice": number(fold.summary.meanDice),
        ]
        if let best = fold.best {
          entry["best"] = [
            "step": .integer(best.step), "meanDice": .number(best.meanDice), "note": .string("selected"),
          ]
        }
        return .object(entry)
      })
    object["postprocessing"] = postprocessing?.json ?? .null
    object["perCase"] = .array(
      folds.flatMap { fold in
        fold.cases.map { entry in
          [
            "fold": .integer(fold.number), "name": .string(entry.name),
            "labels": .array(entry.labels.map { Self.json($0, number) }),
          ]
        }
      })
    return .object(object)
  }

  private static func json(_ label: LabelMetrics, _ number: (Double?) -> JSONValue) -> JSONValue {
    var object: JSONObject = ["name": .string(label.label.name)]
    for name in MetricName.allCases { object[name.rawValue] = number(label[name]) }
    return .object(object)
  }
}

extension RunFolder {
  /// The step of the network that made the predictions in a run's `validation/`; nil where there are none.
  static func validatedStep(_ run: String) throws(InterchangeError) -> Int? {
    let path = "\(run)/validation/summary.json"
    guard exists(path) else { return nil }
    do {
      return try JSONValue(parsing: fileBytes(path)).objectValue?["step"]?.integerValue
    } catch {
      throw InterchangeError(path: path, problem: "\(error)")
    }
  }
}
