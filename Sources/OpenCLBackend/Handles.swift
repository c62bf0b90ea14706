import COpenCL
import Dispatch

#if canImport(Glibc)
  import Glibc
#endif

// All cl_* handles import as one type, OpaquePointer: each is wrapped at once, so that none is released
// twice, forgotten or passed for another. OpenCL calls are safe from any thread but clSetKernelArg, which
// only `KernelHandle` makes, before others see it.

struct ContextHandle: ~Copyable, @unchecked Sendable {
  let pointer: OpaquePointer

  init(device: cl_device_id) throws(OpenCLError) {
    var status: cl_int = CL_SUCCESS
    var device: cl_device_id? = device
    let pointer = opencl.clCreateContext(nil, 1, &device, nil, nil, &status)
    self.pointer = try created(pointer, status, "clCreateContext")
  }
  deinit { _ = opencl.clReleaseContext(pointer) }
}

/// In order: the plan's calls depend on each other only by their order.
struct QueueHandle: ~Copyable, @unchecked Sendable {
  let pointer: OpaquePointer

  init(_ context: borrowing ContextHandle, device: cl_device_id, profiling: Bool) throws(OpenCLError) {
    var status: cl_int = CL_SUCCESS
    let properties = profiling ? cl_command_queue_properties(CL_QUEUE_PROFILING_ENABLE) : 0
    let pointer = opencl.clCreateCommandQueue(context.pointer, device, properties, &status)
    self.pointer = try created(pointer, status, "clCreateCommandQueue")
  }
  deinit { _ = opencl.clReleaseCommandQueue(pointer) }

  func finish() throws(OpenCLError) { try check(opencl.clFinish(pointer), "clFinish") }
  func flush() throws(OpenCLError) { try check(opencl.clFlush(pointer), "clFlush") }
}

struct BufferHandle: ~Copyable, @unchecked Sendable {
  let pointer: OpaquePointer
  let sizeInBytes: Int

  /// Lets an Intel GPU allocate more than 4 GiB at once (CL_MEM_ALLOW_UNRESTRICTED_SIZE_INTEL); kernels
  /// must then be built with `ProgramLibrary.largeBufferOption`, or results are silently wrong.
  static let unrestrictedSizeIntel = cl_mem_flags(1 << 23)

  init(_ context: borrowing ContextHandle, sizeInBytes: Int, flags: cl_mem_flags) throws(OpenCLError) {
    var status: cl_int = CL_SUCCESS
    let pointer = opencl.clCreateBuffer(context.pointer, flags, sizeInBytes, nil, &status)
    self.pointer = try created(pointer, status, "clCreateBuffer")
    self.sizeInBytes = sizeInBytes
  }
  deinit { _ = opencl.clReleaseMemObject(pointer) }

  /// Enqueues zeros; not finished on return.
  func clear(on queue: borrowing QueueHandle) throws(OpenCLError) {
    var zero: UInt8 = 0  // a pattern of one byte is what drivers know as memset
    try check(
      opencl.clEnqueueFillBuffer(queue.pointer, pointer, &zero, 1, 0, sizeInBytes, 0, nil, nil),
      "clEnqueueFillBuffer")
  }

  /// On a CPU, zeros in pages of 2 MiB: a kernel that walks many rows at once misses the translation of 4 KiB pages at
  /// every step. All cores touch pages, for where a virtual machine hands out its memory only then, one takes 3 s a GiB.
  func clearInLargePages(on queue: borrowing QueueHandle) throws(OpenCLError) {
    var status: cl_int = CL_SUCCESS
    let flags = cl_map_flags(CL_MAP_WRITE_INVALIDATE_REGION)
    let mapped = opencl.clEnqueueMapBuffer(
      queue.pointer, pointer, cl_bool(CL_TRUE), flags, 0, sizeInBytes, 0, nil, nil, &status)
    try check(status, "clEnqueueMapBuffer")
    guard let mapped else { return try clear(on: queue) }
    let page = Int(sysconf(Int32(_SC_PAGESIZE)))
    let first = (Int(bitPattern: mapped) + page - 1) / page * page
    let last = (Int(bitPattern: mapped) + sizeInBytes) / page * page
    if last > first { madvise(UnsafeMutableRawPointer(bitPattern: first), last - first, MADV_HUGEPAGE) }
    let (start, count) = (Int(bitPattern: mapped), sizeInBytes)
    let part = 32 << 20
    DispatchQueue.concurrentPerform(iterations: (count + part - 1) / part) { i in
      _ = memset(UnsafeMutableRawPointer(bitPattern: start + i * part)!, 0, min(part, count - i * part))
    }
    try check(opencl.clEnqueueUnmapMemObject(queue.pointer, pointer, mapped, 0, nil, nil), "clEnqueueUnmapMemObject")
  }

