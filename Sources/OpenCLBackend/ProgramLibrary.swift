import COpenCL
import ExecutionPlan
import KernelCatalog
import Synchronization

/// Builds each distinct kernel once for a device: from memory, from disk, or from its text.
final class ProgramLibrary: Sendable {
  /// With a buffer above 4 GiB, Intel's GPU compiler must use 64-bit addressing.
  static let largeBufferOption = "-cl-intel-greater-than-4GB-buffer-required"

  private let device: DeviceRecord
  private let cache: BinaryCache?
  private let built = Mutex<[UInt128: Shared<ProgramHandle>]>([:])
  /// Kernels whose text went through the device's compiler, for tests of the cache.
  private let compilations = Atomic<Int>(0)
  var compilationCount: Int { compilations.load(ordering: .relaxed) }

  init(device: DeviceRecord, cache: BinaryCache?) {
    self.device = device
    self.cache = cache
  }

  func program(
    for kernel: Kernel, needsLargeBuffers: Bool, in context: borrowing ContextHandle
  ) throws -> Shared<ProgramHandle> {
    var options = KernelText.options(for: kernel)
    if needsLargeBuffers { options += " " + Self.largeBufferOption }
    let name = kernel.defines.reduce(kernel.name) { "\($0) \($1.name)=\($1.value)" }
    return try program(
      source: KernelText.source(of: kernel), options: options, name: name, in: context)
  }

  /// - Parameter name: For messages.
  func program(
    source: String, options: String, name: String, in context: borrowing ContextHandle
  ) throws -> Shared<ProgramHandle> {
    var key = Digest()
    for part in [source, options, device.name, device.driverVersion, device.platformVersion] { key.add(part) }
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
