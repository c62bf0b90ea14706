/// Bytes of one protocol-buffer message (encoding of protobuf.dev, "Encoding"), field by field as they are appended.
struct ProtobufMessage {
  private(set) var bytes: [UInt8] = []

  /// Wire type 0; negative numbers take ten bytes, as int64 does.
  mutating func integer(_ field: Int, _ value: Int) {
    key(field, wireType: 0)
    varint(UInt64(bitPattern: Int64(value)))
  }

  /// Wire type 1, little-endian.
  mutating func double(_ field: Int, _ value: Double) {
    key(field, wireType: 1)
    bytes += littleEndianBytes(value.bitPattern)
  }

  /// Wire type 5, little-endian.
  mutating func float(_ field: Int, _ value: Float) {
    key(field, wireType: 5)
    bytes += littleEndianBytes(value.bitPattern)
  }

  /// Wire type 2: bytes, or an embedded message's.
  mutating func data(_ field: Int, _ value: [UInt8]) {
    key(field, wireType: 2)
    varint(UInt64(value.count))
    bytes += value
  }

  mutating func text(_ field: Int, _ value: String) { data(field, Array(value.utf8)) }

  private mutating func key(_ field: Int, wireType: UInt64) { varint(UInt64(field) << 3 | wireType) }

  private mutating func varint(_ value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(rest))
  }
}

/// Reads the top-level fields of a message, until its end or where it is cut off or damaged.
struct ProtobufReader {
  enum Value {
    case integer(UInt64)
    case fixed64(UInt64)
    case fixed32(UInt32)
    case data(ArraySlice<UInt8>)
  }

  private var rest: ArraySlice<UInt8>

  init(_ bytes: ArraySlice<UInt8>) { rest = bytes }

  /// Whether all was read; not so behind a field that is damaged.
  var isAtEnd: Bool { rest.isEmpty && !isDamaged }
  private var isDamaged = false

  /// The numbers of a packed field; nil where it is cut off.
  static func packedIntegers(_ bytes: ArraySlice<UInt8>) -> [UInt64]? {
    var reader = ProtobufReader(bytes)
    var numbers: [UInt64] = []
    while !reader.rest.isEmpty {
      guard let number = reader.varint() else { return nil }
      numbers.append(number)
    }
    return numbers
  }

  /// The next field; nil at the end, and where the message is damaged.
  mutating func next() -> (field: Int, value: Value)? {
    guard !rest.isEmpty, !isDamaged else { return nil }
    let found = field()
    isDamaged = found == nil
    return found
  }

  private mutating func field() -> (field: Int, value: Value)? {
    guard let key = varint() else { return nil }
    let field = Int(truncatingIfNeeded: key >> 3)
    switch key & 7 {
    case 0: return varint().map { (field, .integer($0)) }
    case 1: return fixed(8).map { (field, .fixed64($0)) }
    case 5: return fixed(4).map { (field, .fixed32(UInt32(truncatingIfNeeded: $0))) }
    case 2:
      guard let count = varint(), count <= UInt64(rest.count) else { return nil }
      defer { rest = rest.dropFirst(Int(count)) }
      return (field, .data(rest.prefix(Int(count))))
    default: return nil
    }
  }

  private mutating func varint() -> UInt64? {
    var value: UInt64 = 0
    for shift in stride(from: 0, to: 64, by: 7) {
      guard let byte = rest.popFirst() else { return nil }
      value |= UInt64(byte & 0x7F) << UInt64(shift)
      if byte < 0x80 { return value }
    }
    return nil
  }

  private mutating func fixed(_ count: Int) -> UInt64? {
    guard rest.count >= count else { return nil }
    defer { rest = rest.dropFirst(count) }
    return rest.prefix(count).reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }
}

func littleEndianBytes<Integer: FixedWidthInteger>(_ value: Integer) -> [UInt8] {
  withUnsafeBytes(of: value.littleEndian) { Array($0) }
}
