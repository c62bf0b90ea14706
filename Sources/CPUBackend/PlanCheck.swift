import CCPUKernels
import ExecutionPlan
import KernelCatalog

/// A plan whose kernels, words and arenas were held against the catalogue: a bundle may come from anywhere.
struct PlanCheck {
  private let plan: ExecutionPlan
  private let kernels: [(function: voxcl_kernel, interface: KernelInterface)]

  /// - Throws: `CPUBackendError` that names the kernel or call, what was found and what was expected.
  init(_ plan: ExecutionPlan, instructionSet: InstructionSet) throws(CPUBackendError) {
    self.plan = plan
    var kernels: [(voxcl_kernel, KernelInterface)] = []
    for kernel in plan.kernels {
      guard let interface = KernelCatalog.interface(kernel.name),
        let function = voxcl_cpu_kernel(kernel.name, instructionSet.index)
      else { throw CPUBackendError("kernel \(kernel.name): not in this program's catalogue") }
      guard kernel.defines.map(\.name) == interface.defines else {
        let found = kernel.defines.map(\.name).joined(separator: " ")
        throw CPUBackendError(
          "kernel \(kernel.name): defines are \(found), expected \(interface.defines.joined(separator: " "))")
      }
      kernels.append((function, interface))
    }
    self.kernels = kernels
    if let arena = plan.arenas.first(where: { $0.sizeInBytes < 0 }) {
      throw CPUBackendError("arena \(arena.name): found \(arena.sizeInBytes) bytes, expected at least 0")
    }
    for program in plan.programs {
      for call in program.calls { try check(call) }
    }
  }

  private func check(_ call: Call) throws(CPUBackendError) {
    guard kernels.indices.contains(call.kernel) else {
      throw CPUBackendError("call \(call.label): kernel \(call.kernel) of \(kernels.count)")
    }
    let kernel = plan.kernels[call.kernel]
    let interface = kernels[call.kernel].interface
    func fault(_ text: String) -> CPUBackendError {
      CPUBackendError("call \(call.label), kernel \(kernel.name): \(text)")
    }
    func define(_ name: String) -> Int? { kernel.defines.first { $0.name == name }?.value }
    let segments = define("SEGMENTS") ?? 0
    guard (0...KernelInterface.maximumSegments).contains(segments) else {
      throw fault("found \(segments) segments, expected at most \(KernelInterface.maximumSegments)")
    }
    let expected = interface.segmentsAt + segments * SegmentWord.count
    guard call.words.count == expected else {
      throw fault("found \(call.words.count) words, expected \(expected)")
    }
    guard call.groups >= 1 else { throw fault("found \(call.groups) groups, expected at least 1") }
    guard (1...Call.maximumArenas).contains(call.arenas.count), call.arenas.allSatisfy(plan.arenas.indices.contains) else {
      throw fault("found arenas \(call.arenas), expected 1 to \(Call.maximumArenas) of \(plan.arenas.count)")
    }
    for at in operandWords(interface, segments: segments) where call.words[at] != Call.absentOperand {
      let slot = call.words[at] >> 56, offset = call.words[at] & (1 << 56 - 1)
      guard call.arenas.indices.contains(slot), offset <= plan.arenas[call.arenas[slot]].sizeInBytes else {
        throw fault("word \(at) (slot \(slot), offset \(offset)) lies outside its arena")
      }
    }
    for s in 0..<segments {
      for word in [SegmentWord.channels, .factorD, .factorH, .factorW] {
        let value = call.words[interface.segmentsAt + s * SegmentWord.count + word.rawValue]
        guard value >= 1 else { throw fault("segment \(s): \(word) is \(value), expected at least 1") }
      }
    }
    // What the kernels' fixed scratch and tables hold.
    let isPool = kernel.name == "pool" || kernel.name == "pool_backward"
    for (names, limit) in [
      (isPool ? [] : ["kD", "kH", "kW", "strideD", "strideH", "strideW", "windowD", "windowH", "windowW"], 16),
      (["inBlocks", "aBlocks", "bBlocks"], 1024),
      (isPool ? ["windowD", "windowH", "windowW", "strideD", "strideH", "strideW"] : [], .max),
      (
        [
          "chunkVoxels", "partitions", "factorD", "factorH", "factorW", "groupIn", "groupOut", "groupA", "groupB",
          "sets", "sourceD", "sourceH", "sourceW", "aShare", "bShare",
        ], .max
      ),
    ] {
      for name in names where interface.integers.contains(name) {
        let value = call.words[interface.word(name)]
        guard (1...limit).contains(value) else {
          throw fault("\(name) is \(value), expected \(limit == .max ? "at least 1" : "1 to \(limit)")")
        }
      }
    }
    for axis in ["D", "H", "W"] where interface.integers.contains("dil\(axis)") {
      let dilation = call.words[interface.word("dil\(axis)")]
      let span = (call.words[interface.word("k\(axis)")] - 1).multipliedReportingOverflow(by: dilation)
      guard dilation >= 1, !span.overflow, span.partialValue < 31 else {
        throw fault("dil\(axis) is \(dilation), expected 1 or more and a span of at most 31")
      }
    }
    for name in ["OB", "M", "KD", "BLOCK", "OUT_BLOCK", "INNER"] {
      guard let value = define(name) else { continue }
      let allowed = Self.allowed[name] ?? [1, 16]
      guard allowed.contains(value) else { throw fault("\(name) is \(value), expected one of \(allowed)") }
    }
    if interface.defines.contains("KD") { try checkTaps(call, interface, kernel, fault) }
    if kernel.name == KernelCatalog.conv3dWinograd.name { try checkBlocks(call, interface, kernel, fault) }
    if define("INNER") == 1 { try checkInner(call, interface, kernel, fault) }
  }

