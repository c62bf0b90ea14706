import COpenCL
import ExecutionPlan

/// A call, ready to enqueue.
final class Launch {
  private let kernel: KernelHandle
  private let groups: Int
  /// For messages: `clEnqueueNDRangeKernel of encoder.0/conv.1 forward`.
  let call: String

  /// Arguments of every kernel: its arenas, the table of all words, where this call's words begin.
  init(
    _ call: Call, kernel name: Kernel, program: borrowing ProgramHandle, arenas: Arenas,
    table: borrowing BufferHandle, at: Int
  ) throws {
    kernel = try KernelHandle(program, name: name.name)
    groups = call.groups
    self.call = "clEnqueueNDRangeKernel of \(call.label)"
    for slot in 0..<Call.maximumArenas {
      // A slot that the call leaves free gets slot 0's buffer: some drivers refuse null.
      let arena = slot < call.arenas.count ? call.arenas[slot] : call.arenas.first
      try kernel.set(slot, buffer: arena.flatMap { arenas.buffer($0) }?.handle.pointer)
    }
    try kernel.set(Call.maximumArenas, buffer: table.pointer)
    try kernel.set(Call.maximumArenas + 1, number: UInt32(at))
  }

  /// Does nothing on the device: words from `IDLE` on (kernels/arenas.cl).
  init(idle name: Kernel, program: borrowing ProgramHandle, buffer: borrowing BufferHandle) throws {
    kernel = try KernelHandle(program, name: name.name)
    groups = 1
    call = "clEnqueueNDRangeKernel of \(name.name), idle"
    for slot in 0...Call.maximumArenas { try kernel.set(slot, buffer: buffer.pointer) }
    try kernel.set(Call.maximumArenas + 1, number: .max)
  }

  func enqueue(
    on queue: borrowing QueueHandle, event: UnsafeMutablePointer<cl_event?>?
  ) throws(OpenCLError) {
    // Work-groups of one item: each is a task that loops over tiles.
    var global = groups
    var local = 1
    let status = opencl.clEnqueueNDRangeKernel(
      queue.pointer, kernel.pointer, 1, nil, &global, &local, 0, nil, event)
    if status != CL_SUCCESS { throw OpenCLError(call: call, status: status) }
  }
}
