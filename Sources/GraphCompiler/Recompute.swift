import ExecutionPlan
import KernelCatalog
import MemoryPlacement

/// The training program seen as a recompute problem: which of its tensors can be made again, by which calls, and when
/// they are used.
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
  }

  let items: [Item]
  let problem: RecomputeProblem
  /// Calls of each step of the problem.
  let ranges: [Range<Int>]
  private let lowering: Lowering
  private let program: Int

  /// - Parameter program: Index of the program `accumulate`, the first on the time axis of `lifetimes`.
  init(_ lowering: Lowering, program: Int, lifetimes: [Lifetime]) {
    self.lowering = lowering
    self.program = program
    let calls = lowering.programs[program].calls
    let touched = calls.map { Set($0.tensors) }
    items = Self.items(lowering, lowering.programs[program], lifetimes)
    let index = Dictionary(uniqueKeysWithValues: items.enumerated().map { ($1.tensor, $0) })

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
      if uses[i].isEmpty, let last = steps.last, last.uses.isEmpty {
        ranges[ranges.count - 1] = ranges.last!.lowerBound..<i + 1
        steps[steps.count - 1].baseInBytes = max(last.baseInBytes, at[i])
      } else {
        ranges.append(i..<i + 1)
        steps.append(RecomputeProblem.Step(uses: uses[i], baseInBytes: at[i], baseBeforeInBytes: before[i]))
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
          inputs: inputs, madeAt: stepOf[item.calls.last!])
      }, steps: steps)
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
      if sound.count == items.count { return items }
      items = sound
    }
  }

  /// Rewrites the program: calls that make dropped tensors again stand before the calls that need them.
  func apply(_ plan: RecomputePlan) {
    let calls = lowering.programs[program].calls
    var current: [TensorID: TensorID] = [:]
    var out: [ScheduledCall] = []
    var isBehindForward = false
    var moved = [Int](repeating: 0, count: calls.count)
    func renamed(_ call: ScheduledCall, _ own: [TensorID: TensorID]) -> ScheduledCall {
      var call = call
      call.words = call.words.map { word in
        guard case .operand(let id, let offset) = word else { return word }
        return .operand(own[id] ?? current[id] ?? id, offsetInBytes: offset)
      }
      return call
    }
    for action in RecomputeSearch.actions(problem, plan) {
      switch action {
      case .step(let s):
        for i in ranges[s] {
          moved[i] = out.count
          out.append(renamed(calls[i], [:]))
          if calls[i].pass != .forward { isBehindForward = true }
        }
      case .remake(let index):
        let item = items[index]
        var own: [TensorID: TensorID] = [:]
        for id in [item.tensor] + Self.workspace(lowering, item, calls) { own[id] = lowering.copy(id) }
        for i in item.calls {
          var call = renamed(calls[i], own)
          call.label += " again"
          if isBehindForward { call.pass = .backward }
          out.append(call)
        }
        current[item.tensor] = own[item.tensor]
      }
    }
    let name = lowering.programs[program].name
    lowering.programs[program].calls = out
    for i in lowering.convolutions.indices where lowering.convolutions[i].program == name {
      lowering.convolutions[i].call = moved[lowering.convolutions[i].call]
    }
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
    let isCPU = device.kind == .cpu
    let rate = units * 1.5e11 * (call.kernel.name == "conv3d_winograd" ? 3 : 1)
    let bandwidth = isCPU ? 4e10 : 1e12
    return max(Double(call.flops) / rate, Double(call.traffic) / bandwidth) + 5e-6
  }
}
