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
  private let double: DoublePrecision?
  /// Defines and words of all calls; the calls point into it.
  private let table: UnsafeMutableBufferPointer<Int64>

  /// - Throws: `MemoryError` where the arenas exceed the memory, `CPUBackendError` where the plan is not
  /// sound.
  init(_ plan: ExecutionPlan, device: CPUDevice) throws {
    let validated = try PlanCheck(plan, instructionSet: device.instructionSet)
    double = device.instructionSet == .real64 ? try DoublePrecision(plan) : nil
    let arenas = try ArenaMemory(double?.arenas ?? plan.arenas, device: device.description)
    guard let pool = voxcl_pool_create(Int32(device.threads)) else {
      throw CPUBackendError("the system refused \(device.threads) threads")
    }
    self.plan = plan
    self.arenas = arenas
    self.pool = pool
    allocatedBytes = arenas.allocatedBytes
    (programs, table) = validated.prepare(arenas, offsetFactor: double == nil ? 1 : 2)
  }

  deinit {
    voxcl_pool_destroy(pool)
    table.deallocate()
  }

  public func write(_ bytes: UnsafeRawBufferPointer, to address: ArenaAddress) throws {
    guard let source = bytes.baseAddress else { return }
    let target = try place(address, byteCount: bytes.count)
    guard let double else { return target.copyMemory(from: source, byteCount: bytes.count) }
    double.widen(bytes, of: try double.tensor(at: address, byteCount: bytes.count), to: target)
  }

  public func read(_ bytes: UnsafeMutableRawBufferPointer, from address: ArenaAddress) throws {
    guard let target = bytes.baseAddress else { return }
    let source = try place(address, byteCount: bytes.count)
    guard let double else { return target.copyMemory(from: source, byteCount: bytes.count) }
    double.narrow(source, of: try double.tensor(at: address, byteCount: bytes.count), to: bytes)
  }

  var isDoublePrecision: Bool { double != nil }

  /// Where the plan's bytes lie; in double precision they take twice as many.
  func place(_ address: ArenaAddress, byteCount: Int) throws(CPUBackendError) -> UnsafeMutableRawPointer {
    guard isDoublePrecision else { return try arenas.place(address, byteCount: byteCount) }
    let there = ArenaAddress(arena: address.arena, offsetInBytes: 2 * address.offsetInBytes)
    return try arenas.place(there, byteCount: 2 * byteCount)
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
