// Tensors as numbers.
extension SafetensorsFile {
  /// The elements of a F32, F16, BF16 or F64 tensor, row-major. F64 is rounded to the nearest `Float`.
  public func floats(_ name: String) throws(InterchangeError) -> [Float] {
    let info = try existing(name)
    guard [.float32, .float16, .bfloat16, .float64].contains(info.type) else {
      throw wrongType(info, expected: "F32, F16, BF16 or F64")
    }
    var values = [Float](repeating: 0, count: info.sizeInBytes / info.type.sizeInBytes)
    if info.type == .float32 {
      try values.withUnsafeMutableBufferPointer { (values) throws(InterchangeError) in
        try read(name, into: UnsafeMutableRawBufferPointer(values))
      }
      return values
    }
    try values.withUnsafeMutableBufferPointer { (values) throws(InterchangeError) in
      try forEachPiece(of: info) { (bytes, first) throws(InterchangeError) in
        switch info.type {
        case .float16:
          for (index, bits) in elements(bytes, as: UInt16.self) {
            values[first + index] = Float(Float16(bitPattern: bits))
          }
        case .bfloat16:
          for (index, bits) in elements(bytes, as: UInt16.self) {
            values[first + index] = Float(bitPattern: UInt32(bits) << 16)
          }
        default:
          for (index, bits) in elements(bytes, as: UInt64.self) {
            values[first + index] = Float(Double(bitPattern: bits))
          }
        }
      }
    }
    return values
  }

  /// The elements of a BOOL, U8, I8, U16, I16, I32 or I64 tensor, row-major. An I64 that `Int32` does not
  /// hold is an error.
  public func int32s(_ name: String) throws(InterchangeError) -> [Int32] {
    let info = try existing(name)
    guard [.bool, .uint8, .int8, .uint16, .int16, .int32, .int64].contains(info.type) else {
      throw wrongType(info, expected: "BOOL, U8, I8, U16, I16, I32 or I64")
    }
    var values = [Int32](repeating: 0, count: info.sizeInBytes / info.type.sizeInBytes)
    try values.withUnsafeMutableBufferPointer { (values) throws(InterchangeError) in
      try forEachPiece(of: info) { (bytes, first) throws(InterchangeError) in
        switch info.type {
        case .int8:
          for (index, value) in elements(bytes, as: Int8.self) { values[first + index] = Int32(value) }
        case .uint16:
          for (index, value) in elements(bytes, as: UInt16.self) { values[first + index] = Int32(value) }
        case .int16:
          for (index, value) in elements(bytes, as: Int16.self) { values[first + index] = Int32(value) }
        case .int32:
          for (index, value) in elements(bytes, as: Int32.self) { values[first + index] = value }
        case .int64:
          for (index, value) in elements(bytes, as: Int64.self) {
            guard let narrow = Int32(exactly: value) else {
              throw InterchangeError(
                path: path,
                problem: "tensor \(quoted(name)): found \(value) at index \(first + index), expected 32 bits")
            }
            values[first + index] = narrow
          }
        default:
          for (index, value) in elements(bytes, as: UInt8.self) { values[first + index] = Int32(value) }
        }
      }
    }
    return values
  }

  private func wrongType(_ info: TensorInfo, expected: String) -> InterchangeError {
    InterchangeError(
      path: path, problem: "tensor \(quoted(info.name)): found \(info.type.rawValue), expected \(expected)")
  }
}

/// Index and value of each element. Loads are unaligned: the format does not align tensors.
private func elements<T: FixedWidthInteger & BitwiseCopyable>(
  _ bytes: UnsafeRawBufferPointer, as type: T.Type
) -> some Sequence<(Int, T)> {
  (0..<bytes.count / MemoryLayout<T>.size).lazy.map { index in
    (index, T(littleEndian: bytes.loadUnaligned(fromByteOffset: index * MemoryLayout<T>.size, as: T.self)))
  }
}
