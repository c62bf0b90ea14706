import ExecutionPlan

extension ConvolutionTiling {
  /// Names a convolution in a `TuningTable`: its shape and the algorithm that the shape decides.
  public func key(_ s: Shape) -> String {
    func text(_ numbers: [Int]) -> String { numbers.map(String.init).joined(separator: "x") }
    let name: String
    switch algorithm {
    case .direct: name = s.isTransposed ? "transposed" : "direct"
    case .winograd(let m, _, _): name = s.isTransposed ? "winograd\(m)-transposed" : "winograd\(m)"
    }
    let channels = s.segmentChannels.map(String.init).joined(separator: "+") + (s.inputIsPlanar ? "planar" : "")
    let outChannels = "\(s.outChannels)" + (s.outputIsPlanar ? "planar" : s.wantsStatistics ? "statistics" : "")
    return [
      name, "n\(s.batch)", text(s.inExtent), text(s.outExtent), "\(channels)to\(outChannels)", "k" + text(s.kernel),
      "s" + text(s.stride), "p" + text(s.padding), "d" + text(s.dilation),
    ].joined(separator: " ")
  }

  public var choice: TuningTable.Choice {
    switch algorithm {
    case .direct(let run, let tile): TuningTable.Choice(outputBlocks: outputBlocks, run: run, tile: tile)
    case .winograd(_, let tilesInW, _): TuningTable.Choice(outputBlocks: outputBlocks, run: tilesInW)
    }
  }

  /// The same algorithm with that register block and tile; nil where the kernels do not take them.
  func changed(to choice: TuningTable.Choice, _ s: Shape, device: DeviceDescription) -> ConvolutionTiling? {
    guard 1...min(4, s.outBlocks) ~= choice.outputBlocks else { return nil }
    switch (algorithm, choice.tile) {
    case (.winograd(let m, _, _), nil):
      guard WinogradTiling.tileCounts(outputBlocks: choice.outputBlocks).contains(choice.run) else { return nil }
      return WinogradTiling.tiling(
        s, m: m, tilesInW: choice.run, outputBlocks: choice.outputBlocks, device: device)
    case (.direct, let tile?):
      guard
        DirectTiling.takes(s, run: choice.run, outputBlocks: choice.outputBlocks), tile.count == 3,
        zip(tile, s.positions).allSatisfy({ 1...$1 ~= $0 }), tile[0] <= 16, tile[1] <= 16,
        tile[2] == s.positions[2] || !DirectTiling.leavesStatistics(s)
      else { return nil }
      return DirectTiling.tiling(s, run: choice.run, outputBlocks: choice.outputBlocks, tile: tile, device: device)
    default: return nil
    }
  }

  /// Ways to run it that give the same bits, the model's own first, then by what the model expects of them.
  /// - Parameter count: at most so many.
  public static func candidates(_ s: Shape, device: DeviceDescription, count: Int) -> [ConvolutionTiling] {
    var device = device
    device.tuning = TuningTable()
    let own = untuned(s, device: device)
    var found = [own]
    let others: [ConvolutionTiling]
    switch own.algorithm {
    case .winograd(let m, _, _): others = WinogradTiling.ranked(s, m: m, device: device)
    case .direct: others = DirectTiling.ranked(s, device: device)
    }
    for other in others where found.count < count && !found.contains(other) { found.append(other) }
    return found
  }
}
