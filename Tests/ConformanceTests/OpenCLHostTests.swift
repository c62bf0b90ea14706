import ExecutionPlan
import FoundationEssentials
import KernelCatalog
import Testing

@testable import OpenCLBackend

#if canImport(Glibc)
  import Glibc
#endif

/// What the OpenCL backend does beside running kernels.
@Suite struct OpenCLHostTests {
  /// `clear` of two floats in the middle of the second arena.
  private func plan(arenaBytes: [Int] = [0, 64, 128]) -> ExecutionPlan {
    let call = Call(
      kernel: 0, arenas: [1, 2], words: [1 << 56 | 64, 0, 2], groups: 2, label: "c", layer: "c", pass: .update
    )
    return ExecutionPlan(
      model: "test", precision: .fp32,
      arenas: arenaBytes.enumerated().map { Arena(name: "a\($0)", sizeInBytes: $1) },
      kernels: [Kernel(name: "clear", defines: [Define("ONLY_FIRST", 0)])],
      programs: [Program(name: .update, calls: [call, call, call])], tensors: [], parameters: [], buffers: [])
  }

  private func device(cacheFolder: String? = nil) throws -> OpenCLDevice {
    try #require(OpenCLDevice.all(cacheFolder: cacheFolder).first, "no OpenCL device here")
  }

  private func temporaryFolder() throws -> String {
    var template = Array("/tmp/voxcl-test-XXXXXX".utf8CString)
    try #require(mkdtemp(&template) != nil)
    return String(decoding: template.dropLast().map(UInt8.init), as: UTF8.self)
  }

  @Test func devicesAreNumberedAndDescribed() throws {
    let devices = OpenCLDevice.all()
    #expect(devices.map(\.description.id) == devices.indices.map { "opencl:\($0)" })
    for device in devices.map(\.description) {
      #expect(!device.name.isEmpty && device.computeUnits > 0)
      #expect(device.memoryBytes > 1 << 28 && device.maxAllocationBytes > 1 << 26)
    }
  }

  @Test func allocatesWhatThePlanSaysAndClearsIt() throws {
    let plan = plan()
    let loaded = try device().load(plan)
    #expect(loaded.allocatedBytes == plan.allocatedBytes)
    #expect((loaded as? LoadedOpenCLPlan)?.tableBytes == 9 * 8)
    var bytes = [UInt8](repeating: 1, count: 128)
    try bytes.withUnsafeMutableBytes { try loaded.read($0, from: ArenaAddress(arena: 2, offsetInBytes: 0)) }
    #expect(bytes == [UInt8](repeating: 0, count: 128))
  }

  @Test func runsAndTimesEveryCall() throws {
    let loaded = try device().load(plan())
    let ones = [UInt8](repeating: 1, count: 128)
    for action in 0..<2 {
      try ones.withUnsafeBytes { try loaded.write($0, to: ArenaAddress(arena: 2, offsetInBytes: 0)) }
      if action == 0 {
        try loaded.run(.update)
      } else {
        let seconds = try loaded.profile(.update)
        #expect(seconds.count == 3 && seconds.allSatisfy { $0 > 0 && $0 < 1 })
      }
      var bytes = [UInt8](repeating: 9, count: 128)
      try bytes.withUnsafeMutableBytes { try loaded.read($0, from: ArenaAddress(arena: 2, offsetInBytes: 0)) }
      #expect(bytes[..<64].allSatisfy { $0 == 1 } && bytes[72...].allSatisfy { $0 == 1 })
      #expect(bytes[64..<72].allSatisfy { $0 == 0 })
    }
    #expect(throws: PlanError("plan of test: it has no program predict")) { try loaded.run(.predict) }
  }

