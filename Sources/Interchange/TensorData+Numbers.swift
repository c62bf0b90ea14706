extension TensorData {
  /// The elements of a F32, F16, BF16 or F64 tensor, row-major; nil for other types.
  public var floats: [Float]? {
    switch type {
    case .float32: loaded(UInt32.self) { Float(bitPattern: $0) }
    case .float16: loaded(UInt16.self) { Float(Float16(bitPattern: $0)) }
    case .bfloat16: loaded(UInt16.self) { Float(bitPattern: UInt32($0) << 16) }
    case .float64: loaded(UInt64.self) { Float(Double(bitPattern: $0)) }
    default: nil
    }
  }

  /// The elements of a BOOL, U8, I8, U16, I16, I32, U32 or I64 tensor, row-major; nil for other types.
  public var integers: [Int]? {
    switch type {
    case .bool, .uint8: bytes.map(Int.init)
    case .int8: loaded(Int8.self, Int.init)
    case .uint16: loaded(UInt16.self, Int.init)
    case .int16: loaded(Int16.self, Int.init)
    case .uint32: loaded(UInt32.self, Int.init)
    case .int32: loaded(Int32.self, Int.init)
    case .int64: loaded(Int64.self, Int.init)
    default: nil
    }
  }

  /// The elements of a tensor of numbers, exact but for integers beyond 2⁵³; nil for other types.
  public var doubles: [Double]? {
    if type == .float64 { return loaded(UInt64.self) { Double(bitPattern: $0) } }
    return floats?.map(Double.init) ?? integers?.map(Double.init)
  }

  public init(shape: [Int], doubles: [Double]) {
    self.init(shape: shape, type: .float64, bytes: doubles.withUnsafeBytes(Array.init))
  }

  public init(shape: [Int], integers: [Int]) {
    self.init(shape: shape, type: .int64, bytes: integers.flatMap { littleEndianBytes(Int64($0)) })
  }

  /// Unaligned: tensors lie where their file has them.
  private func loaded<Bits: FixedWidthInteger & BitwiseCopyable, Number>(
    _ bits: Bits.Type, _ number: (Bits) -> Number
  ) -> [Number] {
    let size = MemoryLayout<Bits>.size
    return bytes.withUnsafeBytes { memory in
      (0..<memory.count / size).map {
        number(Bits(littleEndian: memory.loadUnaligned(fromByteOffset: size * $0, as: Bits.self)))
      }
    }
  }
}
