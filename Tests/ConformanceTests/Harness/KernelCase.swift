import ExecutionPlan
import KernelCatalog

/// One call of one kernel with everything that it reads: the same for every backend.
struct KernelCase {
  var interface: KernelInterface
  var defines: [String: Int] = [:]
  var operands: [String: Operand] = [:]
  var integers: [String: Int] = [:]
  var segments: [Segment] = []
  /// Calls that run first, in the same plan. This case finds operand x of the first of them as `before0.x`.
  var before: [KernelCase] = []
  /// Largest difference that counts as rounding, relative to the value plus the output's root mean square.
  var tolerance = 2e-5

  var description: String {
    let macros = interface.defines.compactMap { name in defineValues[name].map { "\(name)=\($0)" } }
    let numbers = interface.integers.map { "\($0)=\(integers[$0] ?? 0)" }
    let line = ([interface.name] + macros + numbers + segments.map(\.description)).joined(separator: " ")
    return (before.map(\.description) + [line]).joined(separator: "\n")
  }

  private var defineValues: [String: Int] {
    var values = defines
    guard interface.readsSegments else { return values }
    values["SEGMENTS"] = segments.count
    for i in 0..<KernelInterface.maximumSegments {
      values["SEGMENT\(i)"] = i < segments.count ? segments[i].flags.bits : 0
    }
    return values
  }

  struct Failure: Error, CustomStringConvertible {
    var description: String
  }

  /// A place of each operand in one of three arenas, bound in an order that is not theirs.
  private struct Memory {
    var arenas = [[UInt8]](repeating: [], count: 3)
    var places: [String: (arena: Int, offset: Int, count: Int)] = [:]
    static let bound = [2, 0, 1]
    static let guardBytes = 192

    mutating func place(_ name: String, _ bytes: [UInt8]) {
      let arena = places.count % 3
      // NaN before and behind; 64-byte alignment and no better, as the memory planner gives.
      arenas[arena] += [UInt8](repeating: 0xff, count: Self.guardBytes)
      places[name] = (arena, arenas[arena].count, bytes.count)
      let tail = (64 - bytes.count % 64) % 64
      arenas[arena] += bytes + [UInt8](repeating: 0xff, count: tail + Self.guardBytes)
    }

    func word(_ name: String) -> Int {
      guard let place = places[name] else { return Call.absentOperand }
      return Self.bound.firstIndex(of: place.arena)! << 56 | place.offset
    }
  }

  /// Runs the case and returns the outputs in the order of their names.
  /// - Throws: `Failure` where the kernel wrote outside its outputs.
  func run(on device: any Device, groups: Int) throws -> [Output] {
    var memory = Memory()
    let all = allOperands
    for name in all.keys.sorted() {
      switch all[name]!.role {
      case .absent, .alias: break
      case .slots: memory.place(name, (0..<groups).flatMap { _ in all[name]!.bytes })
      default: memory.place(name, all[name]!.bytes)
      }
    }
    let plan = plan(memory, groups: groups)
    let loaded = try device.load(plan)
    for (arena, bytes) in memory.arenas.enumerated() {
      try bytes.withUnsafeBytes { try loaded.write($0, to: ArenaAddress(arena: arena, offsetInBytes: 0)) }
    }
    try loaded.run(.predict)
    var after = memory.arenas
    for arena in after.indices {
      try after[arena].withUnsafeMutableBytes {
        try loaded.read($0, from: ArenaAddress(arena: arena, offsetInBytes: 0))
      }
    }
    return try outputs(all, memory, after)
  }

  /// Of this case, its segments and the cases before it, under one name each.
  private var allOperands: [String: Operand] {
    var all = operands
    for (i, segment) in segments.enumerated() {
      for (name, operand) in segment.operands { all["segment\(i).\(name)"] = operand }
    }
    for (i, other) in before.enumerated() {
      for (name, operand) in other.allOperands { all["before\(i).\(name)"] = operand }
    }
    return all
  }

  private func plan(_ memory: Memory, groups: Int) -> ExecutionPlan {
    let cases = before + [self]
    let calls = cases.enumerated().map { i, test in
      test.call(kernel: i, groups: groups, memory, prefix: i < before.count ? "before\(i)." : "")
    }
    return ExecutionPlan(
      model: interface.name, precision: .fp32,
      arenas: memory.arenas.enumerated().map { Arena(name: "\($0)", sizeInBytes: $1.count) },
      kernels: cases.map(\.kernel), programs: [Program(name: .predict, calls: calls)], tensors: [],
      parameters: [], buffers: [])
  }

  private var kernel: Kernel {
    Kernel(
      name: interface.name,
      defines: interface.defines.map { name in
        guard let value = defineValues[name] else {
          preconditionFailure("\(interface.name): no define \(name)")
        }
        return Define(name, value)
      })
  }

  private func call(kernel: Int, groups: Int, _ memory: Memory, prefix: String) -> Call {
    var words: [Int] = interface.operands.map { name in
      guard let operand = operands[name] else { preconditionFailure("\(interface.name): no operand \(name)") }
      if case .alias(let other) = operand.role { return memory.word(other) }
      return memory.word(prefix + name)
    }
    words += interface.integers.map { name in
      guard let value = integers[name] else { preconditionFailure("\(interface.name): no integer \(name)") }
      return value
    }
    for (i, segment) in segments.enumerated() {
      words += segment.words { memory.word("\(prefix)segment\(i).\($0)") }
    }
    return Call(
      kernel: kernel, arenas: Memory.bound, words: words, groups: groups, label: interface.name,
      layer: interface.name, pass: .forward)
  }

  private func outputs(
    _ operands: [String: Operand], _ memory: Memory, _ after: [[UInt8]]
  ) throws -> [Output] {
    var writable = memory.arenas.map { [Bool](repeating: false, count: $0.count) }
    var outputs: [Output] = []
    for name in memory.places.keys.sorted() {
      let place = memory.places[name]!
      let range = place.offset..<place.offset + place.count
      switch operands[name]!.role {
      case .output, .updated:
        outputs.append(
          Output(name: name, type: operands[name]!.type, bytes: Array(after[place.arena][range])))
        fallthrough
      case .scratch, .slots: for i in range { writable[place.arena][i] = true }
      default: break
      }
    }
    for arena in after.indices {
      for i in after[arena].indices where after[arena][i] != memory.arenas[arena][i] && !writable[arena][i] {
        let near = memory.places.filter { $0.value.arena == arena }
          .min { abs($0.value.offset - i) < abs($1.value.offset - i) }
        let name = near?.key ?? "nothing"
        let offset = i - (near?.value.offset ?? 0)
        throw Failure(
          description: "wrote at byte \(offset) of \(name) (\(near?.value.count ?? 0) bytes), not an output")
      }
    }
    return outputs
  }
}
