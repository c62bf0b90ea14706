import Volumes

/// From ids in label files to class indices of the network and back.
public struct ClassMap: Sendable, Equatable {
  public var classes: [ClassLabel]
  public var otherLabels: DataSettings.OtherLabels
  public var ignore: Int32?

  public init(classes: [ClassLabel], otherLabels: DataSettings.OtherLabels = .error, ignore: Int32? = nil) {
    self.classes = classes
    self.otherLabels = otherLabels
    self.ignore = ignore
  }

  /// Ids to indices in place; the ignored id to `ignoreLabel`.
  /// - Throws: `VolumeError` that names the ids which no class has, with their voxels. Of these a negative one is never
  ///   taken as background: only the ignored id may be negative.
  public func toIndices(_ labels: inout [Int32], path: String) throws(VolumeError) {
    var unknown: [Int32: Int] = [:]
    let index = Dictionary(classes.enumerated().map { ($1.id, Int32($0)) }, uniquingKeysWith: { a, _ in a })
    labels.withUnsafeMutableBufferPointer { labels in
      // Labels come in runs: one look-up a run.
      var start = 0
      while start < labels.count {
        let id = labels[start]
        var end = start + 1
        while end < labels.count && labels[end] == id { end += 1 }
        var value: Int32 = 0
        if id == ignore {
          value = ignoreLabel
        } else if let known = index[id] {
          value = known
        } else {
          unknown[id, default: 0] += end - start
        }
        for i in start..<end { labels[i] = value }
        start = end
      }
    }
    let refused = otherLabels == .error ? unknown : unknown.filter { $0.key < 0 }
    guard !refused.isEmpty else { return }
    let found = refused.sorted { $0.key < $1.key }.prefix(8).map { "\($0.key) (\($0.value) voxels)" }
    let known = classes.map { "\($0.id) \($0.name)" }.joined(separator: ", ")
    let advice =
      otherLabels == .error
      ? "(data.otherLabels: \"background\" takes the rest as it)"
      : "(data.otherLabels: \"background\" takes no negative id; data.ignore may name one)"
    throw VolumeError(
      path,
      "holds label \(found.joined(separator: ", "))\(refused.count > 8 ? " and more" : "") that the recipe "
        + "does not name; data.classes names \(known) \(advice)")
  }

  /// Indices back to ids.
  public func toIDs(_ indices: inout [Int32]) {
    indices.withUnsafeMutableBufferPointer { v in
      for i in v.indices { v[i] = v[i] < 0 ? (ignore ?? 0) : classes[Int(v[i])].id }
    }
  }
}
