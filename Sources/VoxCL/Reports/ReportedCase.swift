import FoundationEssentials
import Interchange
import Volumes

/// A validated case: where its image, label and prediction are.
struct ReportedCase {
  var name: String
  var image: String
  var label: String
  var prediction: String

  /// What `validation/cases.json` lists; nothing where it does not exist yet.
  static func list(runFolder: String) -> [ReportedCase] {
    let folder = "\(runFolder)/validation"
    guard let data = try? Data(contentsOf: URL(filePath: "\(folder)/cases.json")),
      let value = try? JSONValue(parsing: Array(data))
    else { return [] }
    return (value.arrayValue ?? []).compactMap { entry in
      guard let object = entry.objectValue, let name = object["name"]?.stringValue,
        let image = object["images"]?.arrayValue?.first?.stringValue,
        let label = object["label"]?.stringValue
      else { return nil }
      let prediction = object["prediction"]?.stringValue ?? "\(name).nii.gz"
      return ReportedCase(
        name: name, image: image, label: label,
        prediction: prediction.hasPrefix("/") ? prediction : "\(folder)/\(prediction)")
    }
  }

  /// Overlaps of this case; nil where a file is missing or does not fit.
  func metrics(_ labels: [MetricLabel]) -> CaseMetrics? {
    guard let (predicted, referred) = try? labelMaps() else { return nil }
    return try? CaseMetrics(
      name: name, prediction: predicted, reference: referred, labels: labels,
      settings: EvaluationSettings(includesSurfaces: false))
  }

  private func labelMaps() throws(VolumeError) -> (prediction: LabelVolume, reference: LabelVolume) {
    (
      try NiftiFile.readLabels(prediction, allowingNegativeIds: true).labels,
      try NiftiFile.readLabels(label, allowingNegativeIds: true).labels
    )
  }

  /// Three planes through where most is labelled; nil where a file is missing or does not fit.
  func pictures(_ labels: [MetricLabel]) -> String? {
    guard let (predicted, referred) = try? labelMaps(), let scan = try? NiftiFile.read(image),
      scan.grid.size == referred.grid.size, predicted.grid.size == referred.grid.size
    else { return nil }
    let picture = SlicePicture(image: scan.channels[0], label: referred, prediction: predicted)
    return "<div class=\"slices\">"
      + SlicePlane.allCases.map { picture.svg($0, classes: labels.map(\.id), widthInPixels: 300) }.joined()
      + "</div>"
  }
}
