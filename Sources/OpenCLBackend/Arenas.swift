import COpenCL
import ExecutionPlan

/// A plan's arenas on a device: one buffer each, all zero, all resident.
struct Arenas {
  /// By arena; nil for an arena of no bytes, which OpenCL cannot allocate and no call can read.
  private let buffers: [Shared<BufferHandle>?]
  /// Bytes asked of the driver, counted where it granted them.
  let allocatedBytes: Int

  init(
    _ arenas: [Arena], device: DeviceRecord, context: borrowing ContextHandle, queue: borrowing QueueHandle
  ) throws {
    let needed = arenas.reduce(0) { $0 + $1.sizeInBytes }
    try Self.checkFit(arenas, needed, device)
    var buffers: [Shared<BufferHandle>?] = []
    var allocated = 0
    for arena in arenas {
      guard arena.sizeInBytes > 0 else {
        buffers.append(nil)
        continue
      }
      do {
        buffers.append(try Self.resident(arena, device, context, queue))
        allocated += arena.sizeInBytes
      } catch {
        guard error.isOutOfMemory else { throw error }
        throw MemoryError(
          neededBytes: needed, availableBytes: device.memoryBytes, device: device.name,
          proposal: "the driver granted \(allocated) bytes, then \(error.call) failed: \(error.statusName)")
      }
    }
    self.buffers = buffers
    allocatedBytes = allocated
  }

  /// Drivers allocate on first use: zeros now, so that what is missing is missing at load.
  private static func resident(
    _ arena: Arena, _ device: DeviceRecord, _ context: borrowing ContextHandle,
    _ queue: borrowing QueueHandle
  ) throws(OpenCLError) -> Shared<BufferHandle> {
    var flags = cl_mem_flags(CL_MEM_READ_WRITE)
    if arena.sizeInBytes > device.maxAllocationBytes { flags |= BufferHandle.unrestrictedSizeIntel }
    let buffer = Shared(try BufferHandle(context, sizeInBytes: arena.sizeInBytes, flags: flags))
    if device.kind == .cpu {
      try buffer.handle.clearInLargePages(on: queue)
    } else {
      try buffer.handle.clear(on: queue)
    }
    if device.knowsWholeWritesOnly { try buffer.handle.rewrite(on: queue) { _ in } }
    try queue.finish()
    return buffer
  }

  func buffer(_ arena: Int) -> Shared<BufferHandle>? {
    buffers.indices.contains(arena) ? buffers[arena] : nil
  }

  /// Whether kernels must address beyond what the device states as its largest allocation.
  static func areLarge(_ arenas: [Arena], device: DeviceRecord) -> Bool {
    device.allocatesBeyondMaximum && arenas.contains { $0.sizeInBytes > device.maxAllocationBytes }
  }

  private static func checkFit(_ arenas: [Arena], _ needed: Int, _ device: DeviceRecord) throws {
    // A CPU's driver would grant more and the system end the process later.
    guard needed <= device.memoryBytes else {
      throw MemoryError(neededBytes: needed, availableBytes: device.memoryBytes, device: device.name)
    }
    guard !device.allocatesBeyondMaximum else { return }
    if let arena = arenas.first(where: { $0.sizeInBytes > device.maxAllocationBytes }) {
      throw MemoryError(
        neededBytes: arena.sizeInBytes, availableBytes: device.maxAllocationBytes, device: device.name,
        proposal: "arena \(arena.name) is one allocation, and the device limits those")
    }
  }
}
