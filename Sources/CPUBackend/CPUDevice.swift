import CCPUKernels
import ExecutionPlan

/// This computer's processor as a device. Its kernels are C with several instruction sets, chosen when
/// the device is made.
public final class CPUDevice: Device {
  public let description: DeviceDescription
  /// Instruction set that the kernels use.
  public let instructionSet: InstructionSet
  /// Threads that run the groups of a call. Results do not depend on it.
  public let threads: Int

  /// - Parameters:
  ///   - threads: nil takes `VOXCL_THREADS`, or else the number of processors.
  ///   - instructionSet: nil takes `VOXCL_CPU_ISA`, or else the best that the processor has.
  /// - Throws: `CPUBackendError` where a variable or an argument asks for what this processor lacks.
  public init(threads: Int? = nil, instructionSet: InstructionSet? = nil) throws(CPUBackendError) {
    let threads = if threads != nil { threads } else { try CPUDevice.threadsFromEnvironment() }
    self.threads = threads ?? HostProcessor.cores
    guard (1...1024).contains(self.threads) else {
      throw CPUBackendError("threads: found \(self.threads), expected 1 to 1024")
    }
    let set = if instructionSet != nil { instructionSet }
      else { try CPUDevice.instructionSetFromEnvironment() }
    self.instructionSet = set ?? .best
    guard self.instructionSet.isSupported else {
      throw CPUBackendError("this processor has no \(self.instructionSet.rawValue)")
    }
    let memory = HostProcessor.memoryBytes
    description = DeviceDescription(
      id: "cpu", name: HostProcessor.name, vendor: HostProcessor.vendor, kind: .cpu,
      memoryBytes: memory, maxAllocationBytes: try Self.largestAllocation(memory), computeUnits: self.threads,
      capabilities: [self.instructionSet.rawValue, "fp16-storage"])
  }

  public func load(_ plan: ExecutionPlan) throws -> any LoadedPlan {
    try LoadedCPUPlan(plan, device: self)
  }

  /// `VOXCL_MAX_ALLOCATION` plays a device that grants no more at once.
  private static func largestAllocation(_ memory: Int) throws(CPUBackendError) -> Int {
    guard let text = HostProcessor.environment("VOXCL_MAX_ALLOCATION") else { return memory }
    guard let bytes = byteCount(of: text) else {
      throw CPUBackendError("VOXCL_MAX_ALLOCATION: found \"\(text)\", expected bytes such as 256MiB")
    }
    return min(bytes, memory)
  }

  private static func threadsFromEnvironment() throws(CPUBackendError) -> Int? {
    guard let text = HostProcessor.environment("VOXCL_THREADS") else { return nil }
    guard let threads = Int(text) else {
      throw CPUBackendError("VOXCL_THREADS: found \"\(text)\", expected a number of threads")
    }
    return threads
  }

  private static func instructionSetFromEnvironment() throws(CPUBackendError) -> InstructionSet? {
    guard let text = HostProcessor.environment("VOXCL_CPU_ISA") else { return nil }
    guard let set = InstructionSet(rawValue: text), InstructionSet.allCases.contains(set) else {
      let names = InstructionSet.allCases.map(\.rawValue).joined(separator: ", ")
      throw CPUBackendError("VOXCL_CPU_ISA: found \"\(text)\", expected one of \(names)")
    }
    return set
  }
}

/// Instruction sets that the kernels are compiled for.
public enum InstructionSet: String, Sendable, CaseIterable {
  /// What every processor of the architecture has.
  case baseline
  /// AVX2, FMA and F16C.
  case avx2
  /// AVX-512 F, BW, VL and DQ.
  case avx512
  /// Double precision, see `DoublePrecision`. Not among `allCases`, and never chosen by itself.
  case real64

  /// Those of fp32, from the slowest on.
  public static let allCases: [InstructionSet] = [.baseline, .avx2, .avx512]

  var index: Int32 {
    switch self {
    case .baseline: Int32(voxcl_isa_baseline.rawValue)
    case .avx2: Int32(voxcl_isa_avx2.rawValue)
    case .avx512: Int32(voxcl_isa_avx512.rawValue)
    case .real64: Int32(voxcl_isa_real64.rawValue)
    }
  }

  public var isSupported: Bool { voxcl_cpu_supports(index) != 0 }
  public static var best: InstructionSet { allCases.last(where: \.isSupported) ?? .baseline }
}

/// A plan that this backend cannot run, or a system that refuses threads: what was found and expected.
public struct CPUBackendError: Error, CustomStringConvertible, Sendable {
  public var description: String
  init(_ description: String) { self.description = description }
}
