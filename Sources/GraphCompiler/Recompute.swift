import ExecutionPlan
import KernelCatalog
import MemoryPlacement

/// The training program seen as a recompute problem: which of its tensors can be made again, by which calls, when they
/// are used, and which convolutions can write over their input.
///
/// Works on scheduled calls, after every choice that decides a bit of a result: a tensor that is made again comes from
/// the same kernels with the same words, so it has the same bits.
struct RecomputeModel {
  /// Kernels whose first operand is a tensor that they write from nothing but their other operands.
  private static let producers: Set<String> = [
    "conv3d", "conv3d_winograd", "materialise", "max_pool", "pool", "resample", "combine", "softmax", "dropout_keep",
  ]
  /// Kernels whose first operand is only read; every other kernel writes its first.
  private static let readers: Set<String> = [
    "norm_statistics", "merge_statistics", "norm_backward_sums", "channel_sums", "loss_sums",
  ]
  /// Tensors below this share of the largest are never dropped: what they save is not worth a call.
  private static let smallestShare = 1.0 / 64

  struct Item {
    var tensor: TensorID
    /// Calls that make it, and before each the calls that fill its workspace, in order.
    var calls: [Int]
    /// Of the last of these calls, where it's the only one that writes the tensor.
    var slabs: SlabConvolution?
  }

  let items: [Item]
  let problem: RecomputeProblem
  /// Calls of each step of the problem.
  let ranges: [Range<Int>]
  /// By call: how it writes over what it reads last.
  private let slabs: [Int: SlabConvolution]
  private let lowering: Lowering
  private let program: Int

  /// - Parameter program: Index of the program `accumulate`, the first on the time axis of `lifetimes`.
  init(_ lowering: Lowering, program: Int, lifetimes: [Lifetime]) {
    self.lowering = lowering
    self.program = program
    let calls = lowering.programs[program].calls
    let touched = calls.map { Set($0.tensors) }
    let items = Self.items(lowering, lowering.programs[program], lifetimes)
    self.items = items
    let index = Dictionary(uniqueKeysWithValues: items.enumerated().map { ($1.tensor, $0) })
    slabs = Self.slabs(lowering, lowering.programs[program], lifetimes, isItem: { index[$0] != nil })

    // What is no item, at each call and across its beginning.
    var at = [Int](repeating: 0, count: calls.count + 1)
    var before = at
    for lifetime in lifetimes where index[TensorID(index: lifetime.id)] == nil && lifetime.lower < calls.count {
      let upper = min(lifetime.upper, calls.count)
      at[lifetime.lower] += lifetime.sizeInBytes
      at[upper] -= lifetime.sizeInBytes
      guard upper - lifetime.lower > 1 else { continue }
      before[lifetime.lower + 1] += lifetime.sizeInBytes
      before[upper] -= lifetime.sizeInBytes
    }
    for i in calls.indices.dropFirst() {
      at[i] += at[i - 1]
      before[i] += before[i - 1]
    }
    let uses = touched.map { tensors in tensors.compactMap { index[$0] }.sorted() }
    var ranges: [Range<Int>] = []
    var steps: [RecomputeProblem.Step] = []
    for i in calls.indices {
      let overlay = slabs[i].map { Self.overlay($0, lowering, index) }
      if uses[i].isEmpty, overlay == nil, let last = steps.last, last.uses.isEmpty, last.overlay == nil {
        ranges[ranges.count - 1] = ranges.last!.lowerBound..<i + 1
        steps[steps.count - 1].baseInBytes = max(last.baseInBytes, at[i])
      } else {
        ranges.append(i..<i + 1)
        steps.append(
          RecomputeProblem.Step(uses: uses[i], baseInBytes: at[i], baseBeforeInBytes: before[i], overlay: overlay))
      }
    }
    self.ranges = ranges
    var stepOf = [Int](repeating: 0, count: calls.count)
    for (s, range) in ranges.enumerated() { for call in range { stepOf[call] = s } }

    problem = RecomputeProblem(
      items: items.map { item in
        let tensor = item.tensor
        let inputs = Set(item.calls.flatMap { touched[$0] }).subtracting([tensor]).compactMap { index[$0] }.sorted()
        return RecomputeProblem.Item(
          sizeInBytes: lowering.tensor(tensor).sizeInBytes,
          seconds: item.calls.reduce(0) { $0 + lowering.modelledSeconds(calls[$1]) },
          workspaceInBytes: Self.workspace(lowering, item, calls).reduce(0) { $0 + lowering.tensor($1).sizeInBytes },
          inputs: inputs, madeAt: stepOf[item.calls.last!], overlay: item.slabs.map { Self.overlay($0, lowering, index) })
      }, steps: steps)
  }

  private static func overlay(
    _ slabs: SlabConvolution, _ lowering: Lowering, _ index: [TensorID: Int]
  ) -> RecomputeProblem.Overlay {
    RecomputeProblem.Overlay(
      item: index[slabs.input], savedInBytes: slabs.savedInBytes, seconds: slabs.extraSeconds(lowering))
  }

  /// Convolutions that make a tensor, and may end the life of one like it: an item, or a gradient that nobody reads behind
  /// them. (What making an item again reads may be no item, and is alive for longer than its calls say; no gradient is.)
  private static func slabs(
    _ lowering: Lowering, _ program: ScheduledProgram, _ lifetimes: [Lifetime], isItem: (TensorID) -> Bool
  ) -> [Int: SlabConvolution] {
    let kept = Set(program.inputs + program.outputs)
    var lives: [TensorID: Lifetime] = [:]
    for lifetime in lifetimes { lives[TensorID(index: lifetime.id)] = lifetime }
    var found: [Int: SlabConvolution] = [:]
    for (i, call) in program.calls.enumerated() {
      guard
        let slabs = SlabConvolution(
          call, next: i + 1 < program.calls.count ? program.calls[i + 1] : nil, lowering,
          canGo: {
            !kept.contains($0)
              && (isItem($0) || lowering.tensor($0).role == .gradient && lives[$0]?.upper == i + 1)
          }),
        !kept.contains(slabs.output), lives[slabs.output]?.lower == i
      else { continue }
      found[i] = slabs
    }
    return found
  }

