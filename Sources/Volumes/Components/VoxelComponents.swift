/// Which neighbours join voxels to one component.
public enum VoxelConnectivity: Int, Sendable, CaseIterable {
  /// A common face.
  case faces = 6
  /// A common face or edge.
  case edges = 18
  /// A common face, edge or corner.
  case corners = 26
}

/// The connected components of a label map: voxels of one label that hang together.
///
/// Rows are cut into runs of one label; runs of neighbouring rows that touch are united (union–find with path
/// halving, Tarjan 1975). Time is linear in the voxels, memory in the runs.
struct VoxelComponents {
  /// A stretch of voxels of one label in one row.
  struct Run {
    var label: Int32
    /// Place of its first voxel in the volume.
    var first: Int
    var count: Int
    /// Along x.
    var column: Int
  }

  private(set) var runs: [Run] = []
  private var parents: [Int] = []

  /// - Parameters:
  ///   - voxels: x fastest.
  ///   - label: what a voxel counts as; nil is outside of every component.
  init(_ voxels: [Int32], size: SIMD3<Int>, connectivity: VoxelConnectivity, label: (Int32) -> Int32?) {
    let rows = findRuns(voxels, size, label)
    parents = Array(runs.indices)
    // Rows before this one that its voxels touch, and whether diagonally along x counts there.
    var neighbours: [(dy: Int, dz: Int, reach: Int)] = []
    for (dy, dz) in [(-1, 0), (-1, -1), (0, -1), (1, -1)] {
      let isDiagonal = dy != 0 && dz != 0
      switch connectivity {
      case .faces where isDiagonal: break
      case .faces: neighbours.append((dy, dz, 0))
      case .edges: neighbours.append((dy, dz, isDiagonal ? 0 : 1))
      case .corners: neighbours.append((dy, dz, 1))
      }
    }
    for z in 0..<size.z {
      for y in 0..<size.y {
        for (dy, dz, reach) in neighbours where (0..<size.y).contains(y + dy) && z + dz >= 0 {
          unite(rows[y + size.y * z], rows[y + dy + size.y * (z + dz)], reach: reach)
        }
      }
    }
  }

  /// The runs of each row.
  private mutating func findRuns(_ voxels: [Int32], _ size: SIMD3<Int>, _ label: (Int32) -> Int32?) -> [Range<Int>] {
    var rows: [Range<Int>] = []
    rows.reserveCapacity(size.y * size.z)
    voxels.withUnsafeBufferPointer { voxels in
      for row in 0..<size.y * size.z {
        let start = row * size.x
        let firstRun = runs.count
        var x = 0
        while x < size.x {
          let value = voxels[start + x]
          let begin = x
          while x < size.x && voxels[start + x] == value { x += 1 }
          guard let name = label(value) else { continue }
          if runs.count > firstRun, let last = runs.last, last.label == name, last.column + last.count == begin {
            runs[runs.count - 1].count += x - begin
          } else {
            runs.append(Run(label: name, first: start + begin, count: x - begin, column: begin))
          }
        }
        rows.append(firstRun..<runs.count)
      }
    }
    return rows
  }

  /// Joins runs of one label in two rows that overlap when one is widened by `reach`.
  private mutating func unite(_ a: Range<Int>, _ b: Range<Int>, reach: Int) {
    func end(_ run: Int) -> Int { runs[run].column + runs[run].count }
    var (i, j) = (a.lowerBound, b.lowerBound)
    while i < a.upperBound && j < b.upperBound {
      join(i, j, reach)
      // What ends first touches nothing further on. Where both end together, each may touch the other's successor.
      let order = end(i) - end(j)
      if order == 0 {
        if i + 1 < a.upperBound { join(i + 1, j, reach) }
        if j + 1 < b.upperBound { join(i, j + 1, reach) }
      }
      if order <= 0 { i += 1 }
      if order >= 0 { j += 1 }
    }
  }

  private mutating func join(_ i: Int, _ j: Int, _ reach: Int) {
    let (p, q) = (runs[i], runs[j])
    guard p.label == q.label, p.column < q.column + q.count + reach, q.column < p.column + p.count + reach else {
      return
    }
    let (m, n) = (root(i), root(j))
    if m != n { parents[max(m, n)] = min(m, n) }
  }

  private mutating func root(_ run: Int) -> Int {
    var run = run
    while parents[run] != run {
      parents[run] = parents[parents[run]]
      run = parents[run]
    }
    return run
  }

  /// For each run whether it belongs to a largest component of its label; all that share the largest size do, so
  /// that the result does not depend on the axes in which a volume is stored.
  mutating func isInLargest() -> [Bool] {
    let roots = runs.indices.map { root($0) }
    var sizes: [Int: Int] = [:]
    for (run, root) in zip(runs, roots) { sizes[root, default: 0] += run.count }
    var largest: [Int32: Int] = [:]
    for (root, size) in sizes { largest[runs[root].label] = max(largest[runs[root].label] ?? 0, size) }
    return zip(runs, roots).map { sizes[$1] == largest[$0.label] }
  }
}

extension LabelVolume {
  /// Keeps only the largest component of these labels taken together, or of each of them; every other voxel of
  /// theirs becomes `background`. Components of equal size are all kept.
  public mutating func keepLargestComponent(
    of labels: Set<Int32>, together: Bool, connectivity: VoxelConnectivity, background: Int32
  ) {
    var components = VoxelComponents(voxels, size: grid.size, connectivity: connectivity) {
      labels.contains($0) ? (together ? 0 : $0) : nil
    }
    let isKept = components.isInLargest()
    for (run, isKept) in zip(components.runs, isKept) where !isKept {
      for index in run.first..<run.first + run.count { voxels[index] = background }
    }
  }
}
