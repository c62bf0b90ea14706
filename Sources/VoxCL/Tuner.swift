import ExecutionPlan
import GraphCompiler
import KernelCatalog
import LayerGraph

/// Finds the fastest register block and tile of each convolution of a network by running the network: in round k every
/// convolution takes its k-th candidate, so that each is timed on its own shape, behind its own lazy inputs, with the
/// caches as they are in a step. Candidates give the same bits by construction; a round whose gradients differ in any, or
/// in which a guard band would have been overwritten, shows a miscompiled kernel and is thrown away.
public struct Tuner {
  public struct Result: Sendable, Codable {
    /// Different convolutions, and for how many of them a faster tile than the model's was found.
    public var convolutions, changed: Int
    /// Seconds of the kernels of a step, untuned and tuned, timed in turn.
    public var secondsBefore, secondsAfter: Double
    /// Rounds run, and those thrown away.
    public var rounds, rejected: Int
    public var table: TuningTable
  }

  /// A tile must be that much faster than the model's own to be taken: less is noise.
  private static let gain = 0.97
  private static let repeats = 3

  private let graph: Graph
  private let options: CompilerOptions
  private let device: any Device
  private let candidateCount: Int

  /// - Parameter options: With `training` a step is tuned, else a forward pass.
  public init(_ graph: Graph, options: CompilerOptions, device: any Device, candidates: Int) {
    (self.graph, self.options, self.device, candidateCount) = (graph, options, device, candidates)
  }

  /// - Parameters:
  ///   - seconds: No round begins after so long.
  ///   - progress: Rounds done, of how many.
  public func run(seconds limit: Double, progress: (Int, Int) -> Void) throws -> Result {
    let clock = ContinuousClock()
    let end = clock.now + .seconds(limit)
    let sites = try compiled(TuningTable()).convolutions
    var candidates: [String: [ConvolutionTiling]] = [:]
    for site in sites {
      let found = ConvolutionTiling.candidates(site.shape, device: device.description, count: candidateCount)
      candidates[found[0].key(site.shape)] = found
    }
    let rounds = candidates.values.map(\.count).max() ?? 0
    var own = try measure(TuningTable(), sites)
    var best: [String: (seconds: Double, choice: TuningTable.Choice)] = [:]
    var (done, rejected) = (1, 0)
    progress(done, rounds)
    for round in 1..<max(1, rounds) where clock.now < end {
      var table = TuningTable()
      for (key, found) in candidates where round < found.count { table.choices[key] = found[round].choice }
      let found = try measure(table, sites)
      done += 1
      progress(done, rounds)
      guard found.digest == own.digest else {
        rejected += 1
        continue
      }
      for (key, choice) in table.choices {
        guard let time = found.seconds[key], let before = own.seconds[key], time < Self.gain * before else { continue }
        if time < (best[key]?.seconds ?? .infinity) { best[key] = (time, choice) }
      }
    }
    // What was fastest by chance, or beside other tiles, must be so again, all together and in turn with the model's own.
    var table = TuningTable(choices: best.mapValues(\.choice))
    let tuned = try measure(table, sites)
    let again = try measure(TuningTable(), sites)
    own.seconds.merge(again.seconds) { min($0, $1) }
    for key in best.keys where tuned.digest != own.digest || tuned.seconds[key]! >= own.seconds[key]! {
      table.choices[key] = nil
    }
    let after = table.choices.isEmpty ? again : try measure(table, sites)
    return Result(
      convolutions: candidates.count, changed: table.choices.count, secondsBefore: again.total, secondsAfter: after.total,
      rounds: done, rejected: rejected, table: table)
  }

  private struct Measured {
    /// Of all convolutions of a key, each at its fastest.
    var seconds: [String: Double]
    /// Of all calls.
    var total: Double
    var digest: UInt64
  }

  private func compiled(_ table: TuningTable) throws -> Compilation {
    var description = device.description
    description.tuning = table
    return try compile(graph, options: options, device: description)
  }

  private func measure(_ table: TuningTable, _ sites: [ConvolutionSite]) throws -> Measured {
    let run = try BenchmarkRun(compiled(table), graph: graph, on: device)
    try run.step()
    let digest = try run.digest()
    let times = try (0..<Self.repeats).map { _ in try run.profile() }
    let fastest = times[0].indices.map { call in times.map { $0[call] }.min()! }
    var seconds: [String: Double] = [:]
    for site in sites where site.program == run.timedFirst {
      let key = ConvolutionTiling.candidates(site.shape, device: device.description, count: 1)[0].key(site.shape)
      seconds[key, default: 0] += fastest[site.call]
    }
    return Measured(seconds: seconds, total: fastest.reduce(0, +), digest: digest)
  }
}

extension BenchmarkRun {
  /// The program whose calls come first in `profile`.
  var timedFirst: ProgramName { trains ? .accumulate : .predict }

  /// Of the gradients after a step, or of the output: FNV-1a of their bits.
  func digest() throws -> UInt64 {
    let values: [Float] = try loaded.read(trains ? "gradients" : "output")
    return values.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1.bitPattern)) &* 0x0000_0100_0000_01b3 }
  }
}
