import ExecutionPlan

/// How `conv3d_winograd_grad_weight` runs, and whether it pays. Everything but `groups` is a function of the shape
/// alone, because the order of its sums depends on it.
public struct WinogradGradWeightTiling: Sendable, Equatable {
  /// F(m³, 3³), and TW: tiles of a set.
  public var m, tilesInSet: Int
  /// Lanes of A and blocks of B whose sums are in registers at once.
  public var aLanes, bBlocks: Int
  /// Blocks of A and of B that a task takes.
  public var aShare, bShare: Int
  /// Parts of the sets, each with partial sums of its own.
  public var partitions: Int
  /// Floats of the partial sums.
  public var partialFloats: Int
  /// Floats of scratch for each group.
  public var slotFloats: Int
  /// Work-groups to launch.
  public var groups: Int

  /// Pairs of blocks that a task may take: 221 KB of sums each (F(4³)).
  static let mostPairs = 8
  /// Bytes of a set's transforms that the second-level cache holds beside the sums that pass through it.
  static let cachedBytes = 1_000_000.0

  /// The best tiling where it takes less time than the direct sum (or is preferred); nil elsewhere.
  public static func choose(
    _ s: GradWeightTiling.Shape, preferred: Bool, device: DeviceDescription
  ) -> WinogradGradWeightTiling? {
    guard WinogradTiling.fits(kernel: s.kernel, stride: s.stride, padding: s.padding, dilation: s.dilation)
    else { return nil }
    var best: (cycles: Double, tiling: WinogradGradWeightTiling)?
    for m in [4, 2] {
      let inRow = (s.bExtent[2] + m - 1) / m
      for bBlocks in 1...3 where s.bBlocks % bBlocks == 0 {
        for bShare in stride(from: bBlocks, through: mostPairs, by: bBlocks) where s.bBlocks % bShare == 0 {
          for aShare in 1...min(s.aBlocks, mostPairs / bShare) {
            for tilesInSet in Set([8, 12, 16, 24, min(inRow, 32)]).sorted() {
              var t = WinogradGradWeightTiling(
                m: m, tilesInSet: tilesInSet, aLanes: bBlocks == 1 ? 16 : 8, bBlocks: bBlocks, aShare: aShare,
                bShare: bShare, partitions: 1, partialFloats: 0, slotFloats: 0, groups: 1)
              t.partitions = min(max(1, (GradWeightTiling.wantedTasks + t.pairs(s) - 1) / t.pairs(s)), t.sets(s))
              let cycles = t.cycles(s)
              if cycles < (best?.cycles ?? .infinity) * 0.999 { best = (cycles, t) }
            }
          }
        }
      }
    }
    guard var (cycles, t) = best, preferred || cycles < GradWeightTiling.cycles(s) else { return nil }
    t.partialFloats = t.partitions * s.aBlocks * s.bBlocks * s.taps * 256
    t.slotFloats = t.slot(s)
    t.groups = ConvolutionTiling.groups(tasks: t.partitions * t.pairs(s), device: device)
    return t
  }

  /// Groups of A's blocks times groups of B's.
  private func pairs(_ s: GradWeightTiling.Shape) -> Int { (s.aBlocks + aShare - 1) / aShare * (s.bBlocks / bShare) }
  private func tiles(_ s: GradWeightTiling.Shape) -> Int {
    WinogradTiling.tiles(m, s.kernel, batch: s.batch, extent: s.bExtent)
  }
  private func sets(_ s: GradWeightTiling.Shape) -> Int { (tiles(s) + tilesInSet - 1) / tilesInSet }
  private func tilesInRow(_ s: GradWeightTiling.Shape) -> Int { min(tilesInSet, (s.bExtent[2] + m - 1) / m) }

  /// Floats of a slot. The formula of `kernels/conv3d_winograd_grad_weight.cl`.
  func slot(_ s: GradWeightTiling.Shape) -> Int {
    let p = m + 2, pD = s.kernel[0] == 3 ? p : 1
    let vectors = (tilesInSet | 1) + (tilesInSet * bShare | 1) + 16 * aShare * bShare
    let frequencies = WinogradTiling.frequencies(m, s.kernel) * vectors
    return 16 * (pD * p * (m * tilesInRow(s) + 2) + frequencies)
  }

  /// Cycles of one AVX-512 core, fitted to PoCL on Zen 5.
  func cycles(_ s: GradWeightTiling.Shape) -> Double {
    let p = m + 2, pD = s.kernel[0] == 3 ? p : 1
    let frequencies = Double(WinogradTiling.frequencies(m, s.kernel))
    let (aBlocks, bBlocks) = (Double(s.aBlocks), Double(s.bBlocks))
    let inRow = tilesInRow(s)
    let staged = Double(pD * p * (m * inRow + 2)) / Double(inRow) * 8
    let transformA = staged + frequencies * 6
    let transformB = Double(WinogradTiling.tile(m, s.kernel).reduce(1, *)) * 8 + frequencies * 4
    let tiles = Double(self.tiles(s)), sets = Double(self.sets(s))
    let aGroups = Double((s.aBlocks + aShare - 1) / aShare), bGroups = Double(s.bBlocks / bShare)
    let transforms = tiles * (aBlocks * bGroups * transformA + bBlocks * aGroups * transformB)
    let laneGroups = s.aSegmentChannels.reduce(0) { $0 + $1 / 16 * (16 / aLanes) + ($1 % 16 + aLanes - 1) / aLanes }
    let sums = Double(aLanes * self.bBlocks)
    let step = max(0.5 * sums, 0.52 * Double(aLanes + self.bBlocks), 4) + 0.3
    // The sums of a pair pass through the second-level cache once for each set.
    let block = Double(tilesInSet) * step + 5 * sums + 10
    var multiply = sets * frequencies * Double(laneGroups) * bBlocks / Double(self.bBlocks) * block
    let bytes = Double(tilesInSet * (1 + bShare)) * frequencies * 64
    if bytes > Self.cachedBytes { multiply *= 1 + 0.15 * (bytes / Self.cachedBytes - 1) }
    return transforms + multiply + Double(partitions) * aBlocks * bBlocks * 16 * 6 * frequencies
  }
}
