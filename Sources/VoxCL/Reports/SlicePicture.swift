import Interchange
import Volumes

/// Which way a slice is cut, and how it lies on the screen: as radiologists hang it, the patient's right on
/// the viewer's left, front or head up.
public enum SlicePlane: String, Sendable, CaseIterable {
  case axial, coronal, sagittal

  /// Axes of the RAS+ volume: across, down, and through.
  var axes: (across: Int, down: Int, through: Int) {
    switch self {
    case .axial: (0, 1, 2)
    case .coronal: (0, 2, 1)
    case .sagittal: (1, 2, 0)
    }
  }

  /// Letters at the left, top, right and bottom edge.
  var edges: [String] {
    switch self {
    case .axial: ["R", "A", "L", "P"]
    case .coronal: ["R", "S", "L", "I"]
    case .sagittal: ["A", "S", "P", "I"]
    }
  }
}

/// One slice of a scan with the label filled and the prediction outlined: an SVG with the image inside as
/// PNG.
public struct SlicePicture: Sendable {
  /// In RAS+ axes.
  public var image: Volume
  /// Filled; nil where there is none.
  public var label: LabelVolume?
  /// Outlined.
  public var prediction: LabelVolume?
  /// Values shown black and white; nil takes the 1st and 99th percentile.
  public var window: ClosedRange<Float>

  /// - Parameters: all on one grid, in any axes.
  public init(
    image: Volume, label: LabelVolume? = nil, prediction: LabelVolume? = nil,
    window: ClosedRange<Float>? = nil
  ) {
    self.image = image.reorientedToRAS().volume
    self.label = label?.reorientedToRAS().labels
    self.prediction = prediction?.reorientedToRAS().labels
    if let window {
      self.window = window
    } else {
      let limits = Percentiles.of(image.voxels, [1, 99.5]).map { Float($0) }
      self.window = limits[0]...max(limits[0], limits[1])
    }
  }

  /// The slice that shows most of all classes: largest sum over the classes of the share of their voxels that
  /// lies in it, by the label, or by the prediction where no label has any; else the middle one.
  public func mostTellingSlice(_ plane: SlicePlane) -> Int {
    let size = image.grid.size
    let through = plane.axes.through
    for labels in [label, prediction].compactMap({ $0 }) {
      var counts: [Int32: [Int]] = [:]
      labels.voxels.withUnsafeBufferPointer { ids in
        for z in 0..<size.z {
          for y in 0..<size.y {
            // Labels come in runs: one look-up a run, not a voxel.
            let row = size.x * (y + size.y * z)
            var x = 0
            while x < size.x {
              let id = ids[row + x]
              let start = x
              while x < size.x && ids[row + x] == id { x += 1 }
              guard id > 0 else { continue }
              if through == 0 {
                for column in start..<x {
                  counts[id, default: [Int](repeating: 0, count: size.x)][column] += 1
                }
              } else {
                counts[id, default: [Int](repeating: 0, count: size[through])][through == 1 ? y : z] +=
                  x - start
              }
            }
          }
        }
      }
      var scores = [Double](repeating: 0, count: size[through])
      for id in counts.keys.sorted() {
        let slices = counts[id] ?? []
        let total = Double(slices.reduce(0, +))
        for (slice, count) in slices.enumerated() { scores[slice] += Double(count) / total }
      }
      if let most = scores.max(), most > 0 { return scores.firstIndex(of: most) ?? 0 }
    }
    return size[through] / 2
  }

  /// How wide a plane's picture is in the patient.
  public func widthInMillimetres(_ plane: SlicePlane) -> Double {
    Double(image.grid.size[plane.axes.across]) * image.grid.spacingInMillimetres[plane.axes.across]
  }

