/// Where the voxels of each class lie in one case: 4 bytes a voxel, made once, drawn from in O(1).
///
/// A class with more than `maximumVoxelsPerClass` voxels keeps one random voxel of each of that many equal
/// runs, so the background of a large CT costs 4 MiB and not half a gigabyte.
public struct ClassVoxelIndex: Sendable {
  /// The classes that occur, ascending. Negative labels are no class.
  public let classes: [Int32]
  /// Voxels of each of `classes` in the whole case.
  public let voxelCounts: [Int]
  /// For each of `classes`: linear voxel indices x + size.x (y + size.y z), ascending.
  private let voxels: [[UInt32]]

  public static let defaultMaximumVoxelsPerClass = 1 << 20

  init(classes: [Int32], voxelCounts: [Int], voxels: [[UInt32]]) {
    self.classes = classes
    self.voxelCounts = voxelCounts
    self.voxels = voxels
  }

  /// O(voxels), two passes. `labels.count` is below 2³².
  public init(
    labels: [Int32], seed: UInt64 = 0,
    maximumVoxelsPerClass: Int = ClassVoxelIndex.defaultMaximumVoxelsPerClass
  ) {
    precondition(labels.count <= Int(UInt32.max), "internal: more than 2^32 voxels in one case")
    precondition(maximumVoxelsPerClass > 0, "internal: an index needs room for one voxel")
    let counts = Self.count(labels)
    let slotOfClass = Dictionary(
      uniqueKeysWithValues: counts.enumerated().map { ($1.label, $0) })
    var lists = [[UInt32]](repeating: [], count: counts.count)
    var pickers = counts.enumerated().map { slot, entry in
      StratifiedPicker(
        count: entry.count, kept: min(entry.count, maximumVoxelsPerClass),
        random: SampleRandom(seed: seed, stream: .voxelIndex, sample: UInt64(slot)))
    }
    for slot in lists.indices { lists[slot].reserveCapacity(pickers[slot].kept) }
    labels.withUnsafeBufferPointer { labels in
      var previous: Int32 = -1
      var slot = 0
      for index in 0..<labels.count {
        let label = labels[index]
        if label < 0 { continue }
        if label != previous {
          previous = label
          slot = slotOfClass[label] ?? 0
        }
        if pickers[slot].takesNext() { lists[slot].append(UInt32(index)) }
      }
    }
    classes = counts.map(\.label)
    voxelCounts = counts.map(\.count)
    voxels = lists
  }

  /// The indexed voxels of class `label`; empty where it does not occur.
  public func voxels(of label: Int32) -> [UInt32] {
    guard let slot = classes.firstIndex(of: label) else { return [] }
    return voxels[slot]
  }

  private static func count(_ labels: [Int32]) -> [(label: Int32, count: Int)] {
    var counts: [Int32: Int] = [:]
    labels.withUnsafeBufferPointer { labels in
      // Labels come in runs: one look-up a run.
      var start = 0
      while start < labels.count {
        let label = labels[start]
        var end = start + 1
        while end < labels.count && labels[end] == label { end += 1 }
        if label >= 0 { counts[label, default: 0] += end - start }
        start = end
      }
    }
    return counts.map { (label: $0.key, count: $0.value) }.sorted { $0.label < $1.label }
  }
}

/// Takes `kept` of `count` items in order: one at a random place in each of `kept` equal runs.
private struct StratifiedPicker {
  let count: Int
  let kept: Int
  private var random: SampleRandom
  private var seen = 0
  private var taken = 0
  private var target = 0

  init(count: Int, kept: Int, random: SampleRandom) {
    self.count = count
    self.kept = kept
    self.random = random
    if kept < count { target = drawTarget() }
  }

  mutating func takesNext() -> Bool {
    if kept == count { return true }
    defer { seen += 1 }
    guard taken < kept, seen == target else { return false }
    taken += 1
    if taken < kept { target = drawTarget() }
    return true
  }

  private mutating func drawTarget() -> Int {
    let start = taken * count / kept
    let end = (taken + 1) * count / kept
    return start + random.integer(below: end - start)
  }
}
