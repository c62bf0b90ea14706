/// Metrics as the rows of a CSV file (RFC 4180, decimal point, an undefined figure is an empty field).
public enum MetricsCSV {
  /// The column names, without a line break.
  public static let header: String =
    (["case", "label", "labelName"] + MetricName.allCases.map(\.rawValue) + ["toleranceInMillimetres"])
    .joined(separator: ",")

  /// One row a label, without line breaks.
  public static func rows(_ metrics: CaseMetrics) -> [String] {
    metrics.labels.map { entry in
      ([quoted(metrics.name), "\(entry.label.id)", quoted(entry.label.name)]
        + MetricName.allCases.map { entry[$0].map { "\($0)" } ?? "" }
        + ["\(metrics.toleranceInMillimetres)"])
        .joined(separator: ",")
    }
  }

  /// The whole file: header and all rows, each with a line break.
  public static func text(_ cases: [CaseMetrics]) -> String {
    ([header] + cases.flatMap(rows)).map { $0 + "\n" }.joined()
  }

  private static func quoted(_ field: String) -> String {
    guard field.contains(where: { $0 == "," || $0 == "\"" || $0.isNewline }) else { return field }
    let doubled = field.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"")
    return "\"\(doubled)\""
  }
}