  /// Blocks of the input's segments, each phase counted, for which a thread has room (winograd_body.h).
  private func checkBlocks(
    _ call: Call, _ interface: KernelInterface, _ kernel: Kernel, _ fault: (String) -> CPUBackendError
  ) throws(CPUBackendError) {
    func define(_ name: String) -> Int { kernel.defines.first { $0.name == name }?.value ?? 0 }
    let phases = define("M") == 5 && define("TRANSPOSED") == 0 ? define("KD") == 1 ? 4 : 8 : 1
    let blocks = segmentBlocks(call, interface, define("SEGMENTS")), limit = 200 / phases
    guard 1...limit ~= blocks else { throw fault("found \(blocks) blocks of input, expected 1 to \(limit)") }
  }

  private func segmentBlocks(_ call: Call, _ interface: KernelInterface, _ segments: Int) -> Int {
    (0..<segments).reduce(0) { sum, segment in
      let at = interface.segmentsAt + segment * SegmentWord.count + SegmentWord.channels.rawValue
      return sum + (min(call.words[at], 1 << 20) + 15) / 16
    }
  }

  /// Of Winograd's kernels: tiles of 5 are of phases, which have two taps an axis.
  private func checkTaps(
    _ call: Call, _ interface: KernelInterface, _ kernel: Kernel, _ fault: (String) -> CPUBackendError
  ) throws(CPUBackendError) {
    func define(_ name: String) -> Int { kernel.defines.first { $0.name == name }?.value ?? 0 }
    let hasPhases = define("M") == 5, taps = hasPhases ? [1, 2] : [1, 3]
    guard taps.contains(define("KD")) else { throw fault("KD is \(define("KD")), expected one of \(taps)") }
    guard [0, hasPhases ? 1 : 0].contains(define("TRANSPOSED")), !hasPhases || define("INNER") == 0 else {
      throw fault("TRANSPOSED is \(define("TRANSPOSED")), INNER \(define("INNER")), which M \(define("M")) does not have")
    }
    for name in ["padD", "padH", "padW"] where hasPhases && interface.integers.contains(name) {
      let padding = call.words[interface.word(name)]
      guard 0...1 ~= padding else { throw fault("\(name) is \(padding), expected 0 or 1") }
    }
  }

