import ExecutionPlan

/// A plan in double precision (`InstructionSet.real64`): every fp32 element takes eight bytes and every offset is
/// twice the plan's. The host still hands over and takes fp32; what it wants exactly, it moves as `Double`.
///
/// It is the measure for gradients: central differences in double precision tell a wrong derivative from rounding.
struct DoublePrecision {
  private let plan: ExecutionPlan

  /// - Throws: `CPUBackendError` where the plan stores fp16.
  init(_ plan: ExecutionPlan) throws(CPUBackendError) {
    guard plan.precision == .fp32 else {
      throw CPUBackendError("plan of \(plan.model): only fp32 plans run in double precision, not mixed ones")
    }
    self.plan = plan
  }

  var arenas: [Arena] { plan.arenas.map { Arena(name: $0.name, sizeInBytes: 2 * $0.sizeInBytes) } }

  /// Scalars whose bits are an integer's; they stand in the low half of their eight bytes.
  private static let integerScalars: Set<Int> = Set(
    [
      Scalar.microBatch, .seedLow, .seedHigh, .step, .scaleInterval, .goodSteps, .updates, .skipped,
    ].map(\.rawValue))

  /// The tensor that begins at an address: its type says how bytes are converted.
  func tensor(at address: ArenaAddress, byteCount: Int) throws(CPUBackendError) -> StoredTensor {
    let found = plan.tensors.filter { $0.address == address && $0.sizeInBytes >= byteCount }
    guard let first = found.first, found.allSatisfy({ $0.type == first.type }) else {
      throw CPUBackendError(
        "double precision: \(found.count) tensors of differing types at offset \(address.offsetInBytes)")
    }
    return first
  }

  func widen(_ bytes: UnsafeRawBufferPointer, of tensor: StoredTensor, to target: UnsafeMutableRawPointer) {
    guard tensor.type == .float32 else {
      return target.copyMemory(from: bytes.baseAddress!, byteCount: bytes.count)
    }
    let isScalars = tensor.name == "scalars"
    for index in 0..<bytes.count / 4 {
      let bits = bytes.loadUnaligned(fromByteOffset: 4 * index, as: UInt32.self)
      if isScalars && Self.integerScalars.contains(index) {
        target.storeBytes(of: UInt64(bits), toByteOffset: 8 * index, as: UInt64.self)
      } else {
        target.storeBytes(of: Double(Float(bitPattern: bits)), toByteOffset: 8 * index, as: Double.self)
      }
    }
  }

  func narrow(_ source: UnsafeMutableRawPointer, of tensor: StoredTensor, to bytes: UnsafeMutableRawBufferPointer) {
    guard tensor.type == .float32 else {
      return bytes.baseAddress!.copyMemory(from: source, byteCount: bytes.count)
    }
    let isScalars = tensor.name == "scalars"
    for index in 0..<bytes.count / 4 {
      let bits =
        isScalars && Self.integerScalars.contains(index)
        ? source.load(fromByteOffset: 8 * index, as: UInt32.self)
        : Float(source.load(fromByteOffset: 8 * index, as: Double.self)).bitPattern
      bytes.storeBytes(of: bits, toByteOffset: 4 * index, as: UInt32.self)
    }
  }
}

extension LoadedCPUPlan {
  /// A named fp32 tensor of a plan in double precision, as it is.
  public func doubles(_ name: String) throws -> [Double] {
    let (base, count) = try doublePlace(name)
    return (0..<count).map { base.load(fromByteOffset: 8 * $0, as: Double.self) }
  }

  public func write(doubles: [Double], to name: String) throws {
    let (base, count) = try doublePlace(name)
    guard doubles.count == count else {
      throw CPUBackendError("tensor \(name): found \(doubles.count) values, expected \(count)")
    }
    for (index, value) in doubles.enumerated() {
      base.storeBytes(of: value, toByteOffset: 8 * index, as: Double.self)
    }
  }

  private func doublePlace(_ name: String) throws -> (UnsafeMutableRawPointer, count: Int) {
    guard let tensor = plan.tensor(name), tensor.type == .float32, isDoublePrecision else {
      throw CPUBackendError("tensor \(name): not an fp32 tensor of a plan in double precision")
    }
    return (try place(tensor.address, byteCount: tensor.sizeInBytes), tensor.sizeInBytes / 4)
  }
}
