import COpenCL
import ExecutionPlan
import KernelCatalog
import Synchronization

#if canImport(Glibc)
  import Glibc
#endif

/// Builds each distinct kernel once for a device: from memory, from disk, or from its text.
final class ProgramLibrary: Sendable {
  /// With a buffer above 4 GiB, Intel's GPU compiler must use 64-bit addressing.
  static let largeBufferOption = "-cl-intel-greater-than-4GB-buffer-required"

  private let device: DeviceRecord
  private let cache: BinaryCache?
  private let built = Mutex<[UInt128: Shared<ProgramHandle>]>([:])
  /// Kernels whose text went through the device's compiler, for tests of the cache.
  private let compilations = Atomic<Int>(0)
  /// Whether PoCL takes programs that declare the built-in functions themselves; until one of them fails.
  private let declaresBuiltins: Atomic<Bool>
  var leavesHeaderOut: Bool { declaresBuiltins.load(ordering: .relaxed) }
  var compilationCount: Int { compilations.load(ordering: .relaxed) }

  init(device: DeviceRecord, cache: BinaryCache?) {
    self.device = device
    self.cache = cache
    declaresBuiltins = Atomic(device.isPoCL)
  }

  func program(
    for kernel: Kernel, needsLargeBuffers: Bool, in context: borrowing ContextHandle
  ) throws -> Shared<ProgramHandle> {
    let name = kernel.defines.reduce(kernel.name) { "\($0) \($1.name)=\($1.value)" }
    return try program(
      source: KernelText.source(of: kernel), options: options(kernel, needsLargeBuffers), name: name, in: context)
  }

  private func options(_ kernel: Kernel, _ needsLargeBuffers: Bool) -> String {
    KernelText.options(for: kernel) + (needsLargeBuffers ? " " + Self.largeBufferOption : "")
  }

  /// Whether building it takes no compiler: it was built here, or the cache has it. True where there is no cache.
  func isPrepared(_ kernel: Kernel, needsLargeBuffers: Bool) throws -> Bool {
    let key = key(try KernelText.source(of: kernel), options(kernel, needsLargeBuffers))
    if built.withLock({ $0[key.value] != nil }) { return true }
    return cache.map { $0.binary(for: key) != nil } ?? true
  }

  private func key(_ source: String, _ options: String) -> Digest {
    var key = Digest()
    for part in [source, options, device.name, device.driverVersion, device.platformVersion] { key.add(part) }
    if device.isPoCL {
      // What else decides about PoCL's code.
      key.add(PoCLBuiltins.declarations)
      for name in ["POCL_WORK_GROUP_METHOD", "POCL_EXTRA_BUILD_FLAGS", "POCL_LLVM_CPU_NAME"] {
        key.add(getenv(name).map { String(cString: $0) } ?? "")
      }
    }
    return key
  }

  /// - Parameter name: For messages.
  func program(
    source: String, options: String, name: String, in context: borrowing ContextHandle
  ) throws -> Shared<ProgramHandle> {
    let key = key(source, options)
    if let known = built.withLock({ $0[key.value] }) { return known }
    let program: Shared<ProgramHandle>
    if let cached = cachedProgram(key, options, context) {
      program = cached
    } else {
      program = try compiled(source, options, name, context)
      if let cache, let binary = program.handle.binary() { cache.store(binary, for: key) }
    }
    // Two threads may have built the same one: the first stays.
    return built.withLock {
      let first = $0[key.value] ?? program
      $0[key.value] = first
      return first
    }
  }

  private func cachedProgram(
    _ key: Digest, _ options: String, _ context: borrowing ContextHandle
  ) -> Shared<ProgramHandle>? {
    guard let cache, let binary = cache.binary(for: key) else { return nil }
    do {
      let program = try ProgramHandle.binary(binary, context, device: device.id)
      try program.build(options: options, device: device.id)
      return Shared(program)
    } catch {
      cache.remove(key)
      return nil
    }
  }

  private func compiled(
    _ source: String, _ options: String, _ name: String, _ context: borrowing ContextHandle
  ) throws -> Shared<ProgramHandle> {
    compilations.wrappingAdd(1, ordering: .relaxed)
    if leavesHeaderOut {
      let short = PoCLBuiltins.declarations + source
      if let program = try? built(short, options + " " + PoCLBuiltins.option, name, context) { return program }
      declaresBuiltins.store(false, ordering: .relaxed)
    }
    return try built(source, options, name, context)
  }

  private func built(
    _ source: String, _ options: String, _ name: String, _ context: borrowing ContextHandle
  ) throws -> Shared<ProgramHandle> {
    let program = try ProgramHandle.source(source, context)
    do {
      try program.build(options: options, device: device.id)
    } catch {
      guard error.status == CL_BUILD_PROGRAM_FAILURE else { throw error }
      throw KernelBuildError(kernel: name, device: device.name, log: program.buildLog(device: device.id))
    }
    return Shared(program)
  }
}
