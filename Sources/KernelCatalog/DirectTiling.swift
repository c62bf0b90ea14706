import ExecutionPlan

/// Register block and tile of `conv3d`.
enum DirectTiling {
  /// As WEIGHT_CHUNK in `kernels/conv3d.cl`: floats of weights that stay in a CPU's second-level cache.
  static let weightChunk = 65_536
  /// A slot may have this many floats (512 KiB), twice that where input blocks are taken in chunks, since
  /// then only a chunk is in use at a time.
  static let slotBudget = 131_072

  /// Floats of a group's slot. The formula of `kernels/conv3d.cl`.
  static func slotFloats(_ s: ConvolutionTiling.Shape, run: Int, outputBlocks: Int, tile: [Int]) -> Int {
    let runs = (tile[2] + run - 1) / run
    let region = region(s, run: run, tile: tile), voxels = region.reduce(1, *)
    let kept = s.wantsStatistics ? 16 * outputBlocks * runs * run : 0
    if stagesPlanes(s) { return planeFloats(voxels) * s.inChannels + 16 * region[2] + kept }
    let staged = voxels * 16 * s.inBlocks
    let waits = isChunked(s, outputBlocks: outputBlocks)
    let waiting = waits ? tile[0] * tile[1] * runs * run * outputBlocks * 16 : 0
    return (staged + waiting + 15) / 16 * 16 + kept
  }

  /// Floats of the packed weights.
  static func packedFloats(_ s: ConvolutionTiling.Shape, outputBlocks: Int) -> Int {
    (s.outBlocks + outputBlocks - 1) / outputBlocks * outputBlocks * s.inBlocks * s.taps * 256
  }

  static func isChunked(_ s: ConvolutionTiling.Shape, outputBlocks: Int) -> Bool {
    !stagesPlanes(s) && s.inBlocks > max(1, weightChunk / (s.taps * 256 * outputBlocks))
  }

  /// Floats from a staged plane to the next: `plane_of` of `kernels/stage.cl`.
  static func planeFloats(_ voxels: Int) -> Int { ((voxels + 15) / 16 | 1) * 16 }

  /// Whether the input is staged as planes, as PLANES in `kernels/stage.cl`.
  static func stagesPlanes(_ s: ConvolutionTiling.Shape) -> Bool { s.inputIsPlanar || s.lanes > 0 }

  /// Extents of the input region that a tile reads, rows padded to whole runs.
  static func region(_ s: ConvolutionTiling.Shape, run: Int, tile: [Int]) -> [Int] {
    let columns = (tile[2] + run - 1) / run * run
    return zip([tile[0], tile[1], columns], 0..<3).map { extent, i in
      let step = s.isTransposed ? 1 : s.stride[i]
      return (extent - 1) * step + reach(s.kernel[i], s.stride[i], s.padding[i], s.dilation[i], s.isTransposed)
    }
  }

  /// Input positions that one output position reads, over all residues of a transposed convolution.
  static func reach(_ kernel: Int, _ stride: Int, _ padding: Int, _ dilation: Int, _ isTransposed: Bool) -> Int {
    guard isTransposed else { return (kernel - 1) * dilation + 1 }
    var inputs: [Int] = []
    for residue in 0..<stride {
      for tap in 0..<kernel where (tap * dilation - residue - padding) % stride == 0 {
        inputs.append((residue + padding - tap * dilation) / stride)
      }
    }
    guard let first = inputs.min(), let last = inputs.max() else { return 1 }
    return last - first + 1
  }

  private static func budget(_ s: ConvolutionTiling.Shape, outputBlocks: Int) -> Int {
    slotBudget * (isChunked(s, outputBlocks: outputBlocks) ? 2 : 1)
  }

  /// Whether the kernel leaves the statistics of each row. Then a tile has whole rows, which must fit. By the shape alone:
  /// rows round differently than chunks.
  static func leavesStatistics(_ s: ConvolutionTiling.Shape) -> Bool {
    guard s.wantsStatistics && !s.isTransposed else { return false }
    let (run, outputBlocks) = registerBlock(s)
    return slotFloats(s, run: run, outputBlocks: outputBlocks, tile: [1, 1, s.positions[2]])
      <= budget(s, outputBlocks: outputBlocks)
  }

