/// A label that is evaluated.
public struct MetricLabel: Codable, Sendable, Equatable {
  public var id: Int32
  public var name: String

  public init(id: Int32, name: String) {
    self.id = id
    self.name = name
  }
}

/// The metrics by their column names.
public enum MetricName: String, Codable, Sendable, CaseIterable, CodingKey {
  case dice, jaccard, precision, recall
  case hd95InMillimetres, assdInMillimetres, surfaceDice
  case referenceVolumeInMillilitres, predictionVolumeInMillilitres
}

/// How well one label of one case was found. With TP voxels in both, P in the prediction and R in the
/// reference; nil where a figure is undefined, which JSON writes as null.
public struct LabelMetrics: Codable, Sendable, Equatable {
  public var label: MetricLabel
  /// 2 TP / (P + R); nil where both are empty.
  public var dice: Double?
  /// TP / (P + R − TP); nil where both are empty.
  public var jaccard: Double?
  /// TP / P; nil for an empty prediction.
  public var precision: Double?
  /// TP / R; nil for an empty reference.
  public var recall: Double?
  /// The larger of the two directed 95th percentiles of the surface distance; nil where a side is empty.
  public var hd95InMillimetres: Double?
  /// Mean surface distance over both surfaces; nil where a side is empty.
  public var assdInMillimetres: Double?
  /// At the case's tolerance; 0 where one side is empty, nil where both are.
  public var surfaceDice: Double?
  public var referenceVolumeInMillilitres: Double
  public var predictionVolumeInMillilitres: Double

  public subscript(_ name: MetricName) -> Double? {
    switch name {
    case .dice: dice
    case .jaccard: jaccard
    case .precision: precision
    case .recall: recall
    case .hd95InMillimetres: hd95InMillimetres
    case .assdInMillimetres: assdInMillimetres
    case .surfaceDice: surfaceDice
    case .referenceVolumeInMillilitres: referenceVolumeInMillilitres
    case .predictionVolumeInMillilitres: predictionVolumeInMillilitres
    }
  }

  private enum LabelKey: String, CodingKey { case label }

  public func encode(to encoder: any Encoder) throws {
    var labelKeys = encoder.container(keyedBy: LabelKey.self)
    try labelKeys.encode(label, forKey: .label)
    var keys = encoder.container(keyedBy: MetricName.self)
    // An undefined figure is written as null: a reader sees that it was left out, not forgotten.
    for name in MetricName.allCases { try keys.encode(self[name], forKey: name) }
  }
}
