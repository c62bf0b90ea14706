/// The element types of a safetensors file, named as there.
public enum TensorDataType: String, Sendable, CaseIterable {
  case bool = "BOOL"
  case uint8 = "U8"
  case int8 = "I8"
  case float8E5M2 = "F8_E5M2"
  case float8E4M3 = "F8_E4M3"
  case float8E8M0 = "F8_E8M0"
  case uint16 = "U16"
  case int16 = "I16"
  case float16 = "F16"
  case bfloat16 = "BF16"
  case uint32 = "U32"
  case int32 = "I32"
  case float32 = "F32"
  case uint64 = "U64"
  case int64 = "I64"
  case float64 = "F64"
  case complex64 = "C64"

  public var sizeInBytes: Int {
    switch self {
    case .bool, .uint8, .int8, .float8E5M2, .float8E4M3, .float8E8M0: 1
    case .uint16, .int16, .float16, .bfloat16: 2
    case .uint32, .int32, .float32: 4
    case .uint64, .int64, .float64, .complex64: 8
    }
  }
}

/// A tensor in memory: row-major, little-endian, without padding.
public struct TensorData: Sendable, Equatable {
  public var shape: [Int]
  public var type: TensorDataType
  public var bytes: [UInt8]

  public init(shape: [Int], type: TensorDataType, bytes: [UInt8]) {
    self.shape = shape
    self.type = type
    self.bytes = bytes
  }

  public init(shape: [Int], floats: [Float]) {
    self.init(shape: shape, type: .float32, bytes: floats.withUnsafeBytes(Array.init))
  }

  public init(shape: [Int], int32s: [Int32]) {
    self.init(shape: shape, type: .int32, bytes: int32s.withUnsafeBytes(Array.init))
  }
}

/// Product of the extents times the element's size; nil where an extent is negative or the product overflows.
func byteCount(shape: [Int], type: TensorDataType) -> Int? {
  var count = type.sizeInBytes
  for extent in shape {
    let product = count.multipliedReportingOverflow(by: extent)
    guard extent >= 0, !product.overflow else { return nil }
    count = product.partialValue
  }
  return count
}