  static func choose(_ s: ConvolutionTiling.Shape, device: DeviceDescription) -> ConvolutionTiling {
    let (run, outputBlocks) = registerBlock(s)
    return tiling(s, run: run, outputBlocks: outputBlocks, device: device)
  }

  /// Each register block that is not half again as slow as the best by the model, with its tile, the best first.
  static func ranked(_ s: ConvolutionTiling.Shape, device: DeviceDescription) -> [ConvolutionTiling] {
    let found = registerBlocks(s).sorted { $0.cost < $1.cost }
    return found.filter { $0.cost < 1.5 * found[0].cost }
      .map { tiling(s, run: $0.run, outputBlocks: $0.outputBlocks, device: device) }
  }

  private static func tiling(
    _ s: ConvolutionTiling.Shape, run: Int, outputBlocks: Int, device: DeviceDescription
  ) -> ConvolutionTiling {
    let tile = chooseTile(s, run: run, outputBlocks: outputBlocks, units: max(1, device.computeUnits))
    return tiling(s, run: run, outputBlocks: outputBlocks, tile: tile, device: device)
  }

  static func tiling(
    _ s: ConvolutionTiling.Shape, run: Int, outputBlocks: Int, tile: [Int], device: DeviceDescription
  ) -> ConvolutionTiling {
    let tiles = s.batch * zip(s.positions, tile).reduce(1) { $0 * (($1.0 + $1.1 - 1) / $1.1) }
    let tasks = tiles * ((s.outBlocks + outputBlocks - 1) / outputBlocks)
    return ConvolutionTiling(
      algorithm: .direct(run: run, tile: tile), outputBlocks: outputBlocks,
      packedFloats: packedFloats(s, outputBlocks: outputBlocks),
      slotFloats: slotFloats(s, run: run, outputBlocks: outputBlocks, tile: tile),
      groups: ConvolutionTiling.groups(tasks: tasks, device: device))
  }

  /// Voxels whose sums fit the registers beside weights and a broadcast.
  static func longestRun(outputBlocks: Int) -> Int { (outputBlocks == 1 ? 26 : 30 - outputBlocks) / outputBlocks }

  /// Whether the kernel takes that register block.
  static func takes(_ s: ConvolutionTiling.Shape, run: Int, outputBlocks: Int) -> Bool {
    if s.lanes > 0 { return outputBlocks == 1 && run % 16 == 0 && 1...mostVectors(lanes: s.lanes) ~= run / 16 }
    return 1...longestRun(outputBlocks: outputBlocks) ~= run
  }

  /// Vectors of columns whose sums fit the registers beside values and a weight.
  private static func mostVectors(lanes: Int) -> Int { min(6, 24 / lanes) }

  /// T and OB of the least time.
  static func registerBlock(_ s: ConvolutionTiling.Shape) -> (run: Int, outputBlocks: Int) {
    var best = (cost: Double.infinity, run: 1, outputBlocks: 1)
    for found in registerBlocks(s) where found.cost < best.cost * 0.999 { best = found }
    return (best.run, best.outputBlocks)
  }

  /// All T and OB. Model of a step over one input channel and tap, in cycles of a core with 32 vector registers, two
  /// multiply-adds and two vector loads a cycle and four cycles' latency: OB·T sums, OB weights and one broadcast fit 31
  /// registers. Planar outputs: LANES sums a vector of columns; every other load of a vector meets two cache lines.
  private static func registerBlocks(_ s: ConvolutionTiling.Shape) -> [(cost: Double, run: Int, outputBlocks: Int)] {
    let columns = s.positions[2]
    if s.lanes > 0 {
      return (1...mostVectors(lanes: s.lanes)).map { vectors in
        let runs = (columns + 16 * vectors - 1) / (16 * vectors)
        return (Double(runs) * (planarStep(s, vectors: vectors) + 0.3), 16 * vectors, 1)
      }
    }
    return (1...min(4, s.outBlocks)).flatMap { outputBlocks in
      (1...longestRun(outputBlocks: outputBlocks)).map { run in
        let step = max(
          0.5 * Double(outputBlocks * run), 0.5 * Double(run + outputBlocks) + 0.05 * Double(run), 4)
        let runs = (columns + run - 1) / run * ((s.outBlocks + outputBlocks - 1) / outputBlocks)
        return (Double(runs) * (step + 0.3), run, outputBlocks)
      }
    }
  }

