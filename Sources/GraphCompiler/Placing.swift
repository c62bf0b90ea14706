import ExecutionPlan
import MemoryPlacement

/// Lifetimes of all scratch tensors on one time axis: programs follow each other, so that they overlay each
/// other in the same arena.
/// - Parameter isolated: Every tensor lives all the time; nil takes the options' choice.
func lifetimes(_ lowering: Lowering, isolated: Bool? = nil) -> [Lifetime] {
  var first = [Int?](repeating: nil, count: lowering.tensors.count)
  var last = [Int](repeating: 0, count: lowering.tensors.count)
  var step = 0
  for program in lowering.programs {
    let start = step
    for call in program.calls {
      for id in call.tensors {
        if first[id.index] == nil { first[id.index] = step }
        last[id.index] = step
      }
      step += 1
    }
    for id in program.inputs { first[id.index] = start }
    for id in program.outputs { last[id.index] = step - 1 }
  }
  let isolates = isolated ?? lowering.options.isolatesTensors
  return lowering.tensors.indices.compactMap { index in
    guard lowering.tensors[index].stateOffset == nil, let lower = first[index] else { return nil }
    if isolates {
      return Lifetime(
        id: index, lower: 0, upper: step, sizeInBytes: lowering.tensors[index].sizeInBytes + 512,
        alignmentInBytes: 256)
    }
    return Lifetime(
      id: index, lower: lower, upper: last[index] + 1, sizeInBytes: lowering.tensors[index].sizeInBytes,
      alignmentInBytes: 256)
  }
}

/// Offsets in the scratch arena, or in banks where the device grants no allocation as large; checked by the validator,
/// which knows nothing of the solver. Every tensor fits a bank.
func placeTensors(_ lifetimes: [Lifetime], maxAllocationBytes: Int) -> Placement {
  guard var placement = place(lifetimes, nodeLimit: 20_000) else {
    preconditionFailure("internal: an arena without a limit has a placement")
  }
  // A search told the capacity wastes no node on larger arenas.
  if placement.arenaInBytes > placement.lowerBoundInBytes,
    let tight = place(lifetimes, capacityInBytes: placement.lowerBoundInBytes, nodeLimit: 60_000)
  {
    placement = tight
    placement.provenOptimal = true
  }
  if placement.arenaInBytes > maxAllocationBytes {
    guard let banks = placeInBanks(lifetimes, bankInBytes: maxAllocationBytes / 256 * 256) else {
      preconditionFailure("internal: a tensor larger than a bank")
    }
    placement = banks
  }
  let violations = validate(placement, of: lifetimes)
  precondition(violations.isEmpty, "internal: \(violations[0])")
  return placement
}

/// The plan: words with arenas and offsets, kernels shared.
func assemble(_ lowering: Lowering, _ lifetimes: [Lifetime], _ placement: Placement) -> ExecutionPlan {
  let stateBanks = stateBanks(lowering)
  let scratchBanks = placement.bankSizesInBytes
  let addresses = addresses(lowering, lifetimes, placement)

  var kernels: [Kernel] = []
  var kernelIndex: [Kernel: Int] = [:]
  func index(of kernel: Kernel) -> Int {
    if let known = kernelIndex[kernel] { return known }
    kernels.append(kernel)
    kernelIndex[kernel] = kernels.count - 1
    return kernels.count - 1
  }
  func address(_ id: TensorID) -> ArenaAddress {
    guard let address = addresses[id.index] else { preconditionFailure("internal: tensor without a place") }
    return address
  }
  let isWhole = stateBanks.count == 1 && scratchBanks.count == 1
  /// With banks, a call binds those that it uses.
  func bound(_ call: ScheduledCall) -> [Int] {
    isWhole ? [0, 1] : Set(call.tensors.map { address($0).arena }).sorted()
  }
  func word(_ word: Word, _ arenas: [Int]) -> Int {
    switch word {
    case .absent: return Call.absentOperand
    case .integer(let value): return value
    case .operand(let id, let offset):
      let address = address(id)
      return arenas.firstIndex(of: address.arena)! << 56 | (address.offsetInBytes + offset)
    }
  }
  let programs = lowering.programs.map { program in
    Program(
      name: program.name,
      calls: program.calls.map { call in
        let arenas = bound(call)
        return Call(
          kernel: index(of: call.kernel), arenas: arenas, words: call.words.map { word($0, arenas) },
          groups: call.groups, label: call.label, layer: call.layer, pass: call.pass, flops: call.flops,
          traffic: call.traffic)
      })
  }
  let graph = lowering.graph
  let named = lowering.tensors.indices.compactMap { index -> StoredTensor? in
    let tensor = lowering.tensors[index]
    let name = lowering.exported[index] ?? tensor.name
    guard tensor.role == .state || tensor.role == .input || lowering.exported[index] != nil,
      let address = addresses[index]
    else { return nil }
    return StoredTensor(
      name: name, shape: tensor.shape, layout: tensor.layout, type: tensor.type, address: address,
      sizeInBytes: tensor.sizeInBytes)
  }
  return ExecutionPlan(
    model: graph.name, precision: lowering.options.precision,
    arenas: banks("state", stateBanks.map(\.size)) + banks("scratch", scratchBanks),
    kernels: kernels, programs: programs, tensors: named,
    parameters: graph.parameters.enumerated().map { index, parameter in
      ParameterRecord(
        name: parameter.name, shape: parameter.shape,
        offsetInElements: lowering.parameterOffsets[index],
        hasZeroGradient: lowering.zeroGradientParameters.contains(index))
    },
    buffers: lowering.buffers)
}