  private static func firstOperand(_ call: ScheduledCall) -> TensorID? {
    if case .operand(let id, _)? = call.words.first { return id }
    return nil
  }

  private static func workspace(_ lowering: Lowering, _ item: Item, _ calls: [ScheduledCall]) -> [TensorID] {
    Set(item.calls.flatMap { calls[$0].tensors }).filter { lowering.tensor($0).role == .workspace }
      .sorted { $0.index < $1.index }
  }

  private static func items(_ lowering: Lowering, _ program: ScheduledProgram, _ lifetimes: [Lifetime]) -> [Item] {
    let calls = program.calls
    var makers: [TensorID: [Int]] = [:]
    var touches: [TensorID: [Int]] = [:]
    var overwritten: Set<TensorID> = []
    for (i, call) in calls.enumerated() {
      for id in Set(call.tensors) { touches[id, default: []].append(i) }
      guard let id = firstOperand(call) else { continue }
      if producers.contains(call.kernel.name) {
        makers[id, default: []].append(i)
      } else if !readers.contains(call.kernel.name) {
        overwritten.insert(id)
      }
    }
    let kept = Set(program.inputs + program.outputs)
    let largest = lifetimes.reduce(0) { max($0, $1.sizeInBytes) }
    let smallest = Int(Double(largest) * smallestShare)
    let candidates = makers.keys.filter { id in
      let tensor = lowering.tensor(id)
      guard tensor.role == .activation || tensor.role == .statistics, !kept.contains(id), tensor.sizeInBytes >= smallest
      else { return false }
      // Nobody reads it half made, and nothing is ever written over it.
      return Array(touches[id]!.prefix(makers[id]!.count)) == makers[id]! && !overwritten.contains(id)
    }
    var items = candidates.sorted { $0.index < $1.index }.map { id in
      var needed: Set<Int> = Set(makers[id]!)
      for maker in makers[id]! {
        for workspace in calls[maker].tensors where lowering.tensor(workspace).role == .workspace {
          needed.formUnion(touches[workspace]!.filter { $0 < maker })
        }
      }
      return Item(tensor: id, calls: needed.sorted())
    }
    // What an item is made from is alive (small, or the network's input) or an item itself.
    while true {
      let known = Set(items.map(\.tensor))
      let sound = items.filter { item in
        item.calls.flatMap { calls[$0].tensors }.allSatisfy { id in
          let tensor = lowering.tensor(id)
          switch tensor.role {
          case .state, .workspace, .input: return true
          case .activation, .statistics:
            return known.contains(id) || tensor.sizeInBytes < smallest && !overwritten.contains(id)
          case .gradient, .output: return false
          }
        }
      }
      if sound.count == items.count { break }
      items = sound
    }
    let known = Set(items.map(\.tensor))
    return items.map { item in
      var item = item
      if makers[item.tensor]!.count == 1, let last = item.calls.last {
        item.slabs = SlabConvolution(
          calls[last], next: last + 1 < calls.count ? calls[last + 1] : nil, lowering, canGo: known.contains)
      }
      return item
    }
  }

  /// What a plan did to the program.
  struct Changes {
    /// Names of the tensors that are made again, in order.
    var remade: [String] = []
    /// Labels of the convolutions that write over their input.
    var overlaid: [String] = []
  }

  /// Rewrites the program: calls that make dropped tensors again stand before the calls that need them, and
  /// convolutions that write over their input are slabs.
  func apply(_ plan: RecomputePlan) -> Changes {
    var writer = RecomputeWriter(lowering, lowering.programs[program].calls)
    for action in RecomputeSearch.actions(problem, plan) {
      switch action {
      case .step(let s, let isOverlaid):
        for i in ranges[s] { writer.write(i, over: isOverlaid ? slabs[i] : nil) }
      case .remake(let index, let isOverlaid):
        let item = items[index]
        writer.remake(
          item.tensor, workspace: Self.workspace(lowering, item, lowering.programs[program].calls), by: item.calls,
          over: isOverlaid ? item.slabs : nil)
      }
    }
    writer.finish(program: program)
    return writer.changes
  }
}

extension Lowering {
  /// A tensor like another, alive at another time.
  func copy(_ id: TensorID) -> TensorID {
    let tensor = tensor(id)
    let copy = scratch(
      "\(tensor.name) again", tensor.shape, tensor.layout, tensor.type, role: tensor.role, layer: tensor.layer)
    markRemade(copy)
    return copy
  }

  /// What a call takes on a device of this kind, at the rates that kernels reach there; only ratios matter.
  func modelledSeconds(_ call: ScheduledCall) -> Double {
    let units = Double(max(1, device.computeUnits))
    let rate = units * 1.5e11 * (call.kernel.name == "conv3d_winograd" ? 3 : 1)
    return max(Double(call.flops) / rate, Double(call.traffic) / modelledBandwidth) + Self.modelledLaunchSeconds
  }

  var modelledBandwidth: Double { device.kind == .cpu ? 4e10 : 1e12 }
  static let modelledLaunchSeconds = 5e-6
}
