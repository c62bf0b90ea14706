import ExecutionPlan

/// Tiles of `conv3d_winograd`, and whether it pays.
enum WinogradTiling {
  /// Floats that a slot should not pass (1 MiB: the second-level cache).
  static let slotBudget = 262_144

  /// MAX_RUN of `kernels/winograd_products.cl`: tiles whose sums fit the registers.
  static func maximumRun(outputBlocks: Int) -> Int { [24, 14, 9, 6][outputBlocks - 1] }

  /// (RUNS, T) of the kernel: `tilesInW` tiles are multiplied as RUNS runs of T.
  static func runs(tilesInW: Int, outputBlocks: Int) -> (count: Int, length: Int) {
    let limit = maximumRun(outputBlocks: outputBlocks)
    let count = (tilesInW + limit - 1) / limit
    return (count, (tilesInW + count - 1) / count)
  }

  /// Of the weights of phases, 27 times the taps of 4×4×4 kernels: 256 MB, 192 × 192 channels. More helps no one, preferred
  /// or not.
  static let mostFloatsOfPhases = 64_000_000

  /// WINOGRAD_BLOCKS of `Sources/CCPUKernels/bodies/winograd_body.h`: of the input, each phase counted.
  static let mostBlocks = 200

  /// CHAIN of `kernels/winograd_products.cl`: input blocks whose products are summed in registers.
  static let chain = 4

  /// Floats of a group's slot. The formula of `kernels/conv3d_winograd.cl`.
  static func slotFloats(
    _ s: ConvolutionTiling.Shape, m: Int, tilesInW: Int, outputBlocks: Int, inner: Bool
  ) -> Int {
    let p = points(m), pD = s.kernel[0] > 1 ? p : 1, (inPhases, outPhases) = phases(s)
    let run = runs(tilesInW: tilesInW, outputBlocks: outputBlocks), inRow = tilesInRow(s, m: m)
    let tiles = run.count * run.length, frequency = inPhases * s.inBlocks * tiles | 1
    let sums = outputBlocks * tiles * (p + p * m + (pD > 1 ? pD * m * m : 0))
    if !inner && s.outBlocks <= outputBlocks && outPhases == 1 {
      let rows = (tilesInW + inRow - 2) / inRow + 1
      return 16 * (pD * p * inPhases * s.inBlocks * (m * tilesInW + (p - m) * rows) + p * frequency + sums)
    }
    let region = pD * p * (inPhases > 1 ? 2 : 1) * (m * min(tilesInW, inRow) + p - m)
    let weights = inner ? 16 * outputBlocks * (18 * s.inBlocks + p * chain) : 0
    return 16 * (region + frequencies(m, s.kernel) * frequency + sums + weights)
  }

  /// Frequencies of an axis. Tiles of 2 and 4 are of kernels of three taps and stride 1, those of 5 of the phases of stride
  /// 2, two taps each (kernels/conv3d_winograd.cl).
  static func points(_ m: Int) -> Int { m == 2 ? 4 : 6 }
  static func orders(stride: [Int]) -> [Int] { stride == [1, 1, 1] ? [4, 2] : [5] }

  /// Phases of the input, and of a transposed convolution's output.
  static func phases(_ s: ConvolutionTiling.Shape) -> (in: Int, out: Int) {
    let phases = s.stride.reduce(1, *)
    return s.isTransposed ? (1, phases) : (phases, 1)
  }

  /// Cells along D, H, W: outputs, or, of a transposed convolution, inputs that reach one and the one before.
  static func cells(_ s: ConvolutionTiling.Shape) -> [Int] {
    (0..<3).map { s.isTransposed && s.stride[$0] == 2 ? (s.outExtent[$0] + s.padding[$0] + 1) / 2 : s.outExtent[$0] }
  }
  private static func tilesInRow(_ s: ConvolutionTiling.Shape, m: Int) -> Int { (cells(s)[2] + m - 1) / m }

  /// Floats of the weights: transformed, or (inner) the taps.
  static func packedFloats(_ s: ConvolutionTiling.Shape, m: Int, outputBlocks: Int, inner: Bool) -> Int {
    let groups = (s.outBlocks + outputBlocks - 1) / outputBlocks
    let phases = s.stride.reduce(1, *)
    return (inner ? s.taps : phases * frequencies(m, s.kernel)) * groups * s.inBlocks * outputBlocks * 256
  }

  /// Whether the kernel can compute it: 3×3×3 or 1×3×3, stride 1, padding 0 to 2 along axes of three taps; 3×3×3 or
  /// 4×4×4, stride 2, and the same in the plane (1×2×2), padding 0 or 1.
  static func fits(kernel: [Int], stride: [Int], padding: [Int], dilation: [Int]) -> Bool {
    guard dilation == [1, 1, 1], zip(kernel, padding).allSatisfy({ 0..<$0 ~= $1 }) else { return false }
    if stride == [1, 1, 1] { return [[3, 3, 3], [1, 3, 3]].contains(kernel) }
    return zip(kernel, stride).allSatisfy { ($0 == 1 && $1 == 1) || ([3, 4].contains($0) && $1 == 2) }
      && kernel[1] == kernel[2] && [1, kernel[1]].contains(kernel[0]) && kernel[1] > 1 && padding.allSatisfy { $0 < 2 }
  }

