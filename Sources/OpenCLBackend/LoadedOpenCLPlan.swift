import COpenCL
import ExecutionPlan
import KernelCatalog

/// A plan on an OpenCL device. Every call has its own kernel object with all arguments set, so that running
/// a program is one enqueue for each call and one wait.
public final class LoadedOpenCLPlan: LoadedPlan {
  public let plan: ExecutionPlan
  public var allocatedBytes: Int { arenas.allocatedBytes }
  /// Bytes of the read-only table of all calls' words: the one allocation beside the arenas.
  public let tableBytes: Int

  private let device: OpenCLDevice
  private let context: Shared<ContextHandle>
  private let queue: Shared<QueueHandle>
  private let arenas: Arenas
  private let table: BufferHandle
  private let launches: [ProgramName: [Launch]]
  /// Timing costs some drivers speed, so it has a queue of its own; nothing runs on both at once.
  private var profilingQueue: Shared<QueueHandle>?

  init(_ plan: ExecutionPlan, on device: OpenCLDevice, context: Shared<ContextHandle>) throws {
    self.plan = plan
    self.device = device
    self.context = context
    queue = Shared(try QueueHandle(context.handle, device: device.record.id, profiling: false))
    let large = Arenas.areLarge(plan.arenas, device: device.record)
    let shared = SharedKernels(plan.kernels)
    try device.prepareElsewhere(shared.programs, needsLargeBuffers: large)
    let queue = queue
    // PoCL alone is known to do both at once; Oclgrind crashes.
    let (programs, arenas) = try both(
      atOnce: device.record.isPoCL,
      {
        try shared.programs.map {
          try device.programs.program(for: $0, needsLargeBuffers: large, in: context.handle)
        }
      },
      { try Arenas(plan.arenas, device: device.record, context: context.handle, queue: queue.handle) })
    self.arenas = arenas

    var words: [Int] = []
    for program in plan.programs { for call in program.calls { words += shared.uses[call.kernel].lateWords + call.words } }
    tableBytes = max(1, words.count) * MemoryLayout<Int>.stride
    table = try BufferHandle(
      context.handle, sizeInBytes: tableBytes, flags: cl_mem_flags(CL_MEM_READ_ONLY))
    try table.write(words, on: queue.handle)

    var launches: [ProgramName: [Launch]] = [:]
    var at = 0
    for program in plan.programs {
      var list: [Launch] = []
      for call in program.calls {
        let use = shared.uses[call.kernel]
        at += use.lateWords.count
        list.append(
          try Launch(
            call, kernel: plan.kernels[call.kernel], program: programs[use.program].handle, arenas: arenas, table: table,
            at: at))
        at += call.words.count
      }
      launches[program.name] = list
    }
    self.launches = launches
  }

  public func write(_ bytes: UnsafeRawBufferPointer, to address: ArenaAddress) throws {
    guard bytes.count > 0 else { return }
    try device.naming {
      let buffer = try buffer(address.arena)
      guard device.record.knowsWholeWritesOnly else {
        return try buffer.handle.write(bytes, at: address.offsetInBytes, on: queue.handle)
      }
      try buffer.handle.rewrite(on: queue.handle) { whole in
        UnsafeMutableRawBufferPointer(rebasing: whole[address.offsetInBytes...]).copyMemory(from: bytes)
      }
    }
  }

  public func read(_ bytes: UnsafeMutableRawBufferPointer, from address: ArenaAddress) throws {
    guard bytes.count > 0 else { return }
    try device.naming { try buffer(address.arena).handle.read(bytes, at: address.offsetInBytes, on: queue.handle) }
  }

  public func run(_ program: ProgramName) throws {
    try device.naming {
      for (i, launch) in try calls(of: program).enumerated() {
        try launch.enqueue(on: queue.handle, event: nil)
        // The device starts while the host still enqueues.
        if i % 32 == 31 { try queue.handle.flush() }
      }
      try queue.handle.finish()
    }
  }

  /// Device time of each call, from its start to its end; launching is not in it.
  public func profile(_ program: ProgramName) throws -> [Double] {
    try device.naming {
      let queue = try profilingQueue ?? makeProfilingQueue()
      let events = try calls(of: program).map { launch in
        var event: cl_event?
        try launch.enqueue(on: queue.handle, event: &event)
        guard let event else { throw OpenCLError(call: launch.call, status: CL_INVALID_EVENT) }
        return Shared(EventHandle(pointer: event))
      }
      try queue.handle.finish()
      return try events.map { try $0.handle.seconds() }
    }
  }

  private func makeProfilingQueue() throws -> Shared<QueueHandle> {
    let queue = Shared(try QueueHandle(context.handle, device: device.record.id, profiling: true))
    profilingQueue = queue
    return queue
  }

  private func calls(of program: ProgramName) throws -> [Launch] {
    guard let calls = launches[program] else {
      throw PlanError("plan of \(plan.model): it has no program \(program.rawValue)")
    }
    return calls
  }

  private func buffer(_ arena: Int) throws -> Shared<BufferHandle> {
    guard let buffer = arenas.buffer(arena) else {
      throw PlanError("plan of \(plan.model): found arena \(arena), which has no bytes or is none")
    }
    return buffer
  }
}