  @Test func saysWhatMemoryLacks() throws {
    let device = try device()
    let description = device.description
    let much = try #require(throws: MemoryError.self) {
      try device.load(plan(arenaBytes: [0, 64, description.memoryBytes]))
    }
    #expect(
      much.neededBytes == description.memoryBytes + 64 && much.availableBytes == description.memoryBytes)
    guard description.maxAllocationBytes + 192 < description.memoryBytes else { return }
    let large = try #require(throws: MemoryError.self) {
      try device.load(plan(arenaBytes: [0, 64, description.maxAllocationBytes + 128]))
    }
    #expect(large.availableBytes == description.maxAllocationBytes)
    #expect(large.description.contains("arena a2"))
  }

  @Test func namesFileAndLineOfAKernelThatDoesNotBuild() throws {
    let device = try device()
    let error = try #require(throws: KernelBuildError.self) {
      try device.programs.program(
        source: "#line 7 \"bad.cl\"\n__kernel void bad(void) { nonsense; }\n", options: "-cl-std=CL1.2",
        name: "bad A=1", in: device.context().handle)
    }
    #expect(error.kernel == "bad A=1" && error.device == device.description.name)
    #expect(error.log.contains("nonsense"))
    #expect(error.description.contains("bad.cl:7"), "\(error.description)")
  }

  @Test func refusesPlansThatDoNotFitTheCatalogue() throws {
    let device = try device()
    func expectFault(_ text: String, _ change: (inout ExecutionPlan) -> Void) throws {
      var plan = plan()
      change(&plan)
      let error = try #require(throws: PlanError.self) { try device.load(plan) }
      #expect(error.description.contains(text), "\(error.description)")
    }
    try expectFault("kernel sort") { $0.kernels[0].name = "sort" }
    try expectFault("macros") { $0.kernels[0].defines = [] }
    try expectFault("2 words, expected 3") { $0.programs[0].calls[1].words.removeLast() }
    try expectFault("0 groups") { $0.programs[0].calls[0].groups = 0 }
    try expectFault("arenas [1, 3]") { $0.programs[0].calls[0].arenas = [1, 3] }
    try expectFault("outside its arena") { $0.programs[0].calls[0].words[0] = 1 << 56 | 129 }
    try expectFault("slot 2") { $0.programs[0].calls[0].words[0] = 2 << 56 }
    try expectFault("kernel 1") { $0.programs[0].calls[0].kernel = 1 }
  }

  /// Compiled once; found again by another device object; a damaged entry and one of another key are as none.
  @Test func keepsBuiltKernelsOnDisk() throws {
    let folder = try temporaryFolder()
    func compilations() throws -> Int {
      let device = try device(cacheFolder: folder)
      _ = try device.load(plan())
      _ = try device.load(plan())
      return device.programs.compilationCount
    }
    #expect(try compilations() == 1)
    #expect(try compilations() == 0)
    let entries = try files(folder)
    #expect(entries.count == 1 && entries[0].hasSuffix(".bin"))
    let path = "\(folder)/\(entries[0])"
    let file = try #require(fopen(path, "r+"))
    fseek(file, -9, SEEK_END)
    let byte = fgetc(file)
    fseek(file, -9, SEEK_END)
    fputc(byte ^ 0x40, file)
    fclose(file)
    #expect(try compilations() == 1)
    #expect(try compilations() == 0)
    truncate(path, 60)
    #expect(try compilations() == 1)
    let other = BinaryCache(folder: folder)
    var key = Digest()
    key.add("another")
    rename(path, "\(folder)/\(key.hexadecimal).bin")
    #expect(other.binary(for: key) == nil)
    for entry in try files(folder) { unlink("\(folder)/\(entry)") }
    rmdir(folder)
  }

  /// The short list of built-in functions is complete: no kernel makes PoCL take its long header.
  @Test func kernelsDeclareWhatTheyCallOnPoCL() throws {
    let device = try device()
    guard device.record.isPoCL else { return }
    let context = try device.context()
    for interface in KernelCatalog.all {
      let source = try KernelText.source(of: Kernel(name: interface.name, defines: []))
      for options in ["-cl-std=CL1.2", "-cl-std=CL1.2 -DKD=1 -DM=2 -DOUT_HALF=1 -DBLOCK=1 -DOUT_BLOCK=1 -DHALF=1"] {
        _ = try device.programs.program(source: source, options: options, name: interface.name, in: context.handle)
        #expect(device.programs.leavesHeaderOut, "\(interface.name) calls a function that PoCLBuiltins does not declare")
      }
    }
  }

  /// What `load` would compile, another process can prepare; then its cache has it.
  @Test func kernelsCanBePreparedAhead() throws {
    let folder = try temporaryFolder()
    let kernels = plan().kernels
    let first = try device(cacheFolder: folder)
    #expect(try !first.programs.isPrepared(kernels[0], needsLargeBuffers: false))
    let wanted = UnpreparedKernel(kernel: kernels[0], needsLargeBuffers: false)
    let sent = try JSONDecoder().decode(UnpreparedKernel.self, from: JSONEncoder().encode(wanted))
    try first.prepare(sent)
    let second = try device(cacheFolder: folder)
    #expect(try second.programs.isPrepared(kernels[0], needsLargeBuffers: false))
    #expect(try !second.programs.isPrepared(kernels[0], needsLargeBuffers: true))
    _ = try second.load(plan())
    #expect(second.programs.compilationCount == 0)
  }

  /// A folder that cannot be written only costs time.
  @Test func runsWhereTheCacheCannotBeWritten() throws {
    let device = try device(cacheFolder: "/proc/voxcl")
    try device.load(plan()).run(.update)
    #expect(device.programs.compilationCount == 1)
  }

  @Test func digestIsFNV1a128() {
    var digest = Digest()
    digest.add(Array("foobar".utf8))
    #expect(digest.hexadecimal == "343e1662793c64bf6f0d3597ba446f18")
    #expect(Digest().hexadecimal == "6c62272e07bb014262b821756295c58d")
  }

  private func files(_ folder: String) throws -> [String] {
    let directory = try #require(opendir(folder))
    defer { closedir(directory) }
    var files: [String] = []
    while let entry = readdir(directory) {
      let file = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if !file.hasPrefix(".") { files.append(file) }
    }
    return files
  }
}
