import ExecutionPlan

/// How `conv3d_winograd_grad_weight` runs, and whether it pays. What the order of its sums depends on (m, tiles of a set,
/// partitions) is a function of the shape alone.
public struct WinogradGradWeightTiling: Sendable, Equatable {
  /// F(m³, 3³), or of phases F(5³, 2³), and TW: tiles of a set.
  public var m, tilesInSet: Int
  /// Lanes of A and blocks of B whose sums are in registers at once.
  public var aLanes, bBlocks: Int
  /// Blocks of A (of stride 2: pairs of a block's phases) and of B that a task takes.
  public var aShare, bShare: Int
  /// Parts of the sets, each with partial sums of its own.
  public var partitions: Int
  /// Floats of the partial sums.
  public var partialFloats: Int
  /// Floats of scratch for each group.
  public var slotFloats: Int
  /// Work-groups to launch.
  public var groups: Int

  /// Pairs of blocks that a task may take: 221 KB of sums each (F(4³)). Where all tiles are one set, sums do not wait and
  /// a task may take any number.
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
    var isOneSet = false
    for m in WinogradTiling.orders(stride: s.stride) {
      let inRow = (s.bExtent[2] + m - 1) / m
      for bBlocks in 1...3 where s.bBlocks % bBlocks == 0 {
        for bShare in stride(from: bBlocks, through: mostPairs / step(m), by: bBlocks) where s.bBlocks % bShare == 0 {
          for aShare in 1...min(aUnits(s), mostPairs / bShare / step(m)) {
            for tilesInSet in Set(setSizes + [min(inRow, 32)]).sorted() {
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
    for m in WinogradTiling.orders(stride: s.stride) {
      for bBlocks in 1...3 {
        guard let t = ofOneSet(s, m: m, bBlocks: bBlocks, units: assumedUnits) else { continue }
        let cycles = t.cyclesOfOneSet(s, units: assumedUnits) * Double(assumedUnits)
        if cycles < (best?.cycles ?? .infinity) * 0.999 { (best, isOneSet) = ((cycles, t), true) }
      }
    }
    guard var t = best?.tiling else { return nil }
    let cost = isOneSet
      ? t.cyclesOfOneSet(s, units: assumedUnits, multiplyAdd: WinogradTiling.multiplyAdd) * Double(assumedUnits)
      : t.cycles(s, multiplyAdd: WinogradTiling.multiplyAdd)
    guard preferred || cost < GradWeightTiling.cycles(s, multiplyAdd: WinogradTiling.multiplyAdd) else { return nil }
    if t.partitions == 1 && t.sets(s) == 1 {
      // Register blocks and shares are the device's to choose: no sum depends on them.
      let units = max(1, device.computeUnits)
      t = (1...3).compactMap { ofOneSet(s, m: t.m, bBlocks: $0, units: units) }
        .min { $0.cyclesOfOneSet(s, units: units) < $1.cyclesOfOneSet(s, units: units) } ?? t
    }
    t.partialFloats = t.partitions * s.aBlocks * s.bBlocks * s.taps * 256
    t.slotFloats = t.slot(s)
    t.groups = ConvolutionTiling.groups(tasks: t.partitions * t.pairs(s), device: device)
    return t
  }

  private static let setSizes = [8, 12, 16, 24]
  private static let assumedUnits = 2

  /// The shares of least time where all tiles are one set; nil where there are more.
  private static func ofOneSet(
    _ s: GradWeightTiling.Shape, m: Int, bBlocks: Int, units: Int
  ) -> WinogradGradWeightTiling? {
    guard s.bBlocks % bBlocks == 0 else { return nil }
    let tiles = WinogradTiling.tiles(m, s.kernel, batch: s.batch, extent: s.bExtent)
    guard let tilesInSet = (setSizes + [32]).first(where: { $0 >= tiles }) else { return nil }
    var best: (cycles: Double, tiling: WinogradGradWeightTiling)?
    for bShare in stride(from: bBlocks, through: s.bBlocks, by: bBlocks) where s.bBlocks % bShare == 0 {
      for aShare in 1...aUnits(s) {
        let t = WinogradGradWeightTiling(
          m: m, tilesInSet: tilesInSet, aLanes: bBlocks == 1 ? 16 : 8, bBlocks: bBlocks, aShare: aShare, bShare: bShare,
          partitions: 1, partialFloats: 0, slotFloats: 0, groups: 1)
        let cycles = t.cyclesOfOneSet(s, units: units)
        if cycles < (best?.cycles ?? .infinity) * 0.999 { best = (cycles, t) }
      }
    }
    return best?.tiling
  }

  /// Groups of A's blocks times groups of B's.
  private func pairs(_ s: GradWeightTiling.Shape) -> Int {
    (Self.aUnits(s) + aShare - 1) / aShare * (s.bBlocks / bShare)
  }
  /// Blocks of A, or the pairs of phases that these have.
  private static func aUnits(_ s: GradWeightTiling.Shape) -> Int { s.aBlocks * max(1, s.stride.reduce(1, *) / 2) }
  /// Phases that are staged together.
  private static func step(_ m: Int) -> Int { m == 5 ? 2 : 1 }
  private func tiles(_ s: GradWeightTiling.Shape) -> Int {
    WinogradTiling.tiles(m, s.kernel, batch: s.batch, extent: s.bExtent)
  }
  private func sets(_ s: GradWeightTiling.Shape) -> Int { (tiles(s) + tilesInSet - 1) / tilesInSet }
  private func tilesInRow(_ s: GradWeightTiling.Shape) -> Int { min(tilesInSet, (s.bExtent[2] + m - 1) / m) }

  /// Floats of a slot. The formula of `kernels/conv3d_winograd_grad_weight.cl`.
  func slot(_ s: GradWeightTiling.Shape) -> Int {
    let p = WinogradTiling.points(m), lines = (s.kernel[0] > 1 ? p : 1) * p, step = Self.step(m)
    let inRow = (s.bExtent[2] + m - 1) / m, frequency = tilesInSet | 1
    if sets(s) <= partitions && aShare * bShare > 1 {
      let transforms = frequency * (step + bShare) + 16 * bBlocks
      return 16 * lines * (step * (m * min(tilesInSet, inRow) + p - m) + p * transforms)
    }
    let rows = (tilesInSet + inRow - 2) / inRow + 1
    let columns = step * aShare * (m * tilesInSet + (p - m) * rows) + bShare * (m * tilesInSet + rows)
    return 16 * (lines * columns + p * frequency * (step * aShare + bShare) + lines * p * 16 * step * aShare * bShare)
  }

  /// Cycles of one AVX-512 core, fitted to PoCL on Zen 5.
  func cycles(_ s: GradWeightTiling.Shape, multiplyAdd: Double = 0.5) -> Double {
    let frequencies = Double(WinogradTiling.frequencies(m, s.kernel))
    let (aBlocks, bBlocks) = (Double(Self.aUnits(s) * Self.step(m)), Double(s.bBlocks))
    let tiles = Double(self.tiles(s)), sets = Double(self.sets(s))
    let aGroups = Double((Self.aUnits(s) + aShare - 1) / aShare), bGroups = Double(s.bBlocks / bShare)
    let transforms = tiles * (aBlocks * bGroups * transformA(s) + bBlocks * aGroups * transformB(s))
    let sums = Double(aLanes * self.bBlocks)
    // The sums of a pair pass through the second-level cache once for each set.
    let block = Double(tilesInSet) * step(multiplyAdd) + 5 * sums + 10
    var multiply = sets * frequencies * Double(laneGroups(s)) * bBlocks / Double(self.bBlocks) * block
    let bytes = Double(tilesInSet * (Self.step(m) + bShare)) * frequencies * 64
    if bytes > Self.cachedBytes { multiply *= 1 + 0.15 * (bytes / Self.cachedBytes - 1) }
    return transforms + multiply + Double(partitions) * aBlocks * bBlocks * 16 * 6 * frequencies
  }

  /// The same where all tiles are one set, of the slowest of `units` cores: from the same parts, not fitted by itself.
  private func cyclesOfOneSet(_ s: GradWeightTiling.Shape, units: Int, multiplyAdd: Double = 0.5) -> Double {
    let frequencies = Double(WinogradTiling.frequencies(m, s.kernel)), tiles = Double(self.tiles(s))
    let taken = aShare * Self.step(m)
    let transforms = tiles * (Double(taken) * transformA(s) + Double(bShare) * transformB(s))
    let sums = Double(aLanes * bBlocks)
    let block = tiles * step(multiplyAdd) + 2.5 * sums + 10
    let laneGroups = Double(self.laneGroups(s)) * Double(aShare) / Double(Self.aUnits(s))
    let multiply = frequencies * laneGroups * Double(bShare / bBlocks) * block
    let waves = Double((pairs(s) + units - 1) / units)
    return waves * (transforms + multiply + Double(taken * bShare) * 16 * 6 * frequencies)
  }

  /// Cycles of a multiplication of A_LANES by B_BLOCKS sums for one tile.
  private func step(_ multiplyAdd: Double) -> Double {
    max(multiplyAdd * Double(aLanes * bBlocks), 0.52 * Double(aLanes + bBlocks), 4) + 0.3
  }
  private func laneGroups(_ s: GradWeightTiling.Shape) -> Int {
    s.stride.reduce(1, *) * s.aSegmentChannels.reduce(0) { $0 + $1 / 16 * (16 / aLanes) + ($1 % 16 + aLanes - 1) / aLanes }
  }
  /// Cycles of a tile of one block.
  private func transformA(_ s: GradWeightTiling.Shape) -> Double {
    let p = WinogradTiling.points(m), pD = s.kernel[0] > 1 ? p : 1, inRow = tilesInRow(s)
    return Double(pD * p * (m * inRow + p - m)) / Double(inRow) * 8 + Double(WinogradTiling.frequencies(m, s.kernel)) * 6
  }
  private func transformB(_ s: GradWeightTiling.Shape) -> Double {
    Double(WinogradTiling.tile(m, s.kernel).reduce(1, *)) * 8 + Double(WinogradTiling.frequencies(m, s.kernel)) * 4
  }
}
