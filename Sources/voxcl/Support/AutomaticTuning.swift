import VoxCL

/// Tiles for a long run on a device that was not tuned for its network yet: in a fiftieth of the run's time at most, and
/// never more than three minutes.
enum AutomaticTuning {
  private static let leastSteps = 1000
  private static let mostSeconds = 180.0
  private static let share = 0.02

  /// - Parameters:
  ///   - steps: Steps that the run has before it.
  ///   - timeLimit: Seconds after which it ends all the same.
  /// - Returns: A line for people; nil where nothing was tuned.
  static func tune(
    _ graph: Graph, precision: Precision, memoryBudget: Int?, steps: Int, timeLimit: Double?, on device: any Device
  ) throws -> String? {
    guard steps >= leastSteps, Devices.keep(TuningTable(), of: device) else { return nil }
    var options = CompilerOptions()
    options.precision = precision
    options.memoryBudget = min(memoryBudget ?? .max, device.description.memoryBytes)
    try options.time(graph, mode: "train")
    // A step that fits with the tiles of before, but not with the model's own, is left as it is.
    guard let tuner = try fittingTuner(graph, options, device), !tuner.isDone else { return nil }
    let line = ProgressLine("tuning", unit: "rounds")
    defer { line.end() }
    let result = try tuner.run(
      limit: { min(mostSeconds, share * min(Double(steps) * $0, timeLimit ?? .infinity)) },
      stop: { StopSignal.received != nil }
    ) { line.show($0, of: $1) }
    guard result.rounds > 1 else { return nil }
    _ = Devices.keep(result.table, of: device)
    return "tuned: \(result.changed) of \(result.convolutions) convolutions run faster with another tile; "
      + "kernels of a step \(decimals(result.secondsBefore, 3)) s before, \(decimals(result.secondsAfter, 3)) s now"
  }
  private static func fittingTuner(
    _ graph: Graph, _ options: CompilerOptions, _ device: any Device
  ) throws -> Tuner? {
    do {
      return try Tuner(graph, options: options, device: device, candidates: 6)
    } catch let error as CompilerError where error.isTooLarge {
      return nil
    }
  }
}
