import COpenCL

/// A driver refused a call.
public struct OpenCLError: Error, CustomStringConvertible, Sendable, Equatable {
  /// `clEnqueueWriteBuffer`.
  public var call: String
  public var status: Int32
  /// Where it happened: the device's name, or empty.
  public var device: String

  public init(call: String, status: Int32, device: String = "") {
    self.call = call
    self.status = status
    self.device = device
  }

  /// `CL_OUT_OF_RESOURCES`.
  public var statusName: String {
    opencl_status_name(status).map { String(cString: $0) } ?? "status \(status)"
  }

  public var description: String {
    (device.isEmpty ? "" : "\(device): ") + "\(call) failed: \(statusName)"
  }

  /// Whether the driver says in its way that memory ran out.
  var isOutOfMemory: Bool {
    [CL_MEM_OBJECT_ALLOCATION_FAILURE, CL_OUT_OF_RESOURCES, CL_OUT_OF_HOST_MEMORY, CL_INVALID_BUFFER_SIZE]
      .contains(status)
  }
}

/// A device's compiler refused a kernel.
public struct KernelBuildError: Error, CustomStringConvertible, Sendable {
  /// Name and macros: `conv3d TRANSPOSED=0 T=12`.
  public var kernel: String
  public var device: String
  /// The compiler's whole output.
  public var log: String

  public var description: String {
    let lines = log.split(whereSeparator: \.isNewline)
    let first = lines.first { $0.contains("error") } ?? lines.first ?? "no message from the compiler"
    return "kernel \(kernel) does not build on \(device): \(first)"
  }
}

/// The loaded library. Whoever holds a handle came through `OpenCLDevice.all`, which found the library.
var opencl: OpenCLEntryPoints {
  guard let entryPoints = opencl_entry_points() else {
    preconditionFailure("internal: OpenCL called where it is not loaded")
  }
  return entryPoints.pointee
}

func check(_ status: cl_int, _ call: String) throws(OpenCLError) {
  if status != CL_SUCCESS { throw OpenCLError(call: call, status: status) }
}

/// The result of a `clCreate…`.
func created(_ handle: OpaquePointer?, _ status: cl_int, _ call: String) throws(OpenCLError) -> OpaquePointer
{
  try check(status, call)
  guard let handle else { throw OpenCLError(call: call, status: CL_OUT_OF_HOST_MEMORY) }
  return handle
}
