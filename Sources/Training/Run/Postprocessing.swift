import Interchange
import Volumes

/// Which labels keep their largest component only, as validation decided (the rule of nnU-Net, Isensee et al. 2021):
/// first for all foreground together, where that raises the mean Dice and lowers no label's; then for each label,
/// where it raises the label's.
public struct Postprocessing: Sendable, Equatable {
  public var connectivity: VoxelConnectivity
  /// All foreground taken together keeps its largest component.
  public var keepsLargestForeground: Bool
  /// Labels each of which keeps its largest component.
  public var labels: [ClassLabel]
  /// Of the checkpoint whose predictions decided.
  public var step: Int
  /// Cases that decided.
  public var caseCount: Int
  /// Mean Dice without and with it, on those cases: the second is selected.
  public var meanDice: Double?
  public var meanDiceWithIt: Double?

  public var changesNothing: Bool { !keepsLargestForeground && labels.isEmpty }

  /// - Parameter classes: of the network, background first.
  public func callAsFunction(_ volume: inout LabelVolume, classes: [ClassLabel]) {
    guard let background = classes.first?.id else { return }
    if keepsLargestForeground {
      volume.keepLargestComponent(
        of: Set(classes.dropFirst().map(\.id)), together: true, connectivity: connectivity, background: background)
    }
    if !labels.isEmpty {
      volume.keepLargestComponent(
        of: Set(labels.map(\.id)), together: false, connectivity: connectivity, background: background)
    }
  }

  /// `largest component (26 neighbours) of all foreground, of liver`.
  public var text: String {
    guard !changesNothing else { return "no largest-component clean-up" }
    let parts = (keepsLargestForeground ? ["all foreground together"] : []) + labels.map(\.name)
    return "largest component (\(connectivity.rawValue) neighbours) of \(parts.joined(separator: ", "))"
  }
}

/// Tries the clean-ups case by case on validation predictions.
struct PostprocessingTrial {
  let classes: [ClassLabel]
  let connectivity: VoxelConnectivity
  private var plain: [CaseMetrics] = []
  private var together: [CaseMetrics] = []
  /// Each label by itself, without and behind the clean-up of all foreground.
  private var each: [CaseMetrics] = []
  private var eachBehind: [CaseMetrics] = []

  /// nil where the recipe wants no decision, and for regions: a component of one is of several labels.
  init?(_ outputs: NetworkOutputs, _ recipe: Recipe) {
    guard let connectivity = recipe.training.largestComponent, outputs.regions.isEmpty else { return nil }
    self.classes = outputs.classes
    self.connectivity = connectivity
  }

  private var foreground: Set<Int32> { Set(classes.dropFirst().map(\.id)) }

  /// - Parameter metrics: of the prediction as it is.
  mutating func add(
    _ metrics: CaseMetrics, prediction: LabelVolume, reference: LabelVolume
  ) throws(VolumeError) {
    func judged(_ volume: LabelVolume) throws(VolumeError) -> CaseMetrics {
      try CaseMetrics(
        name: metrics.name, prediction: volume, reference: reference, labels: metrics.labels.map(\.label),
        settings: EvaluationSettings(includesSurfaces: false))
    }
    func cleaned(_ volume: LabelVolume, together: Bool) -> LabelVolume {
      var volume = volume
      volume.keepLargestComponent(
        of: foreground, together: together, connectivity: connectivity, background: classes[0].id)
      return volume
    }
    plain.append(metrics)
    each.append(try judged(cleaned(prediction, together: false)))
    let foregroundCleaned = cleaned(prediction, together: true)
    together.append(try judged(foregroundCleaned))
    eachBehind.append(try judged(cleaned(foregroundCleaned, together: false)))
  }

  /// - Parameter step: of the checkpoint that made the predictions.
  func decision(step: Int) -> Postprocessing {
    let (before, behind) = (MetricsSummary(plain), MetricsSummary(together))
    func dice(_ summary: MetricsSummary) -> [Double?] { summary.labels.map { $0[.dice].mean } }
    // A label whose only wrong voxels went away has no Dice any more: that is no loss.
    let lowersNone = zip(dice(before), dice(behind)).allSatisfy { before, behind in
      behind.map { $0 >= before ?? 0 } ?? true
    }
    let takesTogether = lowersNone && (behind.meanDice ?? 0) > (before.meanDice ?? 0)
    let source = takesTogether ? behind : before
    let byLabel = MetricsSummary(takesTogether ? eachBehind : each)
    let raised = zip(source.labels, byLabel.labels).filter { ($1[.dice].mean ?? 0) > ($0[.dice].mean ?? 0) }
    let means = zip(source.labels, byLabel.labels).map { old, new in
      raised.contains { $0.0.label == old.label } ? new[.dice].mean : old[.dice].mean
    }
    return Postprocessing(
      connectivity: connectivity, keepsLargestForeground: takesTogether,
      labels: raised.compactMap { entry in classes.first { $0.id == entry.0.label.id } }, step: step,
      caseCount: plain.count, meanDice: before.meanDice, meanDiceWithIt: MeanMetric(means).mean)
  }
}

extension Postprocessing {
  static let fileName = "postprocessing.json"

  var json: JSONValue {
    [
      "connectivity": .integer(connectivity.rawValue), "keepsLargestForeground": .bool(keepsLargestForeground),
      "labels": .array(labels.map { ["name": .string($0.name), "id": .integer(Int($0.id))] }),
      "step": .integer(step), "cases": .integer(caseCount),
      "meanDice": meanDice.map(JSONValue.number) ?? .null,
      "selectedMeanDice": meanDiceWithIt.map(JSONValue.number) ?? .null,
    ]
  }

  init?(_ json: JSONValue) {
    guard let object = json.objectValue,
      let connectivity = object["connectivity"]?.integerValue.flatMap(VoxelConnectivity.init(rawValue:)),
      let keepsLargestForeground = object["keepsLargestForeground"]?.boolValue,
      let labels = object["labels"]?.arrayValue, let step = object["step"]?.integerValue
    else { return nil }
    let named = labels.compactMap { entry -> ClassLabel? in
      guard let name = entry.objectValue?["name"]?.stringValue,
        let id = entry.objectValue?["id"]?.integerValue.flatMap(Int32.init(exactly:))
      else { return nil }
      return ClassLabel(name: name, id: id)
    }
    guard named.count == labels.count else { return nil }
    self.init(
      connectivity: connectivity, keepsLargestForeground: keepsLargestForeground, labels: named, step: step,
      caseCount: object["cases"]?.integerValue ?? 0, meanDice: object["meanDice"]?.doubleValue,
      meanDiceWithIt: object["selectedMeanDice"]?.doubleValue)
  }
}