  /// Products of a tile for a pair of channels (of each phase): 6³, for kernels in the plane 6²; F(2) has 4³ and 4².
  static func frequencies(_ m: Int, _ kernel: [Int]) -> Int { kernel.reduce(1) { $0 * ($1 > 1 ? points(m) : 1) } }

  /// Cells (or output gradients) of a tile along D, H, W.
  static func tile(_ m: Int, _ kernel: [Int]) -> [Int] { kernel.map { $0 > 1 ? m : 1 } }

  /// Tiles of `batch` samples of that extent.
  static func tiles(_ m: Int, _ kernel: [Int], batch: Int, extent: [Int]) -> Int {
    zip(extent, tile(m, kernel)).reduce(batch) { $0 * (($1.0 + $1.1 - 1) / $1.1) }
  }

  /// The best Winograd tiling, where it takes less time than the direct one (or is preferred).
  static func choose(_ s: ConvolutionTiling.Shape, device: DeviceDescription) -> ConvolutionTiling? {
    guard fits(kernel: s.kernel, stride: s.stride, padding: s.padding, dilation: s.dilation),
      s.inBlocks * phases(s).in <= mostBlocks,
      s.stride == [1, 1, 1] || packedFloats(s, m: 5, outputBlocks: 1, inner: false) <= mostFloatsOfPhases
    else { return nil }
    var best: (cycles: Double, tiling: ConvolutionTiling)?
    for m in orders(stride: s.stride) {
      for found in all(s, m: m, device: device) where found.cycles < (best?.cycles ?? .infinity) * 0.999 { best = found }
    }
    guard let best else { return nil }
    return s.prefersWinograd || beatsDirect(s, best.tiling, cycles: best.cycles) ? best.tiling : nil
  }

  /// Cycles of a 512-bit multiply-add where Winograd is weighed against the direct sum: between processors that start one in
  /// a cycle and such that start two. Tiles are ranked for the latter.
  static let multiplyAdd = 0.75

  /// - Parameter cycles: of `tiling`, as it was ranked.
  private static func beatsDirect(_ s: ConvolutionTiling.Shape, _ tiling: ConvolutionTiling, cycles ranked: Double) -> Bool {
    guard case .winograd(let m, let tilesInW, let inner) = tiling.algorithm else { return false }
    func cycles(_ multiplyAdd: Double) -> Double {
      self.cycles(
        s, m: m, tilesInW: tilesInW, outputBlocks: tiling.outputBlocks, units: assumedUnits, inner: inner,
        multiplyAdd: multiplyAdd)
    }
    return ranked / cycles(0.5) * cycles(multiplyAdd)
      < DirectTiling.cycles(s, units: assumedUnits, multiplyAdd: multiplyAdd)
  }

  /// All tilings of F(m³), the fastest by the model first.
  static func ranked(_ s: ConvolutionTiling.Shape, m: Int, device: DeviceDescription) -> [ConvolutionTiling] {
    all(s, m: m, device: device).sorted { $0.cycles < $1.cycles }.map(\.tiling)
  }

  /// F(4³), F(2³) and the direct sum round differently: which one runs may not depend on the device or on how many of
  /// its units are in use, so the model is asked for a fixed number of them.
  private static let assumedUnits = 2

  private static func all(
    _ s: ConvolutionTiling.Shape, m: Int, device: DeviceDescription
  ) -> [(cycles: Double, tiling: ConvolutionTiling)] {
    (1...min(4, s.outBlocks)).flatMap { outputBlocks in
      tileCounts(outputBlocks: outputBlocks).map { tilesInW in
        let tiling = tiling(s, m: m, tilesInW: tilesInW, outputBlocks: outputBlocks, device: device)
        var cycles = fastest(s, m: m, tilesInW: tilesInW, outputBlocks: outputBlocks).cycles
        // Nearly as good: then the block that other layers take too, for fewer kernels to compile.
        if tilesInW != maximumRun(outputBlocks: outputBlocks) { cycles *= 1.04 }
        return (cycles, tiling)
      }
    }
  }

  /// TW to choose from.
  static func tileCounts(outputBlocks: Int) -> [Int] {
    let run = maximumRun(outputBlocks: outputBlocks)
    return Set([2, 3, 4, 6, 8, 12, 24, run, 2 * run, 3 * run, 4 * run]).sorted()
  }

  static func tiling(
    _ s: ConvolutionTiling.Shape, m: Int, tilesInW: Int, outputBlocks: Int, device: DeviceDescription
  ) -> ConvolutionTiling {
    let inner = fastest(s, m: m, tilesInW: tilesInW, outputBlocks: outputBlocks).inner
    let tasks = tasks(s, m: m, tilesInW: tilesInW, outputBlocks: outputBlocks)
    return ConvolutionTiling(
      algorithm: .winograd(m: m, tilesInW: tilesInW, inner: inner), outputBlocks: outputBlocks,
      packedFloats: packedFloats(s, m: m, outputBlocks: outputBlocks, inner: inner),
      slotFloats: slotFloats(s, m: m, tilesInW: tilesInW, outputBlocks: outputBlocks, inner: inner),
      groups: inner
        ? max(1, min(tasks, device.computeUnits)) : ConvolutionTiling.groups(tasks: tasks, device: device))
  }

