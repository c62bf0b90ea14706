import Volumes

/// A union of classes with an output channel of its own: regions may overlap, as a liver with its lesions and the
/// lesions alone do.
public struct LabelRegion: Sendable, Equatable {
  public var name: String
  /// Names of its classes.
  public var classes: [String]

  public init(name: String, classes: [String]) {
    self.name = name
    self.classes = classes
  }
}

/// What the channels of a network's output mean: one class each, of which the most probable wins, or independent
/// regions, each present where its probability is above ½.
public struct NetworkOutputs: Sendable, Equatable {
  public struct Region: Sendable, Equatable {
    public var name: String
    /// Indices into `classes`.
    public var members: [Int]
    /// What a voxel becomes that is in this region and in no later one.
    public var id: Int32
  }

  /// In the order of the network's classes; 0 is the background.
  public var classes: [ClassLabel]
  /// Empty: one channel a class.
  public var regions: [Region] = []

  /// One channel a class.
  public init(classes: [ClassLabel]) { self.classes = classes }

  /// - Throws: `DatasetErrors` where a region names no class, or leaves open which id its voxels get: that is the one
  ///   class of it that no later region has.
  public init(classes: [ClassLabel], regions: [LabelRegion]) throws(DatasetErrors) {
    self.classes = classes
    var problems: [String] = []
    for (number, region) in regions.enumerated() {
      let key = "data.regions.\(region.name)"
      let members = region.classes.compactMap { name in classes.firstIndex { $0.name == name } }
      for name in region.classes where !classes.contains(where: { $0.name == name }) {
        problems.append("\(key): \"\(name)\" is no class; expected \(classes.map(\.name).joined(separator: ", "))")
      }
      let later = Set(regions[(number + 1)...].flatMap(\.classes))
      let own = members.filter { !later.contains(classes[$0].name) }
      if members.contains(0) { problems.append("\(key): holds the background") }
      guard own.count == 1 else {
        problems.append(
          "\(key): found \(own.count) classes that no later region has, expected one: the id of its voxels")
        continue
      }
      self.regions.append(Region(name: region.name, members: members.sorted(), id: classes[own[0]].id))
    }
    guard problems.isEmpty else { throw DatasetErrors(problems) }
  }

  /// Channels of the network's output.
  public var count: Int { regions.isEmpty ? classes.count : regions.count }
  /// Their names.
  public var names: [String] { regions.isEmpty ? classes.map(\.name) : regions.map(\.name) }

  /// How probabilities become labels.
  public var decision: LabelDecision {
    regions.isEmpty
      ? .mostProbable(ids: classes.map(\.id))
      : .aboveHalf(ids: regions.map(\.id), background: classes.first?.id ?? 0)
  }

  /// What metrics are taken of: each class but the background, or each region.
  public var measured: [MetricRegion] {
    if !regions.isEmpty {
      return regions.map { region in
        MetricRegion(
          label: MetricLabel(id: region.id, name: region.name), ids: Set(region.members.map { classes[$0].id }))
      }
    }
    return classes.dropFirst().map { MetricRegion(label: MetricLabel(id: $0.id, name: $0.name), ids: [$0.id]) }
  }

  /// The target of one sample as independent channels, C×voxels: 1 in the class or region, 0 outside, −1 in every
  /// channel where the label counts nowhere.
  func channels(_ labels: ArraySlice<Int32>, into target: inout ArraySlice<Float>) {
    let voxels = labels.count
    var members = [[Bool]](repeating: [Bool](repeating: false, count: classes.count), count: count)
    for channel in 0..<count {
      for index in regions.isEmpty ? [channel] : regions[channel].members { members[channel][index] = true }
    }
    labels.withUnsafeBufferPointer { labels in
      target.withUnsafeMutableBufferPointer { target in
        for channel in 0..<count {
          let holds = members[channel]
          for v in 0..<voxels {
            let label = Int(labels[v])
            target[channel * voxels + v] = label < 0 ? -1 : holds[label] ? 1 : 0
          }
        }
      }
    }
  }
}

/// How class probabilities become one label a voxel.
public enum LabelDecision: Sendable, Equatable {
  /// The id of the most probable channel, the first where several are equal.
  case mostProbable(ids: [Int32])
  /// The id of the last channel above ½, the background's where none is.
  case aboveHalf(ids: [Int32], background: Int32)

  /// Channels.
  public var count: Int { ids.count }
  public var ids: [Int32] {
    switch self {
    case .mostProbable(let ids), .aboveHalf(let ids, _): ids
    }
  }
  /// What a voxel is that preprocessing cut off.
  public var background: Int32 {
    switch self {
    case .mostProbable(let ids): ids.first ?? 0
    case .aboveHalf(_, let background): background
    }
  }
  /// Whether channels are independent: then what was cut off has probability 0 in each, otherwise 1 in the first.
  public var isIndependent: Bool {
    if case .aboveHalf = self { return true }
    return false
  }
}