  /// Copies before it returns.
  func write(
    _ bytes: UnsafeRawBufferPointer, at offset: Int, on queue: borrowing QueueHandle
  ) throws(OpenCLError) {
    guard bytes.count > 0 else { return }
    try check(
      opencl.clEnqueueWriteBuffer(
        queue.pointer, pointer, cl_bool(CL_TRUE), offset, bytes.count, bytes.baseAddress, 0, nil, nil),
      "clEnqueueWriteBuffer")
  }

  /// Changes the contents by one write of everything.
  func rewrite(on queue: borrowing QueueHandle, _ change: (UnsafeMutableRawBufferPointer) -> Void) throws(OpenCLError) {
    var bytes = [UInt8](repeating: 0, count: sizeInBytes)
    let status = bytes.withUnsafeMutableBytes { bytes in
      Result { () throws(OpenCLError) in
        try read(bytes, at: 0, on: queue)
        change(bytes)
        try write(UnsafeRawBufferPointer(bytes), at: 0, on: queue)
      }
    }
    try status.get()
  }

  func write(_ words: [Int], on queue: borrowing QueueHandle) throws(OpenCLError) {
    let status = words.withUnsafeBytes { bytes in
      Result { () throws(OpenCLError) in try write(bytes, at: 0, on: queue) }
    }
    try status.get()
  }

  func read(
    _ bytes: UnsafeMutableRawBufferPointer, at offset: Int, on queue: borrowing QueueHandle
  ) throws(OpenCLError) {
    guard bytes.count > 0 else { return }
    try check(
      opencl.clEnqueueReadBuffer(
        queue.pointer, pointer, cl_bool(CL_TRUE), offset, bytes.count, bytes.baseAddress, 0, nil, nil),
      "clEnqueueReadBuffer")
  }
}

struct KernelHandle: ~Copyable, @unchecked Sendable {
  let pointer: OpaquePointer

  init(_ program: borrowing ProgramHandle, name: String) throws(OpenCLError) {
    var status: cl_int = CL_SUCCESS
    let pointer = opencl.clCreateKernel(program.pointer, name, &status)
    self.pointer = try created(pointer, status, "clCreateKernel")
  }
  deinit { _ = opencl.clReleaseKernel(pointer) }

  func set(_ index: Int, buffer: OpaquePointer?) throws(OpenCLError) {
    var buffer = buffer
    try check(
      opencl.clSetKernelArg(pointer, cl_uint(index), MemoryLayout<cl_mem?>.size, &buffer), "clSetKernelArg")
  }

  func set(_ index: Int, number: UInt32) throws(OpenCLError) {
    var number = number
    try check(opencl.clSetKernelArg(pointer, cl_uint(index), 4, &number), "clSetKernelArg")
  }
}

struct EventHandle: ~Copyable {
  let pointer: OpaquePointer
  deinit { _ = opencl.clReleaseEvent(pointer) }

  /// Seconds between the device's start and end; only once the queue has finished.
  func seconds() throws(OpenCLError) -> Double {
    var start: cl_ulong = 0
    var end: cl_ulong = 0
    try check(
      opencl.clGetEventProfilingInfo(pointer, cl_profiling_info(CL_PROFILING_COMMAND_START), 8, &start, nil),
      "clGetEventProfilingInfo")
    try check(
      opencl.clGetEventProfilingInfo(pointer, cl_profiling_info(CL_PROFILING_COMMAND_END), 8, &end, nil),
      "clGetEventProfilingInfo")
    return end > start ? Double(end - start) * 1e-9 : 0
  }
}

/// Puts a handle where only copyable values can stand: arrays, dictionaries.
final class Shared<Handle: ~Copyable> {
  let handle: Handle
  init(_ handle: consuming Handle) { self.handle = handle }
}
extension Shared: Sendable where Handle: Sendable & ~Copyable {}
