import COpenCL
import ExecutionPlan
import Synchronization

/// A kernel that no cache holds yet, and how it is built.
public struct UnpreparedKernel: Sendable, Codable {
  var kernel: Kernel
  var needsLargeBuffers: Bool
}

/// Drivers compile on one core, PoCL behind a lock. So what no cache holds is prepared by other processes, whose cache this
/// one reads.
public enum KernelPreparation {
  public typealias Helper = @Sendable (_ device: String, _ kernels: [UnpreparedKernel]) -> Void

  private static let helper = Mutex<Helper?>(nil)

  /// Has `load` of every OpenCL device call `body` first, with the device's id and the kernels that it will miss.
  public static func take(_ body: @escaping Helper) { helper.withLock { $0 = body } }

  static var current: Helper? { helper.withLock { $0 } }
}

extension OpenCLDevice {
  /// Builds a kernel, which fills this program's cache, and launches it idle: some drivers make machine code only then.
  /// - Throws: `KernelBuildError` or `OpenCLError`.
  public func prepare(_ wanted: UnpreparedKernel) throws {
    try naming {
      let context = try context()
      let program = try programs.program(
        for: wanted.kernel, needsLargeBuffers: wanted.needsLargeBuffers, in: context.handle)
      let queue = try QueueHandle(context.handle, device: record.id, profiling: false)
      let nothing = try BufferHandle(context.handle, sizeInBytes: 64, flags: cl_mem_flags(CL_MEM_READ_WRITE))
      try Launch(idle: wanted.kernel, program: program.handle, buffer: nothing).enqueue(on: queue, event: nil)
      try queue.finish()
    }
  }

  /// Has others prepare those of a plan's kernels that are in no cache.
  func prepareElsewhere(_ kernels: [Kernel], needsLargeBuffers: Bool) throws {
    guard let helper = KernelPreparation.current else { return }
    let missing = try Set(kernels).filter { try !programs.isPrepared($0, needsLargeBuffers: needsLargeBuffers) }
    guard !missing.isEmpty else { return }
    // Convolutions take longest, so they start first.
    let convolutions = kernels.filter { $0.name.hasPrefix("conv3d") }
    let others = kernels.filter { !$0.name.hasPrefix("conv3d") }
    let inOrder = (convolutions + others).filter(missing.contains)
    helper(description.id, inOrder.map { UnpreparedKernel(kernel: $0, needsLargeBuffers: needsLargeBuffers) })
  }
}
