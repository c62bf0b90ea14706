import CCPUKernels
import ExecutionPlan
import KernelCatalog

/// A plan with its arenas and threads. One thread drives it.
public final class LoadedCPUPlan: LoadedPlan {
  public let plan: ExecutionPlan
  public private(set) var allocatedBytes = 0

  private let arenas: ArenaMemory
  private let pool: OpaquePointer
  private let programs: [(name: ProgramName, calls: [PreparedCall])]
  /// Defines and words of all calls; the calls point into it.
  private let table: UnsafeMutableBufferPointer<Int64>

  /// - Throws: `MemoryError` where the arenas exceed the memory, `CPUBackendError` where the plan is not
  /// sound.
  init(_ plan: ExecutionPlan, device: CPUDevice) throws {
    let validated = try PlanCheck(plan, instructionSet: device.instructionSet)
    let arenas = try ArenaMemory(plan.arenas, device: device.description)
    guard let pool = voxcl_pool_create(Int32(device.threads)) else {
      throw CPUBackendError("the system refused \(device.threads) threads")
    }
    self.plan = plan
    self.arenas = arenas
    self.pool = pool
    allocatedBytes = arenas.allocatedBytes
    (programs, table) = validated.prepare(arenas)
  }

  deinit {
    voxcl_pool_destroy(pool)
    table.deallocate()
  }

  public func write(_ bytes: UnsafeRawBufferPointer, to address: ArenaAddress) throws {
    guard let source = bytes.baseAddress else { return }
    try arenas.place(address, byteCount: bytes.count).copyMemory(from: source, byteCount: bytes.count)
  }

  public func read(_ bytes: UnsafeMutableRawBufferPointer, from address: ArenaAddress) throws {
    guard let target = bytes.baseAddress else { return }
    target.copyMemory(from: try arenas.place(address, byteCount: bytes.count), byteCount: bytes.count)
  }

  public func run(_ program: ProgramName) throws {
    for call in try calls(of: program) { launch(call) }
  }

  public func profile(_ program: ProgramName) throws -> [Double] {
    try calls(of: program).map { call in
      let start = voxcl_seconds()
      launch(call)
      return voxcl_seconds() - start
    }
  }

  private func calls(of program: ProgramName) throws -> [PreparedCall] {
    guard let found = programs.first(where: { $0.name == program }) else {
      throw CPUBackendError("plan of \(plan.model): it has no program \(program.rawValue)")
    }
    return found.calls
  }

  private func launch(_ call: PreparedCall) {
    withUnsafePointer(to: call.call) { voxcl_pool_run(pool, call.kernel, $0, Int64(call.groups)) }
  }
}

/// A call with its function and addresses.
struct PreparedCall {
  var kernel: voxcl_kernel
  var call: voxcl_call
  var groups: Int
}
