import Interchange
import Volumes

extension InferenceSettings {
  static let axisNames: [(String, MirrorAxes)] = [
    ("left-right", .leftRight), ("anterior-posterior", .anteriorPosterior),
    ("inferior-superior", .inferiorSuperior),
  ]

  /// Anatomical names of mirrored axes.
  public static func names(_ axes: MirrorAxes) -> [String] {
    axisNames.filter { axes.contains($0.1) }.map(\.0)
  }

  mutating func read(_ node: RecipeNode) {
    node.number("overlap", into: &overlap, in: 0...0.95)
    if let value = node.value("mirror") {
      let axes = (value.arrayValue ?? []).map { axis in
        Self.axisNames.first { $0.0 == axis.stringValue }?.1
      }
      if axes.contains(nil) || value.arrayValue == nil {
        node.fail(
          "mirror", value, "a list of \(Self.axisNames.map { "\"\($0.0)\"" }.joined(separator: ", "))")
      } else {
        mirror = axes.compactMap { $0 }.reduce([]) { $0.union($1) }
      }
    }
    node.finish()
  }
}
