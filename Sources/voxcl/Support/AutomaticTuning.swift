import Training
import VoxCL

/// Tiles for a long run on a device that was not tuned for its network yet: in a fiftieth of the run's time at most, and
/// never more than three minutes.
struct AutomaticTuning {
  private static let leastSteps = 1000
  private static let mostSeconds = 180.0
  private static let share = 0.02

  /// - Parameter steps: Steps that the run has before it.
  /// - Returns: A line for people; nil where nothing was to be done.
  static func tune(_ recipe: Recipe, _ dataset: Dataset, steps: Int, on device: any Device) throws -> String? {
    guard steps >= leastSteps, Devices.keep(TuningTable(), of: device) else { return nil }
    let graph = try recipe.model.graph(
      batch: recipe.sampler.batch, channels: dataset.channels.count, classes: dataset.classes.count,
      patch: recipe.sampler.patch)
    var options = CompilerOptions()
    options.precision = recipe.precision
    try options.time(graph, mode: "train")
    let tuner = try Tuner(graph, options: options, device: device, candidates: 6)
    // A plan that does not fit is the run's to refuse, with what would fit.
    let memory = min(recipe.memoryBudget ?? .max, device.description.memoryBytes)
    guard tuner.bytes <= memory, !tuner.isDone else { return nil }
    let line = ProgressLine("tuning", unit: "rounds")
    defer { line.end() }
    let result = try tuner.run(
      limit: { min(mostSeconds, share * Double(steps) * $0) }, stop: { StopSignal.received != nil }
    ) { line.show($0, of: $1) }
    guard result.rounds > 1 else { return nil }
    _ = Devices.keep(result.table, of: device)
    return "tuned: \(result.changed) of \(result.convolutions) convolutions run faster with another tile; "
      + "kernels of a step \(decimals(result.secondsBefore, 3)) s before, \(decimals(result.secondsAfter, 3)) s now"
  }
}
