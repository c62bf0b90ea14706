import ExecutionPlan
import MemoryPlacement

/// A plan's memory, and what it took to get there.
struct PlacedTensors {
  var lifetimes: [Lifetime]
  var placement: Placement
  var recompute: RecomputeSummary?
}

/// One way to run the training program: bytes against time.
public struct MemoryTimePoint: Sendable {
  /// Arena and state.
  public var bytes: Int
  /// Time of what is made again and of what is written over its input, as a share of the step without it.
  public var extraTime: Double
  public var extraFLOPs: Double
}

/// Places all tensors; where they exceed the budget, by the cheapest point of the memory–time curve whose arena fits.
///
/// The curve is the same for every budget, so that more memory never gives a slower plan, nor less a larger one.
///
/// Below what making tensors again reaches, convolutions whose input ends with them write over it (`SlabConvolution`).
/// - Throws: `CompilerError` where no point fits: it names the least budget that does, and the call that decides it.
func placeWithinBudget(_ lowering: Lowering) throws(CompilerError) -> PlacedTensors {
  try checkTensors(lowering)
  let all = lifetimes(lowering)
  if lowering.options.savesAll, let curve = RecomputeCurve(lowering, lifetimes(lowering, isolated: false)) {
    return curve.placeEverything()
  }
  let whole = PlacedTensors(
    lifetimes: all, placement: placeTensors(all, maxAllocationBytes: lowering.device.maxAllocationBytes))
  var tooMany: ScheduledCall?
  func fits(_ placed: PlacedTensors) -> Bool {
    guard lowering.stateBytes + placed.placement.arenaInBytes <= lowering.options.memoryBudget ?? .max else { return false }
    let call = callOfTooManyArenas(lowering, placed.lifetimes, placed.placement)
    tooMany = tooMany ?? call
    return call == nil
  }
  if fits(whole) { return whole }
  let budget = lowering.options.memoryBudget ?? .max
  var least = (bytes: lowering.stateBytes + whole.placement.arenaInBytes, decides: peakCall(lowering, all))
  if let curve = RecomputeCurve(lowering, all) {
    for point in curve.points.dropFirst() where lowering.stateBytes + point.peakInBytes <= budget {
      let placed = curve.place(point)
      if fits(placed) { return placed }
    }
    for point in curve.points.reversed() where lowering.stateBytes + point.peakInBytes < least.bytes {
      let placed = curve.place(point)
      let bytes = lowering.stateBytes + placed.placement.arenaInBytes
      if bytes < least.bytes { least = (bytes, peakCall(lowering, placed.lifetimes)) }
    }
  }
  if let tooMany {
    throw CompilerError(
      path: tooMany.layer,
      problem: "\(tooMany.label) would read more than \(Call.maximumArenas) allocations of at most "
        + "\(lowering.device.maxAllocationBytes) bytes", isTooLarge: true)
  }
  throw CompilerError(
    path: "memory budget of \(budget) bytes",
    problem: "the least that this network takes is \(least.bytes) bytes (\(lowering.stateBytes) of them weights, gradients "
      + "and moments), at \(least.decides)",
    leastBytes: least.bytes, isTooLarge: true)
}

/// The call at which most bytes are alive.
private func peakCall(_ lowering: Lowering, _ lifetimes: [Lifetime]) -> String {
  let calls = lowering.programs.flatMap(\.calls)
  return calls.isEmpty ? "no call" : calls[peakStep(lifetimes, steps: calls.count)].label
}

/// The memory–time curve of a lowered training program.
struct RecomputeCurve {
  let points: [RecomputePoint]
  private let lowering: Lowering
  private let model: RecomputeModel
  private let programs: [ScheduledProgram]
  private let sites: [ConvolutionSite]
  private let seconds: Double
  private let flops: Int

  /// Nil where there is no training program.
  init?(_ lowering: Lowering, _ lifetimes: [Lifetime]) {
    guard let program = lowering.programs.indices.first, lowering.programs[program].name == .accumulate else { return nil }
    self.lowering = lowering
    model = RecomputeModel(lowering, program: program, lifetimes: lifetimes)
    points = RecomputeSearch.curve(model.problem)
    programs = lowering.programs
    sites = lowering.convolutions
    let calls = programs[program].calls
    seconds = calls.reduce(0) { $0 + lowering.modelledSeconds($1) }
    flops = calls.reduce(0) { $0 + $1.flops }
  }

  /// Takes back what `place` did to the programs.
  func restore() {
    lowering.programs = programs
    lowering.convolutions = sites
  }

  func placeEverything() -> PlacedTensors { place(RecomputeSearch.everything(model.problem)) }

  /// Rewrites the training program by a point, and places the tensors.
  func place(_ point: RecomputePoint) -> PlacedTensors {
    restore()
    let changes = model.apply(point.plan)
    let all = lifetimes(lowering)
    return PlacedTensors(
      lifetimes: all, placement: placeTensors(all, maxAllocationBytes: lowering.device.maxAllocationBytes),
      recompute: RecomputeSummary(
        remade: changes.remade, overlaid: changes.overlaid, extraTime: point.seconds / seconds,
        extraFLOPs: Double(lowering.programs[0].calls.reduce(0) { $0 + $1.flops } - flops) / Double(max(1, flops)),
        leastExtraTime: leastRecomputeSeconds(model.problem, peakInBytes: point.peakInBytes) / seconds))
  }
}

extension Lowering {
  /// Bytes and time of every known way to run the training program, the fastest first.
  func memoryTimeCurve() -> [MemoryTimePoint] {
    let all = lifetimes(self)
    guard let curve = RecomputeCurve(self, all) else { return [] }
    var result: [MemoryTimePoint] = []
    var nextPeak = Int.max
    for point in curve.points where point.peakInBytes <= nextPeak || point.peakInBytes == curve.points.last!.peakInBytes {
      nextPeak = point.peakInBytes - curve.points[0].peakInBytes / 60  // close enough for a picture
      let placed = curve.place(point)
      let bytes = stateBytes + placed.placement.arenaInBytes
      if let last = result.last, bytes >= last.bytes { continue }
      result.append(
        MemoryTimePoint(
          bytes: bytes, extraTime: placed.recompute!.extraTime, extraFLOPs: placed.recompute!.extraFLOPs))
    }
    curve.restore()
    return result
  }
}
