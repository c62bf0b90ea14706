/// Where a text of a picture hangs at its point.
enum TextAnchor: String {
  case start, middle, end
}

/// A straight line of a style sheet's class.
func svgLine(_ kind: String, from: (x: Double, y: Double), to: (x: Double, y: Double)) -> String {
  "<line class=\"\(kind)\" x1=\"\(short(from.x))\" y1=\"\(short(from.y))\" "
    + "x2=\"\(short(to.x))\" y2=\"\(short(to.y))\"/>"
}

/// A text of a style sheet's class.
func svgText(_ kind: String, _ text: String, x: Double, y: Double, anchor: TextAnchor = .middle) -> String {
  "<text class=\"\(kind)\" x=\"\(short(x))\" y=\"\(short(y))\" text-anchor=\"\(anchor.rawValue)\">"
    + "\(escaped(text))</text>"
}
