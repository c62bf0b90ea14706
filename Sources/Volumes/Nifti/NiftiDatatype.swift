internal import CNifti

/// How a NIfTI file stores one voxel. Only real scalars: colour, complex, 1-bit and long double are refused.
public enum NiftiDatatype: Int, Sendable, CaseIterable {
  case uint8 = 2
  case int16 = 4
  case int32 = 8
  case float32 = 16
  case float64 = 64
  case int8 = 256
  case uint16 = 512
  case uint32 = 768
  case int64 = 1024
  case uint64 = 1280

  public var name: String { "\(self)" }

  public var bytesPerVoxel: Int {
    switch self {
    case .uint8, .int8: 1
    case .int16, .uint16: 2
    case .int32, .uint32, .float32: 4
    case .int64, .uint64, .float64: 8
    }
  }

  public var isFloatingPoint: Bool { self == .float32 || self == .float64 }

  /// The smallest unsigned type that holds the ids 0 … `maximum`.
  public static func smallestUnsigned(holding maximum: Int32) -> NiftiDatatype {
    maximum <= 0xFF ? .uint8 : maximum <= 0xFFFF ? .uint16 : .uint32
  }

  /// What an unsupported code means, for the error message (nifti1.h, "DATATYPE").
  static func describe(code: Int) -> String {
    switch code {
    case 0: "unknown (0)"
    case 1: "1 bit per voxel (1)"
    case 32: "complex64 (32)"
    case 128: "RGB24 (128)"
    case 1536: "float128 (1536)"
    case 1792: "complex128 (1792)"
    case 2048: "complex256 (2048)"
    case 2304: "RGBA32 (2304)"
    default: "no NIfTI type (\(code))"
    }
  }
}