  private static let allowed = ["OB": [1, 2, 3, 4], "M": [2, 4, 5], "KD": [1, 2, 3], "INNER": [0, 1]]

  /// Weights are transformed at the end of each group's slot (winograd_inner.h), which no other scratch replaces.
  private func checkInner(
    _ call: Call, _ interface: KernelInterface, _ kernel: Kernel, _ fault: (String) -> CPUBackendError
  ) throws(CPUBackendError) {
    func define(_ name: String) -> Int { kernel.defines.first { $0.name == name }?.value ?? 0 }
    let blocks = segmentBlocks(call, interface, define("SEGMENTS"))
    let least = 256 * define("OB") * (9 * blocks + 4 * (define("M") + 2))
    let floats = call.words[interface.word("slotFloats")], slots = call.words[interface.word("slots")]
    guard slots != Call.absentOperand, floats >= least else {
      throw fault("slotFloats is \(slots == Call.absentOperand ? 0 : floats), expected at least \(least)")
    }
    let (bytes, overflows) = floats.multipliedReportingOverflow(by: 4 * min(call.groups, 1 << 20))
    let left = plan.arenas[call.arenas[slots >> 56]].sizeInBytes - slots & (1 << 56 - 1)
    guard !overflows, bytes <= left else {
      throw fault("the slots of \(call.groups) groups are \(floats) floats each, more than the arena's \(left) bytes left")
    }
  }

  /// Words of a call that are operands.
  private func operandWords(_ interface: KernelInterface, segments: Int) -> [Int] {
    (0..<interface.operands.count).map { $0 }
      + (0..<segments).flatMap { s in
        (0..<SegmentWord.channels.rawValue).map { interface.segmentsAt + s * SegmentWord.count + $0 }
      }
  }

  /// The words with every operand's offset times `factor`.
  private func words(of call: Call, offsetFactor factor: Int) -> [Int] {
    guard factor != 1 else { return call.words }
    let interface = kernels[call.kernel].interface
    let segments = (call.words.count - interface.segmentsAt) / SegmentWord.count
    var words = call.words
    for at in operandWords(interface, segments: segments) where words[at] != Call.absentOperand {
      let offset = words[at] & (1 << 56 - 1)
      words[at] += offset * (factor - 1)
    }
    return words
  }

  /// Resolves functions and addresses. The caller frees the table, which the calls point into.
  func prepare(
    _ arenas: ArenaMemory, offsetFactor: Int
  ) -> (programs: [(name: ProgramName, calls: [PreparedCall])], table: UnsafeMutableBufferPointer<Int64>) {
    let calls = plan.programs.flatMap(\.calls)
    let count = calls.reduce(0) { $0 + $1.words.count + plan.kernels[$1.kernel].defines.count }
    let table = UnsafeMutableBufferPointer<Int64>.allocate(capacity: max(1, count))
    table.initialize(repeating: 0)
    var at = 0
    func store(_ values: some Sequence<Int>) -> UnsafePointer<Int64>? {
      let first = at
      for value in values {
        table[at] = Int64(value)
        at += 1
      }
      return table.baseAddress.map { UnsafePointer($0 + first) }
    }
    let programs = plan.programs.map { program in
      let calls = program.calls.map { call in
        var prepared = voxcl_call()
        prepared.defines = store(plan.kernels[call.kernel].defines.lazy.map(\.value))
        prepared.words = store(words(of: call, offsetFactor: offsetFactor))
        withUnsafeMutableBytes(of: &prepared.arena) { slots in
          let slots = slots.assumingMemoryBound(to: UnsafeMutablePointer<UInt8>?.self)
          for (slot, arena) in call.arenas.enumerated() {
            slots[slot] = arenas.bases[arena].assumingMemoryBound(to: UInt8.self)
          }
        }
        return PreparedCall(kernel: kernels[call.kernel].function, call: prepared, groups: call.groups)
      }
      return (program.name, calls)
    }
    return (programs, table)
  }
}
