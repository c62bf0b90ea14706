import Training
import Volumes

/// The page of `voxcl check`: six augmented patches as the network sees them, and the cases.
public enum CheckReport {
  /// - Throws: `ReportError` where the page cannot be written.
  public static func write(_ check: DatasetCheck, name: String, to path: String) throws(ReportError) {
    try writeReport(html(check, name: name), to: path)
  }

  static func html(_ check: DatasetCheck, name: String) -> String {
    var body = HTMLPage.cards([
      ("training cases", "\(check.cases.count { $0.part == "training" })", ""),
      ("validation cases", "\(check.cases.count { $0.part == "validation" })", ""),
      ("classes", "\(check.classes.count)", check.classes.joined(separator: ", ")),
      (
        "errors", "\(check.errors.count)",
        check.errors.isEmpty ? "ready to train" : "training cannot start"
      ),
    ])
    if !check.errors.isEmpty { body += list("Errors", check.errors) }
    if !check.warnings.isEmpty { body += list("Warnings", check.warnings) }
    if !check.patches.isEmpty { body += patches(check) }
    let classes = check.classes
    body += HTMLPage.section(
      "Cases",
      HTMLPage.table(
        ["case", "part", "voxels", "spacing mm"] + classes,
        check.cases.map { entry in
          [
            entry.name, entry.part, entry.size.map(String.init).joined(separator: " × "),
            entry.spacingInMillimetres.map { short($0) }.joined(separator: " × "),
          ] + classes.map { entry.voxels[$0].map(String.init) ?? "–" }
        }, numbersFrom: 4), note: "Voxels of each class; training cases after preprocessing.")
    return HTMLPage.text(
      title: "Check of \(name)", subtitle: "The data as the network will see it", body: body)
  }

  private static func patches(_ check: DatasetCheck) -> String {
    let ids = check.classes.indices.dropFirst().map { Int32($0) }
    var pictures = ""
    for (number, patch) in check.patches.enumerated() {
      let grid = VolumeGrid(
        size: patch.size, affine: Affine(spacingInMillimetres: check.spacingInMillimetres))
      let voxels = patch.size.x * patch.size.y * patch.size.z
      let picture = SlicePicture(
        image: Volume(grid: grid, voxels: Array(patch.voxels[..<voxels])),
        label: LabelVolume(grid: grid, voxels: patch.labels))
      let present = Set(patch.labels).filter { $0 > 0 }.sorted().map { check.classes[Int($0)] }
      pictures +=
        "<div class=\"case panel\"><h3>patch \(number + 1)<small>"
        + escaped(present.isEmpty ? "background only" : present.joined(separator: ", ")) + "</small></h3>"
        + "<div class=\"slices\">"
        + SlicePlane.allCases.map { picture.svg($0, classes: ids) }.joined() + "</div></div>"
    }
    return HTMLPage.section(
      "Six training patches", legend(check) + pictures,
      note:
        "Preprocessed and augmented, channel \(check.channels.first ?? "1"), the slices with most label; the "
        + "label is filled.")
  }

  private static func legend(_ check: DatasetCheck) -> String {
    "<p class=\"legend\">"
      + check.classes.dropFirst().enumerated().map { number, name in
        "<span><i style=\"background:\(Palette.colour(number))\"></i>\(escaped(name))</span>"
      }.joined() + "</p>"
  }

  private static func list(_ title: String, _ lines: [String]) -> String {
    HTMLPage.section(
      title, "<div class=\"panel\">" + lines.map { escaped($0) }.joined(separator: "<br>") + "</div>")
  }
}
