import ExecutionPlan

/// An operand's memory before a call, and what the call may do to it.
struct Operand {
  enum Role {
    case input  // must not change
    case output  // poisoned before, compared after
    case updated  // has contents before, compared after
    case scratch  // poisoned before, not looked at
    case slots  // scratch, so many floats for each group
    case alias(String)  // the same memory as another operand: in place
    case absent
  }
  var role: Role
  var type = ScalarType.float32
  var bytes: [UInt8] = []

  static func input(_ values: [Float], half: Bool = false) -> Operand {
    Operand(role: .input, type: half ? .float16 : .float32, bytes: encode(values, half))
  }
  static func input(_ values: [Int32]) -> Operand {
    Operand(role: .input, type: .int32, bytes: values.withUnsafeBytes(Array.init))
  }
  static func input(_ values: [UInt16]) -> Operand {
    Operand(role: .input, type: .uint16, bytes: values.withUnsafeBytes(Array.init))
  }
  static func output(_ count: Int, half: Bool = false) -> Operand {
    output(count, half ? .float16 : .float32)
  }
  static func output(_ count: Int, _ type: ScalarType) -> Operand {
    Operand(role: .output, type: type, bytes: [UInt8](repeating: 0xff, count: count * type.sizeInBytes))
  }
  static func updated(_ values: [Float], half: Bool = false) -> Operand {
    Operand(role: .updated, type: half ? .float16 : .float32, bytes: encode(values, half))
  }
  static func scratch(_ floats: Int) -> Operand {
    Operand(role: .scratch, bytes: [UInt8](repeating: 0xff, count: floats * 4))
  }
  static func slots(floatsForEachGroup floats: Int) -> Operand {
    Operand(role: .slots, bytes: [UInt8](repeating: 0xff, count: floats * 4))
  }
  static func alias(_ name: String) -> Operand { Operand(role: .alias(name)) }
  static let absent = Operand(role: .absent)

  private static func encode(_ values: [Float], _ half: Bool) -> [UInt8] {
    half ? values.map { Float16($0) }.withUnsafeBytes(Array.init) : values.withUnsafeBytes(Array.init)
  }
}

/// Contents of an operand after a call, as numbers.
struct Output: Equatable {
  var name: String
  var type: ScalarType
  var bytes: [UInt8]

  var values: [Double] {
    func load<T>(_: T.Type) -> [T] { bytes.withUnsafeBytes { Array($0.bindMemory(to: T.self)) } }
    return switch type {
    case .float32: load(Float.self).map(Double.init)
    case .float16: load(Float16.self).map { Double($0) }
    case .int32: load(Int32.self).map(Double.init)
    case .uint16: load(UInt16.self).map(Double.init)
    }
  }

  /// Whether an element is as it was before the call.
  func isPoison(_ i: Int) -> Bool {
    bytes[i * type.sizeInBytes..<(i + 1) * type.sizeInBytes].allSatisfy { $0 == 0xff }
  }
}