private func addresses(_ lowering: Lowering, _ lifetimes: [Lifetime], _ placement: Placement) -> [ArenaAddress?] {
  let stateBanks = stateBanks(lowering)
  var addresses = [ArenaAddress?](repeating: nil, count: lowering.tensors.count)
  for (index, tensor) in lowering.tensors.enumerated() {
    if let offset = tensor.stateOffset {
      let bank = stateBanks.lastIndex { $0.start <= offset }!
      addresses[index] = ArenaAddress(arena: bank, offsetInBytes: offset - stateBanks[bank].start)
    }
  }
  for (lifetime, offset) in zip(lifetimes, placement.offsetsInBytes) {
    let bank = placement.bankInBytes.map { offset / $0 } ?? 0
    addresses[lifetime.id] = ArenaAddress(
      arena: stateBanks.count + bank, offsetInBytes: offset - bank * (placement.bankInBytes ?? 0))
  }
  return addresses
}

private func banks(_ name: String, _ sizes: [Int]) -> [Arena] {
  sizes.enumerated().map { Arena(name: $0 == 0 ? name : "\(name).\($0)", sizeInBytes: $1) }
}

/// State tensors follow each other; where the device grants less at once, a new bank begins with the first that no longer
/// fits.
private func stateBanks(_ lowering: Lowering) -> [(start: Int, size: Int)] {
  var starts = [0]
  for tensor in lowering.tensors {
    guard let offset = tensor.stateOffset else { continue }
    let end = offset + (tensor.sizeInBytes + 255) / 256 * 256
    if end - starts.last! > lowering.device.maxAllocationBytes { starts.append(offset) }
  }
  let ends = starts.dropFirst() + [lowering.stateBytes]
  return zip(starts, ends).map { ($0, $1 - $0) }
}

/// A call that would need more allocations than a call binds; nil where every call does with them.
func callOfTooManyArenas(_ lowering: Lowering, _ lifetimes: [Lifetime], _ placement: Placement) -> ScheduledCall? {
  guard placement.bankSizesInBytes.count + stateBanks(lowering).count > Call.maximumArenas else { return nil }
  let addresses = addresses(lowering, lifetimes, placement)
  return lowering.programs.lazy.flatMap(\.calls).first { call in
    Set(call.tensors.map { addresses[$0.index]!.arena }).count > Call.maximumArenas
  }
}

/// - Throws: `CompilerError` for a tensor that no allocation of the device holds.
func checkTensors(_ lowering: Lowering) throws(CompilerError) {
  let largest = lowering.device.maxAllocationBytes / 256 * 256
  guard let tensor = lowering.tensors.filter({ $0.sizeInBytes > largest }).max(by: { $0.sizeInBytes < $1.sizeInBytes })
  else { return }
  throw CompilerError(
    path: tensor.layer.isEmpty ? tensor.name : tensor.layer,
    problem: "\(tensor.name) takes \(tensor.sizeInBytes) bytes in one allocation, \(lowering.device.name) grants at most "
      + "\(lowering.device.maxAllocationBytes)", isTooLarge: true)
}
