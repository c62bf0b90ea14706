/// Reads JSON token by token, so that a reader of a known format need not build a tree of what a hostile
/// file holds.
struct JSONScanner {
  let bytes: [UInt8]
  let dialect: JSONDialect
  var index = 0
  /// Of `index`; tokens but strings hold no line break.
  private(set) var line = 1
  private var lineStart = 0

  init(_ bytes: [UInt8], dialect: JSONDialect = .strict) {
    self.bytes = bytes
    self.dialect = dialect
  }

  /// The byte at `index`, 0 at the end. A NUL in the text is an error wherever it stands, so the two need
  /// no distinction.
  var current: UInt8 { index < bytes.count ? bytes[index] : 0 }

  func next(_ distance: Int) -> UInt8 {
    index + distance < bytes.count ? bytes[index + distance] : 0
  }

  mutating func noteLineBreak(before start: Int) {
    line += 1
    lineStart = start
  }

  func failure(_ problem: String) -> JSONSyntaxError {
    var column = 1
    for position in lineStart..<min(index, bytes.count) where bytes[position] & 0xC0 != 0x80 { column += 1 }
    return JSONSyntaxError(line: line, column: column, problem: problem)
  }

  func unexpected(_ expected: String) -> JSONSyntaxError {
    failure("found \(describeCurrent()), expected \(expected)")
  }

  private func describeCurrent() -> String {
    if index >= bytes.count { return "the end" }
    var end = index + 1
    while end < bytes.count && bytes[end] & 0xC0 == 0x80 && end < index + 4 { end += 1 }
    return quoted(String(decoding: bytes[index..<end], as: UTF8.self))
  }

  mutating func skipSpace() throws(JSONSyntaxError) {
    while true {
      switch current {
      case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\r"):
        index += 1
      case UInt8(ascii: "\n"):
        index += 1
        noteLineBreak(before: index)
      case UInt8(ascii: "/") where dialect == .relaxed:
        try skipComment()
      default:
        return
      }
    }
  }

  private mutating func skipComment() throws(JSONSyntaxError) {
    switch next(1) {
    case UInt8(ascii: "/"):
      while index < bytes.count && current != UInt8(ascii: "\n") { index += 1 }
    case UInt8(ascii: "*"):
      let opening = self
      index += 2
      while !(current == UInt8(ascii: "*") && next(1) == UInt8(ascii: "/")) {
        if index >= bytes.count { throw opening.failure("the comment that begins here has no end") }
        index += 1
        if bytes[index - 1] == UInt8(ascii: "\n") { noteLineBreak(before: index) }
      }
      index += 2
    default:
      throw unexpected("a value or a comment")
    }
  }

  /// Skips space, then the byte, which must come next.
  mutating func expect(_ byte: Unicode.Scalar, _ what: String) throws(JSONSyntaxError) {
    try skipSpace()
    guard current == UInt8(ascii: byte) else { throw unexpected(what) }
    index += 1
  }

  /// Skips space, then the byte where it comes next.
  mutating func accept(_ byte: Unicode.Scalar) throws(JSONSyntaxError) -> Bool {
    try skipSpace()
    guard current == UInt8(ascii: byte) else { return false }
    index += 1
    return true
  }

  /// After an element of a list or object: true where another one follows, false where the list has been
  /// closed.
  mutating func continues(closing: Unicode.Scalar) throws(JSONSyntaxError) -> Bool {
    if try accept(closing) { return false }
    guard try accept(",") else { throw unexpected("\",\" or \"\(closing)\"") }
    if dialect == .relaxed, try accept(closing) { return false }
    return true
  }

  /// A key and its colon.
  mutating func key() throws(JSONSyntaxError) -> String {
    try skipSpace()
    let key: String
    if current == UInt8(ascii: "\"") || (current == UInt8(ascii: "'") && dialect == .relaxed) {
      key = try string()
    } else if dialect == .relaxed, isNameByte(current), !isDigit(current) {
      let start = index
      while isNameByte(current) { index += 1 }
      key = String(decoding: bytes[start..<index], as: UTF8.self)
    } else {
      throw unexpected("a key in double quotes")
    }
    try expect(":", "\":\"")
    return key
  }

  mutating func end() throws(JSONSyntaxError) {
    try skipSpace()
    guard index == bytes.count else { throw unexpected("the end") }
  }
}

func isDigit(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") }

/// ASCII letters, digits, `_` and `$`.
func isNameByte(_ byte: UInt8) -> Bool {
  isDigit(byte) || byte == UInt8(ascii: "_") || byte == UInt8(ascii: "$")
    || (byte | 0x20 >= UInt8(ascii: "a") && byte | 0x20 <= UInt8(ascii: "z"))
}
