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
  /// By the model of the device alone.
  private let untuned: Compilation

  /// - Parameter options: With `training` a step is tuned, else a forward pass.
  public init(_ graph: Graph, options: CompilerOptions, device: any Device, candidates: Int) throws {
    (self.graph, self.options, self.device, candidateCount) = (graph, options, device, candidates)
    var description = device.description
    description.tuning = TuningTable()
    untuned = try compile(graph, options: options, device: description)
  }

  /// Whether every convolution has been tuned on the device, for better or worse.
  public var isDone: Bool {
    let known = device.description.tuning.choices
    return untuned.convolutions.allSatisfy { known[key($0)] != nil }
  }

  /// - Parameters:
  ///   - limit: Seconds, given those of a step's kernels. No round begins that would, like the ones before it, end later.
  ///   - stop: Whether to leave it at what is known so far; asked between rounds.
  ///   - progress: Rounds done, of how many.
  public func run(limit: (Double) -> Double, stop: () -> Bool, progress: (Int, Int) -> Void) throws -> Result {
    let clock = ContinuousClock()
    let start = clock.now
    var candidates: [String: [ConvolutionTiling]] = [:]
    for site in untuned.convolutions {
      let found = ConvolutionTiling.candidates(site.shape, device: device.description, count: candidateCount)
      candidates[found[0].key(site.shape)] = found
    }
    let rounds = candidates.values.map(\.count).max() ?? 0
    guard var own = try measure(TuningTable()) else {
      preconditionFailure("internal: the plan that was compiled before does not fit")
    }
    var best: [String: (seconds: Double, choice: TuningTable.Choice)] = [:]
    var (done, rejected) = (1, 0)
    progress(done, rounds)
    let seconds = limit(own.total)
    // Rounds, and the three measurements after them.
    func hasTime() -> Bool {
      let spent = (clock.now - start) / .seconds(1)
      return spent / Double(done) * Double(done + 1 + 3) < seconds && !stop()
    }
    for round in 1..<max(1, rounds) where hasTime() {
      var table = TuningTable()
      for (key, found) in candidates where round < found.count { table.choices[key] = found[round].choice }
      let found = try measure(table)
      done += 1
      progress(done, rounds)
      guard let found else { continue }
      guard found.digest == own.digest else {
        rejected += 1
        continue
      }
      for (key, choice) in table.choices {
        guard let time = found.seconds[key], let before = own.seconds[key], time < Self.gain * before else { continue }
        if time < (best[key]?.seconds ?? .infinity) { best[key] = (time, choice) }
      }
    }
    var result = Result(
      convolutions: candidates.count, changed: 0, secondsBefore: own.total, secondsAfter: own.total, rounds: done,
      rejected: rejected, table: TuningTable())
    guard done > 1 else { return result }
    if !best.isEmpty {
      // What was fastest by chance or beside other tiles must be so again, all together and in turn with the model's own.
      let tuned = try measure(TuningTable(choices: best.mapValues(\.choice)))
      guard let again = try measure(TuningTable()) else { return result }
      own.seconds.merge(again.seconds) { min($0, $1) }
      best = best.filter { key, _ in
        guard let tuned, tuned.digest == own.digest else { return false }
        return tuned.seconds[key]! < own.seconds[key]!
      }
      var last = best.isEmpty ? again : try measure(TuningTable(choices: best.mapValues(\.choice)))
      if (last?.total ?? .infinity) > again.total { (best, last) = ([:], again) }
      (result.secondsBefore, result.secondsAfter) = (again.total, last!.total)
    }
    result.changed = best.count
    // The others are tuned too: their own tile was the fastest.
    result.table.choices = candidates.mapValues { $0[0].choice }.merging(best.mapValues(\.choice)) { $1 }
    return result
  }

  private struct Measured {
    /// Of all convolutions of a key, each at its fastest.
    var seconds: [String: Double]
    /// Of all calls.
    var total: Double
    var digest: UInt64
  }

  private func key(_ site: ConvolutionSite) -> String {
    ConvolutionTiling.candidates(site.shape, device: device.description, count: 1)[0].key(site.shape)
  }

  /// Nil where tiles need more workspace than a memory budget leaves.
  private func compiled(_ table: TuningTable) throws -> Compilation? {
    var description = device.description
    description.tuning = table
    do {
      return try compile(graph, options: options, device: description)
    } catch {
      guard error.isTooLarge else { throw error }
      return nil
    }
  }

  private func measure(_ table: TuningTable) throws -> Measured? {
    guard let compilation = try compiled(table) else { return nil }
    let run = try BenchmarkRun(compilation, graph: graph, on: device)
    try run.step()
    let digest = try run.digest()
    let times = try (0..<Self.repeats).map { _ in try run.profile() }
    let fastest = times[0].indices.map { call in times.map { $0[call] }.min()! }
    var seconds: [String: Double] = [:]
    // Another table may have other tensors made again, and then other calls.
    for site in compilation.convolutions where site.program == run.timedFirst {
      seconds[key(site), default: 0] += fastest[site.call]
      // A tile decides whether the weights are transformed ahead, in the call before.
      if site.call > 0, isPacking(site.call - 1, compilation.plan, site.program) {
        seconds[key(site), default: 0] += fastest[site.call - 1]
      }
    }
    return Measured(seconds: seconds, total: fastest.reduce(0, +), digest: digest)
  }

  private func isPacking(_ call: Int, _ plan: ExecutionPlan, _ program: ProgramName) -> Bool {
    guard let calls = plan.programs.first(where: { $0.name == program })?.calls, call < calls.count else { return false }
    let name = plan.kernels[calls[call].kernel].name
    return name == KernelCatalog.packWeights.name || name == KernelCatalog.winogradWeights.name
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