  private static func planarStep(_ s: ConvolutionTiling.Shape, vectors: Int, multiplyAdd: Double = 0.5) -> Double {
    let loads = s.isTransposed || s.stride[2] == 1 ? 1.5 : 4
    let passes = Double((s.outChannels + s.lanes - 1) / s.lanes)
    return passes * max(multiplyAdd * Double(s.lanes * vectors), 0.5 * (loads * Double(vectors) + Double(s.lanes)), 4)
  }

  /// The tile of the least time for the slowest unit: staging (halos!) plus multiply-adds.
  static func chooseTile(
    _ s: ConvolutionTiling.Shape, run: Int, outputBlocks: Int, units: Int
  ) -> [Int] {
    let q = s.positions
    let budget = budget(s, outputBlocks: outputBlocks)
    let outGroups = (s.outBlocks + outputBlocks - 1) / outputBlocks
    let phases = s.isTransposed ? s.stride.reduce(1, *) : 1
    let runsInRow = (q[2] + run - 1) / run
    let groups = units <= 4 ? 4 * units : units <= 16 ? 2 * units : units
    var best = (cost: Double.infinity, tile: [1, 1, min(run, q[2])])
    for parts in 1...(leavesStatistics(s) ? 1 : 4) where parts <= runsInRow {
      let tileW = min(q[2], (runsInRow + parts - 1) / parts * run)
      for tileD in 1...min(q[0], 16) {
        for tileH in 1...min(q[1], 16) {
          let tile = [tileD, tileH, tileW]
          let slot = slotFloats(s, run: run, outputBlocks: outputBlocks, tile: tile)
          if slot > budget && tileD * tileH > 1 { break }
          let tiles = s.batch * zip(q, tile).reduce(1) { $0 * (($1.0 + $1.1 - 1) / $1.1) }
          // As in the kernel: few tiles share their output blocks among groups.
          let shares = min(outGroups, max(1, 2 * groups / tiles))
          // Vectors staged take about five cycles, a staged row eighty, a tile two thousand.
          let region = region(s, run: run, tile: tile)
          let staging = Double(region[0] * region[1] * (region[2] * 5 + 80)) * Double(s.inBlocks) + 2_000
          let runs = Double(tileD * tileH * ((tileW + run - 1) / run))
          let steps = Double(s.inChannels * s.taps)
          let multiply = s.lanes > 0
            ? runs * (steps * planarStep(s, vectors: run / 16) + Double(phases * s.outChannels * run / 2))
            : runs * Double(run * s.outBlocks) * (steps * 0.55 + Double(phases) * 4)
          let waves = (tiles * shares + units - 1) / units
          var cost = Double(waves) * (staging + multiply / Double(shares))
          if slot > budget { cost *= 1 + Double(slot) / Double(budget) }
          if cost < best.cost * 0.999 { best = (cost, tile) }
        }
      }
    }
    return best.tile
  }

  /// Cycles of the slowest of `units` cores, with so many for a multiply-add, for a convolution that Winograd could make:
  /// what it must beat.
  static func cycles(_ s: ConvolutionTiling.Shape, units: Int, multiplyAdd: Double) -> Double {
    let (run, outputBlocks) = registerBlock(s)
    let outGroups = s.lanes > 0 ? 1 : Double((s.outBlocks + outputBlocks - 1) / outputBlocks)
    let runs = Double(s.batch * s.positions[0] * s.positions[1] * ((s.positions[2] + run - 1) / run))
    let step = s.lanes > 0 ? planarStep(s, vectors: run / 16, multiplyAdd: multiplyAdd)
      : max(multiplyAdd * Double(outputBlocks * run), 0.55 * Double(run + outputBlocks), 4)
    let staging = Double(s.batch * s.inExtent.reduce(1, *) * s.inBlocks) * (s.inputIsPlanar ? 2 : 12)
    let packing = Double(packedFloats(s, outputBlocks: outputBlocks)) * 2
    let multiply = runs * outGroups * Double(s.inChannels * s.taps) * (step + 0.3)
    return (multiply + staging + packing) / Double(units)
  }
}
