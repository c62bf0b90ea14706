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

  /// Three planes, each through the slice that shows most of all classes; nil where a file is missing or does not
  /// fit: a report says what it can.
  func pictures(_ classes: [ClassLabel]) -> String? {
    guard let predicted = try? NiftiFile.readLabels(prediction).labels,
      var referred = try? NiftiFile.readLabels(label, allowingNegativeIds: true).labels,
      let scan = try? NiftiFile.read(image), scan.grid.size == referred.grid.size,
      predicted.grid.size == referred.grid.size
    else { return nil }
    // Labels that the recipe counts as background shall not choose the slice.
    let known = Set(classes.map(\.id))
    referred.voxels = referred.voxels.map { known.contains($0) ? $0 : 0 }
    let picture = SlicePicture(image: scan.channels[0], label: referred, prediction: predicted)
    return "<div class=\"slices\">"
      + SlicePlane.allCases.map { picture.svg($0, classes: classes.map(\.id), widthInPixels: 384) }.joined()
      + "</div>"
  }
}
