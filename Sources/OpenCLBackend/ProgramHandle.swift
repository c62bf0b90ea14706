import COpenCL

struct ProgramHandle: ~Copyable, @unchecked Sendable {
  let pointer: OpaquePointer
  private init(pointer: OpaquePointer) { self.pointer = pointer }
  deinit { _ = opencl.clReleaseProgram(pointer) }

  /// Not yet built.
  static func source(
    _ text: String, _ context: borrowing ContextHandle
  ) throws(OpenCLError) -> ProgramHandle {
    var status: cl_int = CL_SUCCESS
    var text = text
    let pointer = text.withUTF8 { bytes in
      bytes.withMemoryRebound(to: CChar.self) { characters in
        var start = characters.baseAddress
        var count = characters.count
        return opencl.clCreateProgramWithSource(context.pointer, 1, &start, &count, &status)
      }
    }
    return ProgramHandle(pointer: try created(pointer, status, "clCreateProgramWithSource"))
  }

  /// Not yet built; a driver may refuse a binary here or when it is built.
  static func binary(
    _ bytes: [UInt8], _ context: borrowing ContextHandle, device: cl_device_id
  ) throws(OpenCLError) -> ProgramHandle {
    var status: cl_int = CL_SUCCESS
    var accepted: cl_int = CL_SUCCESS
    var device: cl_device_id? = device
    let pointer = bytes.withUnsafeBufferPointer { bytes in
      var start = bytes.baseAddress
      var count = bytes.count
      return opencl.clCreateProgramWithBinary(
        context.pointer, 1, &device, &count, &start, &accepted, &status)
    }
    let program = ProgramHandle(pointer: try created(pointer, status, "clCreateProgramWithBinary"))
    try check(accepted, "clCreateProgramWithBinary")
    return program
  }

  func build(options: String, device: cl_device_id) throws(OpenCLError) {
    var device: cl_device_id? = device
    try check(
      opencl.clBuildProgram(pointer, 1, &device, options, nil, nil), "clBuildProgram")
  }

  /// What the compiler printed; empty where the driver does not say.
  func buildLog(device: cl_device_id) -> String {
    let parameter = cl_program_build_info(CL_PROGRAM_BUILD_LOG)
    var count = 0
    guard
      opencl.clGetProgramBuildInfo(pointer, device, parameter, 0, nil, &count) == CL_SUCCESS, count > 0
    else { return "" }
    var bytes = [UInt8](repeating: 0, count: count)
    guard opencl.clGetProgramBuildInfo(pointer, device, parameter, count, &bytes, nil) == CL_SUCCESS else {
      return ""
    }
    return String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
  }

  /// The built program for its one device; nil where the driver gives none.
  func binary() -> [UInt8]? {
    var count = 0
    guard
      opencl.clGetProgramInfo(
        pointer, cl_program_info(CL_PROGRAM_BINARY_SIZES), MemoryLayout<Int>.size, &count, nil) == CL_SUCCESS,
      count > 0
    else { return nil }
    var bytes = [UInt8](repeating: 0, count: count)
    let status = bytes.withUnsafeMutableBufferPointer { bytes in
      var start = bytes.baseAddress
      return opencl.clGetProgramInfo(
        pointer, cl_program_info(CL_PROGRAM_BINARIES), MemoryLayout<UnsafeMutablePointer<UInt8>?>.size,
        &start, nil)
    }
    return status == CL_SUCCESS ? bytes : nil
  }
}
