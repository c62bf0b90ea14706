import COpenCL
import ExecutionPlan
import Synchronization

/// What a driver says of one device. A question that it does not answer counts as empty or zero.
struct DeviceRecord: @unchecked Sendable {  // a root device's id is valid for the life of the process
  let id: cl_device_id
  let name: String
  let vendor: String
  let driverVersion: String
  let platformVersion: String
  let kind: DeviceDescription.Kind
  let memoryBytes: Int
  let maxAllocationBytes: Int
  let computeUnits: Int
  let capabilities: [String]

  var isPoCL: Bool { platformVersion.lowercased().contains("pocl") }

  /// Oclgrind 21.10 holds what a fill wrote for uninitialised, and a whole buffer after a write that begins inside it.
  var knowsWholeWritesOnly: Bool { name.contains("Oclgrind") }

  /// Every usable device of every platform, in the drivers' order. Platforms that fail are left out.
  static func all() -> [DeviceRecord] {
    guard opencl_entry_points() != nil else { return [] }
    return listing.withLock { _ in platforms().flatMap(devices) }
  }

  /// Drivers start up in the first call that lists them; PoCL 3.1 has no devices for a second thread meanwhile.
  private static let listing = Mutex<Void>(())

  private static func platforms() -> [cl_platform_id] {
    var count: cl_uint = 0
    guard opencl.clGetPlatformIDs(0, nil, &count) == CL_SUCCESS, count > 0 else { return [] }
    var platforms = [cl_platform_id?](repeating: nil, count: Int(count))
    guard opencl.clGetPlatformIDs(count, &platforms, nil) == CL_SUCCESS else { return [] }
    return platforms.compactMap { $0 }
  }

  private static func devices(of platform: cl_platform_id) -> [DeviceRecord] {
    let kinds = cl_device_type(CL_DEVICE_TYPE_CPU | CL_DEVICE_TYPE_GPU | CL_DEVICE_TYPE_ACCELERATOR)
    var count: cl_uint = 0
    guard opencl.clGetDeviceIDs(platform, kinds, 0, nil, &count) == CL_SUCCESS, count > 0 else { return [] }
    var ids = [cl_device_id?](repeating: nil, count: Int(count))
    guard opencl.clGetDeviceIDs(platform, kinds, count, &ids, nil) == CL_SUCCESS else { return [] }
    let version = Query {
      opencl.clGetPlatformInfo(platform, cl_platform_info(CL_PLATFORM_VERSION), $0, $1, $2)
    }
    return ids.compactMap { $0 }.compactMap { DeviceRecord($0, platformVersion: version.text) }
  }

  private init?(_ id: cl_device_id, platformVersion: String) {
    func query(_ parameter: Int32) -> Query {
      Query { opencl.clGetDeviceInfo(id, cl_device_info(parameter), $0, $1, $2) }
    }
    // A plan's words and floats are copied as they stand in memory here.
    guard
      query(CL_DEVICE_AVAILABLE).number != 0, query(CL_DEVICE_ENDIAN_LITTLE).number != 0,
      query(CL_DEVICE_GLOBAL_MEM_SIZE).number > 0
    else { return nil }
    self.id = id
    self.platformVersion = platformVersion
    name = query(CL_DEVICE_NAME).text
    vendor = query(CL_DEVICE_VENDOR).text
    driverVersion = query(CL_DRIVER_VERSION).text
    let type = query(CL_DEVICE_TYPE).number
    kind =
      type & Int(CL_DEVICE_TYPE_GPU) != 0 ? .gpu : type & Int(CL_DEVICE_TYPE_CPU) != 0 ? .cpu : .accelerator
    memoryBytes = query(CL_DEVICE_GLOBAL_MEM_SIZE).number
    let largest = query(CL_DEVICE_MAX_MEM_ALLOC_SIZE).number
    // Plays a device that grants no more at once. (The CPU backend names a text that is no number of bytes.)
    let played = getenv("VOXCL_MAX_ALLOCATION").flatMap { byteCount(of: String(cString: $0)) }
    maxAllocationBytes = min(largest, played ?? largest)
    computeUnits = max(1, query(CL_DEVICE_MAX_COMPUTE_UNITS).number)

    let extensions = Set(query(CL_DEVICE_EXTENSIONS).text.split(separator: " ").map(String.init))
    var capabilities = ["fp16-storage"]  // vload_half and vstore_half are core
    func add(_ capability: String, where holds: Bool) { if holds { capabilities.append(capability) } }
    add("compiler", where: query(CL_DEVICE_COMPILER_AVAILABLE).number != 0)
    add("unified-memory", where: query(CL_DEVICE_HOST_UNIFIED_MEMORY).number != 0)
    for (name, capability) in Self.capabilityOfExtension { add(capability, where: extensions.contains(name)) }
    self.capabilities = capabilities
  }

  private static let capabilityOfExtension = [
    ("cl_khr_fp16", "fp16-arithmetic"), ("cl_khr_fp64", "fp64-arithmetic"),
    ("cl_khr_subgroups", "subgroups"), ("cl_intel_subgroups", "intel-subgroups"),
    ("cl_intel_subgroup_matrix_multiply_accumulate", "intel-matrix"),
  ]

  /// Intel's GPUs allocate more than their stated maximum when asked by a flag and a build option.
  var allocatesBeyondMaximum: Bool { kind == .gpu && vendor.contains("Intel") }

  func description(id: String) -> DeviceDescription {
    DeviceDescription(
      id: id, name: name, vendor: vendor, kind: kind, memoryBytes: memoryBytes,
      maxAllocationBytes: maxAllocationBytes, computeUnits: computeUnits, capabilities: capabilities)
  }
}

/// The answer to a `clGet…Info`.
private struct Query {
  private var bytes: [UInt8] = []

  init(_ ask: (Int, UnsafeMutableRawPointer?, UnsafeMutablePointer<Int>?) -> cl_int) {
    var count = 0
    guard ask(0, nil, &count) == CL_SUCCESS, count > 0 else { return }
    var answer = [UInt8](repeating: 0, count: count)
    if ask(count, &answer, nil) == CL_SUCCESS { bytes = answer }
  }

  /// Without the terminator and the blanks that some drivers put around names.
  var text: String {
    let text = bytes.prefix { $0 != 0 }
    let blank: (UInt8) -> Bool = { $0 <= 32 }
    return String(decoding: text.drop(while: blank).reversed().drop(while: blank).reversed(), as: UTF8.self)
  }

  /// A 32- or 64-bit unsigned answer.
  var number: Int {
    Int(
      clamping: bytes.prefix(8).enumerated().reduce(UInt64(0)) {
        $0 | UInt64($1.element) << (8 * UInt64($1.offset))
      })
  }
}
