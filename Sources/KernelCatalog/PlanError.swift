import ExecutionPlan

/// A plan that no backend can run: it comes from a damaged or foreign bundle, or asks for what it lacks.
public struct PlanError: Error, CustomStringConvertible, Sendable, Equatable {
  /// What was found and what was expected, with the kernel or call.
  public var description: String
  public init(_ description: String) { self.description = description }
}

extension KernelCatalog {
  /// Holds a plan's kernels and calls against the catalogue, so that a kernel finds every word that it reads
  /// and every operand begins in its arena. What the words say of extents is the compiler's to keep.
  /// - Throws: `PlanError` of the first fault.
  /// - Complexity: O(words).
  public static func check(_ plan: ExecutionPlan) throws(PlanError) {
    var interfaces: [KernelInterface] = []
    for kernel in plan.kernels {
      guard let interface = interface(kernel.name) else {
        throw PlanError("kernel \(kernel.name): not among those of this version of VoxCL")
      }
      guard kernel.defines.map(\.name) == interface.defines else {
        throw PlanError(
          "kernel \(kernel.name): found macros \(kernel.defines.map(\.name)), expected \(interface.defines)")
      }
      for define in kernel.defines where define.name.hasPrefix("SEGMENT") {
        let limit = define.name == "SEGMENTS" ? KernelInterface.maximumSegments : 1 << 16 - 1
        guard 0...limit ~= define.value else {
          throw PlanError("kernel \(kernel.name): found \(define.name) \(define.value), expected 0 to \(limit)")
        }
      }
      interfaces.append(interface)
    }
    if let arena = plan.arenas.first(where: { $0.sizeInBytes < 0 }) {
      throw PlanError("arena \(arena.name): found \(arena.sizeInBytes) bytes")
    }
    for call in plan.programs.flatMap(\.calls) {
      guard interfaces.indices.contains(call.kernel) else {
        throw PlanError("call \(call.label): found kernel \(call.kernel), the plan has \(interfaces.count)")
      }
      try check(call, plan.kernels[call.kernel], interfaces[call.kernel], plan.arenas)
    }
  }

  private static func check(
    _ call: Call, _ kernel: Kernel, _ interface: KernelInterface, _ arenas: [Arena]
  ) throws(PlanError) {
    func fault(_ text: String) -> PlanError {
      PlanError("call \(call.label), kernel \(kernel.name): \(text)")
    }
    let segments = kernel.defines.first { $0.name == "SEGMENTS" }?.value ?? 0
    guard (0...KernelInterface.maximumSegments).contains(segments) else {
      throw fault("found \(segments) segments, expected at most \(KernelInterface.maximumSegments)")
    }
    let words = interface.segmentsAt + segments * SegmentWord.count
    guard call.words.count == words else { throw fault("found \(call.words.count) words, expected \(words)") }
    guard call.groups >= 1 else { throw fault("found \(call.groups) groups, expected at least 1") }
    guard (1...Call.maximumArenas).contains(call.arenas.count), call.arenas.allSatisfy(arenas.indices.contains) else {
      throw fault("found arenas \(call.arenas), expected 1 to \(Call.maximumArenas) of the plan's \(arenas.count)")
    }
    var operands = Array(interface.operands.indices)
    for segment in 0..<segments {
      let first = interface.segmentsAt + segment * SegmentWord.count
      operands += first..<first + SegmentWord.channels.rawValue
    }
    for at in operands where call.words[at] != Call.absentOperand {
      let slot = call.words[at] >> 56
      let offset = call.words[at] & (1 << 56 - 1)
      guard call.arenas.indices.contains(slot), offset <= arenas[call.arenas[slot]].sizeInBytes else {
        throw fault("word \(at) stands for slot \(slot), byte \(offset): outside its arena")
      }
    }
  }
}
