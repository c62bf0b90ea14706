import FoundationEssentials
import Training
import Volumes

/// A validated case: where its image, label and prediction are.
struct ReportedCase {
  var name: String
  var image: String
  var label: String
  var prediction: String

  /// The cases whose predictions lie in `validation/`, with their files as the recipe finds them.
  static func list(_ listing: CaseListing, runFolder: String) -> [ReportedCase] {
    listing.cases.compactMap { files in
      let prediction = "\(runFolder)/validation/\(files.name).nii.gz"
      guard let image = files.images.first, FileManager.default.fileExists(atPath: prediction) else { return nil }
      return ReportedCase(name: files.name, image: image, label: files.label, prediction: prediction)
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

  /// Three planes, each through the slice that shows most of all classes; nil where a file is missing or does not fit.
  func pictures(_ labels: [MetricLabel]) -> String? {
    guard let (predicted, referred) = try? labelMaps(), let scan = try? NiftiFile.read(image),
      scan.grid.size == referred.grid.size, predicted.grid.size == referred.grid.size
    else { return nil }
    let picture = SlicePicture(image: scan.channels[0], label: referred, prediction: predicted)
    return "<div class=\"slices\">"
      + SlicePlane.allCases.map { picture.svg($0, classes: labels.map(\.id), widthInPixels: 384) }.joined()
      + "</div>"
  }
}
