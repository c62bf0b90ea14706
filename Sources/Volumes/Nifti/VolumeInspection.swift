/// What a volume file holds, for `voxcl inspect`.
public struct VolumeInspection: Sendable, Equatable, Codable {
  public struct LabelCount: Sendable, Equatable, Codable {
    public var id: Int
    public var voxels: Int
    /// voxels × |det affine|.
    public var volumeInMillilitres: Double
  }

  public var path: String
  /// 1 or 2.
  public var niftiVersion: Int
  /// dim[1…] as stored; a fourth number counts channels.
  public var shape: [Int]
  /// Along the stored axes.
  public var spacingInMillimetres: [Double]
  /// Such as "LAS".
  public var orientation: String
  public var datatype: String
  /// nil where stored values count as they are.
  public var slope: Double?
  public var intercept: Double?
  /// Voxel index to RAS+ millimetres, 4×4, row by row.
  public var affine: [[Double]]
  /// "sform", "qform" or "pixdim".
  public var affineSource: String
  public var qformCode: Int
  public var sformCode: Int
  /// As stored; everything above is in millimetres.
  public var units: String
  /// Over all channels, as the next two.
  public var minimum: Double
  public var maximum: Double
  public var mean: Double
  /// Ascending ids, where all values are whole numbers and at most 256 differ; nil otherwise.
  public var labels: [LabelCount]?
  public var warnings: [String]

  /// Reads the whole file.
  /// - Throws: `VolumeError` where the file is not sound.
  public init(of path: String) throws(VolumeError) {
    self.init(try NiftiFile.read(path))
  }

  public init(_ image: NiftiImage) {
    let header = image.header
    let affine = image.geometry.affine
    path = image.path
    niftiVersion = header.version
    shape = header.dimensions
    let s = affine.columnNorms
    spacingInMillimetres = [s.x, s.y, s.z]
    orientation = Orientation(of: affine).description
    datatype = header.datatype.name
    slope = header.hasScaling ? header.slope : nil
    intercept = header.hasScaling ? header.intercept : nil
    self.affine = affine.rows
    affineSource = image.geometry.source.rawValue
    qformCode = header.qformCode
    sformCode = header.sformCode
    units = header.units.rawValue
    minimum = image.channels.map { Double($0.voxels.min() ?? 0) }.min() ?? 0
    maximum = image.channels.map { Double($0.voxels.max() ?? 0) }.max() ?? 0
    mean = image.channels.map { Moments(of: $0.voxels).mean }.reduce(0, +) / Double(image.channels.count)
    labels = Self.labelCounts(image.channels, voxelInMillilitres: abs(affine.determinant) / 1000)
    warnings = image.warnings
  }

  static let mostLabels = 256

  private static func labelCounts(_ channels: [Volume], voxelInMillilitres: Double) -> [LabelCount]? {
    var counts: [Float: Int] = [:]
    for channel in channels {
      let isLabelMap = channel.voxels.withUnsafeBufferPointer { v in
        var run = (value: v[0], length: 0)
        for value in v {
          if value == run.value {
            run.length += 1
            continue
          }
          guard value.rounded() == value else { return false }
          counts[run.value, default: 0] += run.length
          run = (value, 1)
          if counts.count > mostLabels { return false }
        }
                counts[run.value, default: 0] += run.length
        return counts.count <= mostLabels
      }
      if !isLabelMap { return nil }
    }
    // Above 2²⁴ float32 no longer tells neighbouring ids apart.
    guard counts.keys.allSatisfy({ $0.rounded() == $0 && abs($0) <= 0x1p24 }) else { return nil }
    return counts.sorted { $0.key < $1.key }.map {
      LabelCount(
        id: Int($0.key), voxels: $0.value, volumeInMillilitres: Double($0.value) * voxelInMillilitres)
    }
  }

  /// For people: "name: value" lines.
  public var lines: [String] {
    func join<T>(_ values: [T], _ separator: String = " × ") -> String {
      values.map { "\($0)" }.joined(separator: separator)
    }
    func short(_ v: Double) -> Double { (v * 1e4).rounded() / 1e4 }
    let scaling = slope.map { " × \($0) + \(intercept ?? 0)" } ?? ""
    var result = [
      "file: \(path) (NIfTI-\(niftiVersion))",
      "shape: \(join(shape)) voxels",
      "spacing: \(join(spacingInMillimetres.map(short))) mm",
      "orientation: \(orientation) from the \(affineSource) (codes: qform \(qformCode), sform \(sformCode))",
      "stored as: \(datatype)\(scaling), lengths in \(units)",
    ]
    for row in affine.prefix(3) { result.append("affine: \(join(row.map(short), "  "))") }
    result.append("values: \(minimum) … \(maximum), mean \(short(mean))")
    for label in labels ?? [] {
      result.append("label \(label.id): \(label.voxels) voxels, \(short(label.volumeInMillilitres)) ml")
    }
    result += warnings.map { "warning: \($0)" }
    return result
  }
}
