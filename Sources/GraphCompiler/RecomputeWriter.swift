import ExecutionPlan

/// Writes a program anew, call by call: tensors that are made again get names of their own, and what is written over
/// another tensor gets that one's (and counts as that one's layer in the profile).
struct RecomputeWriter {
  private let lowering: Lowering
  private let calls: [ScheduledCall]
  private var current: [TensorID: TensorID] = [:]
  private var out: [ScheduledCall] = []
  private var isBehindForward = false
  /// New places of each call's convolutions.
  private var moved: [[Int]]
  /// Calls whose work the one before has done.
  private var isDone: Set<Int> = []
  private(set) var changes = RecomputeModel.Changes()

  init(_ lowering: Lowering, _ calls: [ScheduledCall]) {
    self.lowering = lowering
    self.calls = calls
    moved = Array(repeating: [], count: calls.count)
  }

  private func renamed(_ call: ScheduledCall, _ own: [TensorID: TensorID] = [:]) -> ScheduledCall {
    var call = call
    call.words = call.words.map { word in
      guard case .operand(let id, let offset) = word else { return word }
      return .operand(own[id] ?? current[id] ?? id, offsetInBytes: offset)
    }
    return call
  }

  /// The next call as it stands, or slab by slab over its input.
  mutating func write(_ i: Int, over slabs: SlabConvolution?) {
    guard !isDone.contains(i) else { return }
    if calls[i].pass != .forward { isBehindForward = true }
    guard let slabs else {
      moved[i] = [out.count]
      return out.append(renamed(calls[i]))
    }
    let place = current[slabs.input] ?? slabs.input
    if slabs.isMerged { isDone.insert(i + 1) }
    let parts = slabs.calls(renamed(calls[i]), merge: slabs.isMerged ? renamed(calls[i + 1]) : nil, over: place, lowering)
    let kernel = calls[i].kernel
    moved[i] = parts.indices.filter { parts[$0].kernel == kernel }.map { out.count + $0 }
    out += parts
    current[slabs.output] = place
    changes.overlaid.append(calls[i].label)
  }

  /// A tensor once more, in a place of its own or over the input of the call that makes it.
  mutating func remake(_ tensor: TensorID, workspace: [TensorID], by makers: [Int], over slabs: SlabConvolution?) {
    var own: [TensorID: TensorID] = [:]
    for id in workspace { own[id] = lowering.copy(id) }
    let place = slabs.map { current[$0.input] ?? $0.input } ?? lowering.copy(tensor)
    own[tensor] = place
    for i in makers {
      var call = renamed(calls[i], own)
      call.label += " again"
      if isBehindForward { call.pass = .backward }
      if i == makers.last, let slabs {
        out += slabs.calls(call, merge: nil, over: place, lowering)
        changes.overlaid.append(call.label)
      } else {
        out.append(call)
      }
    }
    current[tensor] = place
    changes.remade.append(lowering.tensor(tensor).name)
  }

  func finish(program: Int) {
    let name = lowering.programs[program].name
    lowering.programs[program].calls = out
    lowering.convolutions = lowering.convolutions.flatMap { site in
      guard site.program == name else { return [site] }
      return moved[site.call].map { call in
        var site = site
        site.call = call
        return site
      }
    }
  }
}
