import Training
import Volumes

extension DatasetFingerprint {
  /// Opens every case of a data set.
  ///
  /// - Parameters:
  ///   - data: Where the cases are.
  ///   - groupBy: Which cases are one patient's; nil looks at names and intensities.
  /// - Throws: `DatasetErrors` with every fault of every case.
  public init(
    _ data: DataSettings, groupBy: CaseGrouping? = nil, progress: (_ done: Int, _ of: Int) -> Void = { _, _ in }
  ) throws(DatasetErrors) {
    let listing = CaseListing(data)
    let map = ClassMap(classes: listing.classes, otherLabels: data.otherLabels, ignore: listing.ignore)
    var problems = listing.problems
    guard !listing.classes.isEmpty else { throw DatasetErrors(problems) }
    var gatherers = listing.channels.map { _ in ForegroundStatisticsGatherer() }
    var found: [Case] = []
    var warnings: [String] = []
    for (index, files) in listing.cases.enumerated() {
      do {
        let read = try files.read(channels: listing.channels.count, classes: map)
        warnings += read.warnings
        found.append(try Case(read, summary: NiftiSummary(of: files.images[0]), classes: listing.classes))
        for (channel, volume) in read.channels.enumerated() {
          gatherers[channel].add(image: volume, labels: read.labels)
        }
      } catch {
        problems.append("\(error)")
      }
      progress(index + 1, listing.cases.count)
    }
    let classes = listing.classes.map { label in
      let counts = found.compactMap { $0.voxels[label.name] }
      return Class(name: label.name, id: Int(label.id), voxels: counts.reduce(0, +), cases: counts.count)
    }
    if !found.isEmpty {
      let unread = listing.cases.count - found.count
      for label in classes where label.cases == 0 {
        problems.append(
          "class \(label.name) (id \(label.id)): no case has a voxel of it"
            + (unread == 0 ? "" : " (\(unread) cases could not be read)"))
      }
    }
    for entry in found where entry.voxels.keys.allSatisfy({ $0 == listing.classes.first?.name }) {
      warnings.append("case \(entry.name) has no foreground")
    }
    if let gaps = DatasetWarnings(classes: listing.classes).gaps() { warnings.append(gaps) }
    guard problems.isEmpty else { throw DatasetErrors(problems, warnings: warnings) }
    self.init(
      layout: data.layout.rawValue, cases: found,
      channels: zip(listing.channels, gatherers).map { Channel(name: $0, foreground: $1.statistics) },
      classes: classes, ignoredId: listing.ignore.map(Int.init), patients: Patients(cases: found, given: groupBy),
      warnings: warnings)
  }

  /// With what follows from the cases.
  init(
    layout: String, cases: [Case], channels: [Channel], classes: [Class], ignoredId: Int?, patients: Patients,
    warnings: [String]
  ) {
    (self.layout, self.cases, self.channels, self.classes) = (layout, cases, channels, classes)
    (self.ignoredId, self.patients, self.warnings) = (ignoredId, patients, warnings)
    func median(_ numbers: (Case) -> [Double]) -> [Double] {
      (0..<3).map { axis in Self.percentile(50, cases.map { numbers($0)[axis] }) }
    }
    medianSizeAfterCrop = median { $0.sizeAfterCrop.map(Double.init) }
    medianSpacingInMillimetres = median { $0.spacingInMillimetres }
    medianShareAfterCrop = Self.percentile(
      50, cases.map { Double($0.sizeAfterCrop.reduce(1, *)) / Double($0.size.reduce(1, *)) })
  }
}

extension DatasetFingerprint.Case {
  fileprivate init(_ read: RASCase, summary: NiftiSummary, classes: [ClassLabel]) {
    let grid = read.channels[0].grid
    name = read.name
    size = [grid.size.x, grid.size.y, grid.size.z]
    let box = nonZeroBox(read.channels).size
    sizeAfterCrop = [box.x, box.y, box.z]
    let spacing = grid.spacingInMillimetres
    spacingInMillimetres = [spacing.x, spacing.y, spacing.z]
    orientation = summary.orientation
    datatype = summary.datatype
    var counts = [Int](repeating: 0, count: classes.count)
    for label in read.labels.voxels where label >= 0 { counts[Int(label)] += 1 }
    voxels = [:]
    for (label, count) in zip(classes, counts) where count > 0 { voxels[label.name] = count }
    intensities = read.channels.map { DatasetFingerprint.Intensity($0.voxels) }
  }
}

extension DatasetFingerprint.Intensity {
  /// In one pass, by moments about the first value.
  fileprivate init(_ values: [Float]) {
    let shift = Double(values.first ?? 0)
    var (least, most) = (Float.infinity, -Float.infinity)
    var (sum, squares) = (0.0, 0.0)
    for value in values {
      least = min(least, value)
      most = max(most, value)
      let difference = Double(value) - shift
      sum += difference
      squares += difference * difference
    }
    let count = Double(max(1, values.count))
    let mean = sum / count
    self.init(
      minimum: Double(least), maximum: Double(most), mean: shift + mean,
      standardDeviation: max(0, squares / count - mean * mean).squareRoot())
  }
}
