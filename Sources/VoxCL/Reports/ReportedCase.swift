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
      guard let image = files.images.first, FileManager.default.fileExists(atPath: prediction) else {
        return nil
      }
      return ReportedCase(name: files.name, image: image, label: files.label, prediction: prediction)
    }
  }

  /// Three planes, each through the slice that shows most of all classes; nil where a file is missing or does
  /// not fit: a report says what it can.
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
    // One scale for the three planes: the scan's longest edge takes 420 pixels.
    let edges = SIMD3<Double>(scan.grid.size) * scan.grid.spacingInMillimetres
    let svgs = SlicePlane.allCases.map { plane in
      let width = picture.widthInMillimetres(plane) / edges.max() * 420
      return picture.svg(plane, classes: classes.map(\.id), widthInPixels: max(60, Int(width)))
    }
    return "<div class=\"slices\">\(svgs.joined())</div>"
  }
}
