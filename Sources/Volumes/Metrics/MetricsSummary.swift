/// A mean with the number of values behind it and the number left out because they were undefined.
public struct MeanMetric: Codable, Sendable, Equatable {
  /// nil where no value was defined.
  public var mean: Double?
  public var count: Int
  public var leftOut: Int

  public init(_ values: [Double?]) {
    let defined = values.compactMap { $0 }
    mean = defined.isEmpty ? nil : defined.reduce(0, +) / Double(defined.count)
    count = defined.count
    leftOut = values.count - defined.count
  }

  private enum CodingKeys: String, CodingKey { case mean, count, leftOut }

  public func encode(to encoder: any Encoder) throws {
    var keys = encoder.container(keyedBy: CodingKeys.self)
    try keys.encode(mean, forKey: .mean)
    try keys.encode(count, forKey: .count)
    try keys.encode(leftOut, forKey: .leftOut)
  }
}

/// Means over the cases of a data set per label, then over the labels.
public struct MetricsSummary: Codable, Sendable, Equatable {
  /// One label over all cases.
  public struct LabelSummary: Codable, Sendable, Equatable {
    public var label: MetricLabel
    /// Keyed by `MetricName.rawValue`.
    public var metrics: [String: MeanMetric]

    public subscript(_ name: MetricName) -> MeanMetric { metrics[name.rawValue] ?? MeanMetric([]) }
  }

  public var caseCount: Int
  public var labels: [LabelSummary]
  /// The mean of the labels' means; `leftOut` counts labels without any defined case.
  public var means: [String: MeanMetric]
  public var toleranceInMillimetres: Double?
  public var surfaceDefinition: String

  /// Labels come in the order of their first appearance.
  public init(_ cases: [CaseMetrics]) {
    var order: [MetricLabel] = []
    for entry in cases.flatMap(\.labels) where !order.contains(entry.label) {
      order.append(entry.label)
    }
    caseCount = cases.count
    labels = order.map { label in
      let entries = cases.flatMap(\.labels).filter { $0.label == label }
      let metrics = MetricName.allCases.map { name in
        (name.rawValue, MeanMetric(entries.map { $0[name] }))
      }
      return LabelSummary(label: label, metrics: Dictionary(uniqueKeysWithValues: metrics))
    }
    let labelSummaries = labels
    means = Dictionary(
      uniqueKeysWithValues: MetricName.allCases.map { name in
        (name.rawValue, MeanMetric(labelSummaries.map { $0[name].mean }))
      })
    toleranceInMillimetres = cases.first?.toleranceInMillimetres
    surfaceDefinition = CaseMetrics.surfaceDefinition
  }

  public subscript(_ name: MetricName) -> MeanMetric { means[name.rawValue] ?? MeanMetric([]) }

  /// The mean over cases per label, then over labels; nil where nothing was defined.
  public var meanDice: Double? { self[.dice].mean }
}
