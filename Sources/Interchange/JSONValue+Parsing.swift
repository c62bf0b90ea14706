extension JSONValue {
  /// Reads a text; a byte order mark at its start is skipped.
  ///
  /// - Parameter mostLevels: how deep lists and objects may be nested.
  /// - Complexity: O(n).
  public init(
    parsing bytes: [UInt8], dialect: JSONDialect = .strict, mostLevels: Int = 128
  ) throws(JSONSyntaxError) {
    var scanner = JSONScanner(bytes, dialect: dialect)
    if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { scanner.index = 3 }
    self = try scanner.value(levels: mostLevels)
    try scanner.end()
  }

  public init(
    parsing text: String, dialect: JSONDialect = .strict, mostLevels: Int = 128
  ) throws(JSONSyntaxError) {
    try self.init(parsing: Array(text.utf8), dialect: dialect, mostLevels: mostLevels)
  }
}

extension JSONScanner {
  fileprivate mutating func value(levels: Int) throws(JSONSyntaxError) -> JSONValue {
    try skipSpace()
    switch current {
    case UInt8(ascii: "{"):
      guard levels > 0 else { throw failure("nested too deeply") }
      return .object(try object(levels: levels - 1))
    case UInt8(ascii: "["):
      guard levels > 0 else { throw failure("nested too deeply") }
      index += 1
      var values: [JSONValue] = []
      if try accept("]") { return .array([]) }
      repeat { values.append(try value(levels: levels - 1)) } while try continues(closing: "]")
      return .array(values)
    case UInt8(ascii: "\""), UInt8(ascii: "'"):
      return .string(try string())
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "+"):
      if dialect == .strict && (current == UInt8(ascii: ".") || current == UInt8(ascii: "+")) {
        throw unexpected("a value")
      }
      return switch try number() {
      case .integer(let value): .integer(value)
      case .floating(let value): .number(value)
      }
    default:
      return try word()
    }
  }

  private mutating func object(levels: Int) throws(JSONSyntaxError) -> JSONObject {
    index += 1
    var object = JSONObject()
    if try accept("}") { return object }
    repeat {
      try skipSpace()
      let start = self
      let key = try key()
      if let first = object.member(key) {
        throw start.failure("the key \(quoted(key)) stands here again, first on line \(first.line)")
      }
      object.append(JSONObject.Member(key: key, value: try value(levels: levels), line: start.line))
    } while try continues(closing: "}")
    return object
  }

  private mutating func word() throws(JSONSyntaxError) -> JSONValue {
    let words: [(StaticString, JSONValue)] = [("null", .null), ("true", .bool(true)), ("false", .bool(false))]
    for (word, value) in words {
      let end = index + word.utf8CodeUnitCount
      guard end <= bytes.count else { continue }
      let matches = word.withUTF8Buffer { bytes[index..<end].elementsEqual($0) }
      if matches, end == bytes.count || !isNameByte(bytes[end]) {
        index = end
        return value
      }
    }
    throw unexpected("a value")
  }
}