  /// Whether groups should transform the weights themselves, and the cycles of the better way.
  /// OpenCL gives the same bits either way.
  private static func fastest(
    _ s: ConvolutionTiling.Shape, m: Int, tilesInW: Int, outputBlocks: Int
  ) -> (cycles: Double, inner: Bool) {
    func penalised(_ inner: Bool) -> Double {
      let slot = slotFloats(s, m: m, tilesInW: tilesInW, outputBlocks: outputBlocks, inner: inner)
      let cycles = cycles(
        s, m: m, tilesInW: tilesInW, outputBlocks: outputBlocks, units: assumedUnits, inner: inner)
      return inner || slot <= slotBudget ? cycles : cycles * (1 + 0.25 * (Double(slot) / Double(slotBudget) - 1))
    }
    let ahead = penalised(false)
    guard s.stride == [1, 1, 1] else { return (ahead, false) }
    let inner = penalised(true)
    return inner < ahead ? (inner, true) : (ahead, false)
  }

  private static func tiles(_ s: ConvolutionTiling.Shape, m: Int) -> Int {
    tiles(m, s.kernel, batch: s.batch, extent: cells(s))
  }

  private static func tasks(_ s: ConvolutionTiling.Shape, m: Int, tilesInW: Int, outputBlocks: Int) -> Int {
    (tiles(s, m: m) + tilesInW - 1) / tilesInW * ((s.outBlocks + outputBlocks - 1) / outputBlocks) * phases(s).out
  }

  /// Cycles of the slowest of `units` AVX-512 cores. Fitted to PoCL on two Zen 5 cores, 16 to 320 channels; in the plane
  /// on two Cascade Lake ones.
  static func cycles(
    _ s: ConvolutionTiling.Shape, m: Int, tilesInW: Int, outputBlocks: Int, units: Int, inner: Bool,
    multiplyAdd: Double = 0.5
  ) -> Double {
    let p = points(m), pD = s.kernel[0] > 1 ? p : 1, phases = phases(s)
    let frequencies = Double(frequencies(m, s.kernel))
    let run = runs(tilesInW: tilesInW, outputBlocks: outputBlocks)
    let outGroups = (s.outBlocks + outputBlocks - 1) / outputBlocks * phases.out
    let sets = (tiles(s, m: m) + tilesInW - 1) / tilesInW
    // As in the kernel: few sets of tiles share their output blocks among groups.
    let groups = inner ? units : units <= 4 ? 4 * units : units <= 16 ? 2 * units : units
    let shares = min(outGroups, max(1, 2 * groups / sets))
    let inRow = min(tilesInW, tilesInRow(s, m: m))
    let staged = Double(pD * p * (m * inRow + p - m)) / Double(inRow) * 8
    let transformIn = Double(tilesInW * s.inBlocks * phases.in) * (staged + frequencies * 6)
    let step = max(
      multiplyAdd * Double(outputBlocks * run.length), 0.55 * Double(run.length + outputBlocks), 4)
    var multiply = frequencies * Double(outGroups * run.count) * (Double(s.inChannels * phases.in) * (step + 0.3) + 45)
    if pD == 1 {
      // In the plane weights are few and tiles may be many, until a frequency's values and a row's sums leave the
      // first-level cache.
      let held = Double(64 * run.count * run.length * (s.inBlocks * phases.in + p * outputBlocks))
      multiply *= 1 + 0.25 * min(1, max(0, held / 16_384 - 1))
    }
    let transformOut = Double(tilesInW * s.outBlocks * phases.out) * Double(tile(m, s.kernel).reduce(1, *)) * 17
    let bytes = 4 * Double(packedFloats(s, m: m, outputBlocks: outputBlocks, inner: inner))
    let waves = Double((sets * shares + units - 1) / units)
    if inner {
      // Weights of an output group are transformed for every set; values are read from the third-level cache for each.
      let rows = Double(pD * p) * 40 + (pD > 1 ? Double(p) * 80 : 0)
      let weights = Double(outGroups * s.inChannels * outputBlocks) * rows
      let values = 64 * frequencies * Double(s.inBlocks * run.count * run.length)
      let read = values > 6e5 ? values / 8 * Double(outGroups) : 0
      let transforms = Double((sets * min(shares, units) + units - 1) / units) * transformIn
      return transforms + waves * (multiply + weights + read + transformOut) / Double(shares) + bytes / 4 / Double(units)
    }
    // Weights are read by every set: from the third-level cache, or from memory where they do not fit.
    let read = bytes / (bytes > 2.4e7 ? 6 : pD > 1 ? 24 : 48)
    return waves * (transformIn + (multiply + read + transformOut) / Double(shares))
      + bytes * 0.5 / Double(units)
  }
}