  /// An `<svg>` of one slice; `classes` gives ids with their colours in drawing order.
  public func svg(_ plane: SlicePlane, slice: Int? = nil, classes: [Int32], widthInPixels: Int = 260)
    -> String
  {
    let axes = plane.axes
    let at = slice ?? mostTellingSlice(plane)
    let (width, height) = (image.grid.size[axes.across], image.grid.size[axes.down])
    let spacing = image.grid.spacingInMillimetres
    let (stepX, stepY) = (spacing[axes.across], spacing[axes.down])
    let gray = values(image.voxels, axes, at).map { shade($0) }
    let png = PNG.encode(gray, width: width, height: height)
    let (millimetresWide, millimetresHigh) = (Double(width) * stepX, Double(height) * stepY)
    var svg =
      "<svg class=\"slice\" viewBox=\"0 0 \(short(millimetresWide)) \(short(millimetresHigh))\" "
      + "width=\"\(widthInPixels)\" role=\"img\"><title>\(plane.rawValue) slice \(at)</title>"
      + "<g transform=\"scale(\(short(stepX)) \(short(stepY)))\">"
      + "<image width=\"\(width)\" height=\"\(height)\" preserveAspectRatio=\"none\" "
      + "style=\"image-rendering:pixelated\" href=\"data:image/png;base64,\(base64(png))\"/>"
    for (number, id) in classes.enumerated() {
      let colour = Palette.colour(number)
      if let label {
        let outline = LabelOutline(id, in: values(label.voxels, axes, at), width: width, height: height)
        if !outline.isEmpty {
          svg += "<path class=\"label\" d=\"\(outline.area)\" fill=\"\(colour)\" fill-opacity=\".38\"/>"
        }
      }
      if let prediction {
        let outline = LabelOutline(id, in: values(prediction.voxels, axes, at), width: width, height: height)
        if !outline.isEmpty {
          svg +=
            "<path class=\"prediction\" d=\"\(outline.contour)\" fill=\"none\" stroke=\"\(colour)\" "
            + "stroke-width=\"1.6\" stroke-linecap=\"square\" vector-effect=\"non-scaling-stroke\"/>"
        }
      }
    }
    return svg + "</g>" + letters(plane, millimetresWide, millimetresHigh, widthInPixels) + "</svg>"
  }

  private func letters(_ plane: SlicePlane, _ w: Double, _ h: Double, _ pixels: Int) -> String {
    let size = w / Double(pixels) * 12
    let places = [
      (size * 0.3, h / 2 + size / 3, "start"), (w / 2, size, "middle"),
      (w - size * 0.3, h / 2 + size / 3, "end"),
      (w / 2, h - size * 0.35, "middle"),
    ]
    return zip(plane.edges, places).map { letter, place in
      "<text x=\"\(short(place.0))\" y=\"\(short(place.1))\" text-anchor=\"\(place.2)\" fill=\"#ffe9a8\" "
        + "font-size=\"\(short(size))\" font-family=\"sans-serif\" opacity=\".85\">\(letter)</text>"
    }.joined()
  }

  private func shade(_ value: Float) -> UInt8 {
    let width = window.upperBound - window.lowerBound
    guard width > 0 else { return 128 }
    return UInt8(min(max((value - window.lowerBound) / width, 0), 1) * 255)
  }

  /// One slice, rows from the top of the screen. Across runs against R (axial, coronal) or against A
  /// (sagittal), down against A or S: both backwards through the RAS+ volume.
  private func values<Element>(
    _ voxels: [Element], _ axes: (across: Int, down: Int, through: Int), _ at: Int
  ) -> [Element] {
    let size = image.grid.size
    let strides = [1, size.x, size.x * size.y]
    let (width, height) = (size[axes.across], size[axes.down])
    return [Element](unsafeUninitializedCapacity: width * height) { out, count in
      voxels.withUnsafeBufferPointer { source in
        for row in 0..<height {
          let start = at * strides[axes.through] + (height - 1 - row) * strides[axes.down]
          for column in 0..<width {
            (out.baseAddress! + count).initialize(
              to: source[start + (width - 1 - column) * strides[axes.across]])
            count += 1
          }
        }
      }
    }
  }
}

/// Colours that stay apart for most colour-blind readers (Okabe and Ito 2008, without black), then around
/// again.
enum Palette {
  static let colours = ["#e69f00", "#56b4e9", "#009e73", "#f0e442", "#cc79a7", "#0072b2", "#d55e00"]
  static func colour(_ number: Int) -> String { colours[number % colours.count] }
}

/// At most three decimals, without trailing zeros: for coordinates in pictures.
func short(_ value: Double) -> String {
  guard value.isFinite, abs(value) < 1e12 else { return "0" }
  let thousandths = Int((value * 1000).rounded())
  let sign = thousandths < 0 ? "-" : ""
  let (whole, rest) = (abs(thousandths) / 1000, abs(thousandths) % 1000)
  guard rest != 0 else { return "\(sign)\(whole)" }
  var digits = String(rest + 1000).dropFirst()
  while digits.last == "0" { digits.removeLast() }
  return "\(sign)\(whole).\(digits)"
}
