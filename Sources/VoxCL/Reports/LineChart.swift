import RealModule

/// A line chart as SVG.
struct LineChart {
  struct Series {
    var name: String
    var colour: String
    var points: [(x: Double, y: Double)]
    var width = 2.0
    var opacity = 1.0
    var showsDots = false
  }

  var title: String
  var xTitle: String
  var series: [Series]
  /// Fixed limits of y; nil follows the points.
  var yLimits: ClosedRange<Double>?
  /// Filled to the bottom, drawn as steps: for amounts that hold until they change.
  var isArea = false
  /// A horizontal line with a text.
  var mark: (y: Double, text: String)?
  /// Vertical lines with a text.
  var events: [(x: Double, text: String)] = []
  var width = 560.0
  var height = 250.0
  var format: (Double) -> String = { short($0) }

  private let left = 62.0
  private let right = 16.0
  private let top = 12.0
  private let bottom = 40.0

  var svg: String {
    let all = series.flatMap(\.points).filter { $0.x.isFinite && $0.y.isFinite }
    guard let first = all.first else {
      return "<figure class=\"chart\"><figcaption>\(escaped(title))</figcaption>"
        + "<p class=\"empty\">no values yet</p></figure>"
    }
    let xs = all.reduce((first.x, first.x)) { (min($0.0, $1.x), max($0.1, $1.x)) }
    let ys = all.reduce((first.y, first.y)) { (min($0.0, $1.y), max($0.1, $1.y)) }
    let xTicks = Ticks(xs.0, xs.1 > xs.0 ? xs.1 : xs.0 + 1, most: 7)
    let low = yLimits?.lowerBound ?? ys.0
    let high = max(yLimits?.upperBound ?? ys.1, mark?.y ?? -.infinity)
    let yTicks = Ticks(low, high > low ? high : low + max(abs(low) * 0.1, 1e-9), most: 5)
    func px(_ x: Double) -> Double {
      left + (x - xs.0) / max(xs.1 - xs.0, 1e-300) * (width - left - right)
    }
    func py(_ y: Double) -> Double {
      height - bottom - (y - yTicks.low) / (yTicks.high - yTicks.low) * (height - top - bottom)
    }
    var body = ""
    for tick in yTicks.values {
      body +=
        svgLine("grid", from: (left, py(tick)), to: (width - right, py(tick)))
        + svgText("tick", format(tick), x: left - 8, y: py(tick) + 4, anchor: .end)
    }
    for tick in xTicks.values where tick >= xs.0 && tick <= xs.1 {
      body += svgText("tick", short(tick), x: px(tick), y: height - bottom + 18)
    }
    body += svgText("tick", xTitle, x: (left + width - right) / 2, y: height - 5)
    for event in events where event.x >= xs.0 && event.x <= xs.1 {
      body +=
        svgLine("mark", from: (px(event.x), top), to: (px(event.x), height - bottom))
        + svgText(
          "marktext", event.text, x: px(event.x) + (px(event.x) > width / 2 ? -4 : 4), y: top + 10,
          anchor: px(event.x) > width / 2 ? .end : .start)
    }
    for line in series { body += path(line, px, py, floor: py(yTicks.low)) }
    if let mark {
      body +=
        svgLine("mark", from: (left, py(mark.y)), to: (width - right, py(mark.y)))
        + svgText("marktext", mark.text, x: width - right - 4, y: py(mark.y) + 15, anchor: .end)
    }
    return "<figure class=\"chart\"><figcaption>\(escaped(title))</figcaption>"
      + "<svg viewBox=\"0 0 \(short(width)) \(short(height))\" role=\"img\">\(body)</svg>\(legend)</figure>"
  }

  private var legend: String {
    guard series.count > 1 else { return "" }
    return "<p class=\"legend\">"
      + series.map {
        "<span><i style=\"background:\($0.colour);opacity:\($0.opacity)\"></i>\(escaped($0.name))</span>"
      }.joined() + "</p>"
  }

  private func path(
    _ line: Series, _ px: (Double) -> Double, _ py: (Double) -> Double, floor: Double
  ) -> String {
    var d = ""
    var isDrawing = false
    for point in Self.thinned(line.points, to: 1200) {
      guard point.x.isFinite, point.y.isFinite else {
        isDrawing = false
        continue
      }
      let (x, y) = (px(point.x), py(point.y))
      if isDrawing, isArea {
        d += "H\(short(x))V\(short(y))"
      } else {
        d += "\(isDrawing ? "L" : "M")\(short(x)) \(short(y))"
      }
      isDrawing = true
    }
    var svg = ""
    if isArea, let first = line.points.first {
      svg +=
        "<path d=\"\(d)V\(short(floor))H\(short(px(first.x)))z\" fill=\"\(line.colour)\" "
        + "fill-opacity=\".22\"/>"
    }
    svg +=
      "<path d=\"\(d)\" fill=\"none\" stroke=\"\(line.colour)\" stroke-width=\"\(short(line.width))\" "
      + "stroke-linejoin=\"round\" stroke-opacity=\"\(short(line.opacity))\"/>"
    if line.showsDots && line.points.count <= 80 {
      for point in line.points where point.y.isFinite {
        svg +=
          "<circle cx=\"\(short(px(point.x)))\" cy=\"\(short(py(point.y)))\" r=\"3\" fill=\"\(line.colour)\">"
          + "<title>\(escaped(line.name)) \(short(point.x)): \(escaped(format(point.y)))</title></circle>"
      }
    }
    return svg
  }

  /// Of each stretch its least and largest value, so that spikes stay visible.
  private static func thinned(_ points: [(x: Double, y: Double)], to most: Int) -> [(x: Double, y: Double)] {
    guard points.count > most else { return points }
    let stretch = (points.count * 2 + most - 1) / most
    var kept: [(x: Double, y: Double)] = []
    for start in stride(from: 0, to: points.count, by: stretch) {
      let part = start..<min(points.count, start + stretch)
      let low = part.min { points[$0].y < points[$1].y } ?? start
      let high = part.max { points[$0].y < points[$1].y } ?? start
      for index in Set([low, high]).sorted() { kept.append(points[index]) }
    }
    return kept
  }
}

/// Round numbers that cover a range: steps of 1, 2 or 5 times a power of ten.
struct Ticks {
  let low: Double
  let high: Double
  let values: [Double]

  init(_ least: Double, _ largest: Double, most: Int) {
    let rough = (largest - least) / Double(most)
    let power = Double.pow(10, Double.log10(rough).rounded(.down))
    let step = [1, 2, 5, 10].map { $0 * power }.first { $0 >= rough * 0.999 } ?? power * 10
    low = (least / step + 1e-9).rounded(.down) * step
    high = max((largest / step - 1e-9).rounded(.up) * step, low + step)
    let first = low
    values = (0...Int(((high - low) / step).rounded())).map { first + Double($0) * step }
  }
}

/// Text for HTML.
func escaped(_ text: String) -> String {
  var out = ""
  for character in text {
    switch character {
    case "&": out += "&amp;"
    case "<": out += "&lt;"
    case ">": out += "&gt;"
    case "\"": out += "&quot;"
    default: out.append(character)
    }
  }
  return out
}
