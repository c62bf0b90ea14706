import ExecutionPlan

/// Tiles of `conv3d_winograd`, and whether it pays.
enum WinogradTiling {
  /// Floats that a slot should not pass (1 MiB: the second-level cache).
  static let slotBudget = 262_144

  /// MAX_RUN of `kernels/conv3d_winograd.cl`: tiles whose sums fit the registers.
  static func maximumRun(outputBlocks: Int) -> Int { [24, 14, 9, 6][outputBlocks - 1] }

  /// (RUNS, T) of the kernel: `tilesInW` tiles are multiplied as RUNS runs of T.
  static func runs(tilesInW: Int, outputBlocks: Int) -> (count: Int, length: Int) {
    let limit = maximumRun(outputBlocks: outputBlocks)
    let count = (tilesInW + limit - 1) / limit
    return (count, (tilesInW + count - 1) / count)
  }

  /// Floats of a group's slot. The formula of `kernels/conv3d_winograd.cl`.
  static func slotFloats(_ s: ConvolutionTiling.Shape, m: Int, tilesInW: Int, outputBlocks: Int) -> Int {
    let p = m + 2
    let run = runs(tilesInW: tilesInW, outputBlocks: outputBlocks)
    let tiles = run.count * run.length
    let region = p * p * (m * min(tilesInW, (s.outExtent[2] + m - 1) / m) + 2)
    return 16 * (region + p * p * p * (s.inBlocks * tiles | 1) + outputBlocks * tiles * (p + p * m + p * m * m))
  }

  /// Floats of the transformed weights.
  static func packedFloats(_ s: ConvolutionTiling.Shape, m: Int, outputBlocks: Int) -> Int {
    let groups = (s.outBlocks + outputBlocks - 1) / outputBlocks
    return (m + 2) * (m + 2) * (m + 2) * groups * s.inBlocks * outputBlocks * 256
  }

  /// Whether the kernel can compute it: 3×3×3, stride 1, padding 0 to 2.
  static func fits(_ s: ConvolutionTiling.Shape) -> Bool {
    s.kernel == [3, 3, 3] && s.stride == [1, 1, 1] && s.padding.allSatisfy { 0...2 ~= $0 }
  }

  /// The best Winograd tiling, where it takes less time than the direct one (or is preferred).
  static func choose(_ s: ConvolutionTiling.Shape, device: DeviceDescription) -> ConvolutionTiling? {
    guard fits(s) else { return nil }
    // F(4³), F(2³) and the direct sum round differently: which one runs may not depend on the device or on how
    // many of its units are in use, so the model is asked for a fixed number of them.
    let units = 2
    var best: (cycles: Double, tiling: ConvolutionTiling)?
    for m in [4, 2] {
      for outputBlocks in 1...min(4, s.outBlocks) {
        let run = maximumRun(outputBlocks: outputBlocks)
        for tilesInW in Set([2, 3, 4, 6, 8, 12, 24, run, 2 * run]).sorted() {
          let slot = slotFloats(s, m: m, tilesInW: tilesInW, outputBlocks: outputBlocks)
          let tasks = tasks(s, m: m, tilesInW: tilesInW, outputBlocks: outputBlocks)
          let tiling = ConvolutionTiling(
            algorithm: .winograd(m: m, tilesInW: tilesInW), outputBlocks: outputBlocks,
            packedFloats: packedFloats(s, m: m, outputBlocks: outputBlocks), slotFloats: slot,
            groups: ConvolutionTiling.groups(tasks: tasks, device: device))
          var cycles = cycles(s, m: m, tilesInW: tilesInW, outputBlocks: outputBlocks, units: units)
          if slot > slotBudget { cycles *= 1 + 0.25 * (Double(slot) / Double(slotBudget) - 1) }
          if cycles < (best?.cycles ?? .infinity) * 0.999 { best = (cycles, tiling) }
        }
      }
    }
    guard let best else { return nil }
    return s.prefersWinograd || best.cycles < DirectTiling.cycles(s, units: units) ? best.tiling : nil
  }

  private static func tiles(_ s: ConvolutionTiling.Shape, m: Int) -> Int {
    s.outExtent.reduce(s.batch) { $0 * (($1 + m - 1) / m) }
  }

  private static func tasks(_ s: ConvolutionTiling.Shape, m: Int, tilesInW: Int, outputBlocks: Int) -> Int {
    (tiles(s, m: m) + tilesInW - 1) / tilesInW * ((s.outBlocks + outputBlocks - 1) / outputBlocks)
  }

  /// Cycles of the slowest of `units` AVX-512 cores. Fitted to PoCL on two Zen 5 cores, 16 to 320 channels.
  static func cycles(
    _ s: ConvolutionTiling.Shape, m: Int, tilesInW: Int, outputBlocks: Int, units: Int
  ) -> Double {
    let p = m + 2
    let frequencies = Double(p * p * p)
    let run = runs(tilesInW: tilesInW, outputBlocks: outputBlocks)
    let outGroups = (s.outBlocks + outputBlocks - 1) / outputBlocks
    let sets = (tiles(s, m: m) + tilesInW - 1) / tilesInW
    // As in the kernel: few sets of tiles share their output blocks among groups.
    let groups = units <= 4 ? 4 * units : units <= 16 ? 2 * units : units
    let shares = min(outGroups, max(1, 2 * groups / sets))
    let inRow = min(tilesInW, (s.outExtent[2] + m - 1) / m)
    let staged = Double(p * p * (m * inRow + 2)) / Double(inRow) * 8
    let transformIn = Double(tilesInW * s.inBlocks) * (staged + frequencies * 6)
    let step = max(
      0.5 * Double(outputBlocks * run.length), 0.55 * Double(run.length + outputBlocks), 4)
    let multiply = frequencies * Double(outGroups * run.count) * (Double(s.inChannels) * (step + 0.3) + 45)
    let transformOut = Double(tilesInW * s.outBlocks) * Double(m * m * m) * 17
    // Weights are read by every set: from the third-level cache, or from memory where they do not fit.
    let bytes = 4 * Double(packedFloats(s, m: m, outputBlocks: outputBlocks))
    let read = bytes / (bytes > 2.4e7 ? 6 : 24)
    let waves = Double((sets * shares + units - 1) / units)
    return waves * (transformIn + (multiply + read + transformOut) / Double(shares))
      + bytes * 0.5 / Double(units)
  }
}
