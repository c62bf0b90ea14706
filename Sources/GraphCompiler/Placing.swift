import ExecutionPlan
import MemoryPlacement

/// Lifetimes of all scratch tensors on one time axis: programs follow each other, so that they overlay each
/// other in the same arena.
func lifetimes(_ lowering: Lowering) -> [Lifetime] {
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
  let isolates = lowering.options.isolatesTensors
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

/// Offsets in the scratch arena, checked by the validator, which knows nothing of the solver.
func placeTensors(_ lifetimes: [Lifetime]) -> Placement {
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
  let violations = validate(placement, of: lifetimes)
  precondition(violations.isEmpty, "internal: \(violations[0])")
  return placement
}

/// The plan: words with arenas and offsets, kernels shared.
func assemble(_ lowering: Lowering, _ lifetimes: [Lifetime], _ placement: Placement) -> ExecutionPlan {
  let stateArena = 0
  let scratchArena = 1
  var addresses = [ArenaAddress?](repeating: nil, count: lowering.tensors.count)
  for (index, tensor) in lowering.tensors.enumerated() {
    if let offset = tensor.stateOffset {
      addresses[index] = ArenaAddress(arena: stateArena, offsetInBytes: offset)
    }
  }
  for (lifetime, offset) in zip(lifetimes, placement.offsetsInBytes) {
    addresses[lifetime.id] = ArenaAddress(arena: scratchArena, offsetInBytes: offset)
  }

  var kernels: [Kernel] = []
  var kernelIndex: [Kernel: Int] = [:]
  func index(of kernel: Kernel) -> Int {
    if let known = kernelIndex[kernel] { return known }
    kernels.append(kernel)
    kernelIndex[kernel] = kernels.count - 1
    return kernels.count - 1
  }
  func word(_ word: Word) -> Int {
    switch word {
    case .absent: return Call.absentOperand
    case .integer(let value): return value
    case .operand(let id, let offset):
      guard let address = addresses[id.index] else { preconditionFailure("internal: tensor without a place") }
      return address.arena << 56 | (address.offsetInBytes + offset)
    }
  }
  let programs = lowering.programs.map { program in
    Program(
      name: program.name,
      calls: program.calls.map { call in
        Call(
          kernel: index(of: call.kernel), arenas: [stateArena, scratchArena], words: call.words.map(word),
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
    arenas: [
      Arena(name: "state", sizeInBytes: lowering.stateBytes),
      Arena(name: "scratch", sizeInBytes: placement.arenaInBytes),
    ],
    kernels: kernels, programs: programs, tensors: named,
    parameters: graph.parameters.enumerated().map { index, parameter in
      ParameterRecord(
        name: parameter.name, shape: parameter.shape,
        offsetInElements: lowering.parameterOffsets[index],
        hasZeroGradient: lowering.zeroGradientParameters.contains(index))
    },
    buffers: lowering.buffers)
}
