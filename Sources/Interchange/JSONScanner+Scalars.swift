// Strings and numbers.
extension JSONScanner {
  enum Number: Equatable {
    case integer(Int)
    case floating(Double)
  }

  /// A string, with its quotes at `index`.
  mutating func string() throws(JSONSyntaxError) -> String {
    let opening = self
    let quote = current
    guard quote == UInt8(ascii: "\"") || (quote == UInt8(ascii: "'") && dialect == .relaxed) else {
      throw unexpected("a string in double quotes")
    }
    index += 1
    var content: [UInt8] = []
    while true {
      // Bytes that stand for themselves are taken in runs.
      let start = index
      while index < bytes.count, bytes[index] != quote, bytes[index] != UInt8(ascii: "\\"),
        bytes[index] >= 0x20
      {
        index += 1
      }
      content += bytes[start..<index]
      if index >= bytes.count { throw opening.failure("the string that begins here has no end") }
      if bytes[index] == quote { break }
      guard bytes[index] == UInt8(ascii: "\\") else {
        throw failure("found the control character \(bytes[index]) in a string, expected an escape")
      }
      try escape(into: &content)
    }
    index += 1
    guard let text = String(validating: content, as: UTF8.self) else {
      throw opening.failure("the string that begins here is no valid UTF-8")
    }
    return text
  }

  private mutating func escape(into content: inout [UInt8]) throws(JSONSyntaxError) {
    let letter = next(1)
    switch letter {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): content.append(letter)
    case UInt8(ascii: "b"): content.append(0x08)
    case UInt8(ascii: "f"): content.append(0x0C)
    case UInt8(ascii: "n"): content.append(0x0A)
    case UInt8(ascii: "r"): content.append(0x0D)
    case UInt8(ascii: "t"): content.append(0x09)
    case UInt8(ascii: "u"):
      content += String(Character(try escapedScalar())).utf8
      return
    case UInt8(ascii: "'") where dialect == .relaxed: content.append(letter)
    case UInt8(ascii: "\n") where dialect == .relaxed: noteLineBreak(before: index + 2)
    default:
      index += 1
      throw unexpected("one of \" \\ / b f n r t u after \\")
    }
    index += 2
  }

  /// `\uXXXX`, or two of them that are a surrogate pair.
  private mutating func escapedScalar() throws(JSONSyntaxError) -> Unicode.Scalar {
    let first = try hexUnit()
    if let scalar = Unicode.Scalar(first) { return scalar }
    // What is no scalar is a surrogate; the high one comes first.
    guard first < 0xDC00, current == UInt8(ascii: "\\"), next(1) == UInt8(ascii: "u") else {
      throw failure("half of a surrogate pair")
    }
    let second = try hexUnit()
    guard (0xDC00...0xDFFF).contains(second),
      let scalar = Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00))
    else { throw failure("half of a surrogate pair") }
    return scalar
  }

  private mutating func hexUnit() throws(JSONSyntaxError) -> UInt32 {
    index += 2
    var unit: UInt32 = 0
    for _ in 0..<4 {
      guard let digit = hexDigit(current) else { throw unexpected("four hexadecimal digits after \\u") }
      unit = unit << 4 + UInt32(digit)
      index += 1
    }
    return unit
  }

  /// A number. One without point and exponent that fits is an `Int`; any other is the nearest `Double`.
  mutating func number() throws(JSONSyntaxError) -> Number {
    let opening = self
    let relaxed = dialect == .relaxed
    var negative = false
    if current == UInt8(ascii: "-") || (relaxed && current == UInt8(ascii: "+")) {
      negative = current == UInt8(ascii: "-")
      index += 1
    }
    if relaxed, current == UInt8(ascii: "0"), next(1) | 0x20 == UInt8(ascii: "x") {
      return .integer(try hexadecimal(negative: negative, opening: opening))
    }
    let start = index
    let whole = skipDigits()
    if whole > 1 && bytes[start] == UInt8(ascii: "0") {
      throw opening.failure("found a number with leading zeros")
    }
    var isInteger = true
    var fraction = 0
    if current == UInt8(ascii: ".") {
      isInteger = false
      index += 1
      fraction = skipDigits()
      if !relaxed && (whole == 0 || fraction == 0) { throw unexpected("digits on both sides of the point") }
    }
    guard whole + fraction > 0 else { throw unexpected("a digit") }
    if current | 0x20 == UInt8(ascii: "e") {
      isInteger = false
      index += 1
      if current == UInt8(ascii: "-") || current == UInt8(ascii: "+") { index += 1 }
      guard skipDigits() > 0 else { throw unexpected("the digits of an exponent") }
    }
    guard !isNameByte(current) else { throw unexpected("the end of a number") }

    var text = String(decoding: bytes[start..<index], as: UTF8.self)
    if isInteger, let value = Int(negative ? "-" + text : text), !(negative && value == 0) {
      return .integer(value)
    }
    // The standard library's parser wants digits on both sides of a point.
    if whole == 0 { text = "0" + text }
    if fraction == 0, let point = text.firstIndex(of: ".") { text.remove(at: point) }
    guard let value = Double(text), value.isFinite else {
      throw opening.failure("found a number beyond ±1.8e308")
    }
    return .floating(negative ? -value : value)
  }

  private mutating func hexadecimal(
    negative: Bool, opening: JSONScanner
  ) throws(JSONSyntaxError) -> Int {
    index += 2
    let start = index
    var value = 0
    while let digit = hexDigit(current) {
      let shifted = value.multipliedReportingOverflow(by: 16)
      guard !shifted.overflow, shifted.partialValue <= Int.max - digit else {
        throw opening.failure("found a hexadecimal number beyond 2^63 - 1")
      }
      value = shifted.partialValue + digit
      index += 1
    }
    guard index > start, !isNameByte(current) else { throw unexpected("a hexadecimal digit") }
    return negative ? -value : value
  }

  private mutating func skipDigits() -> Int {
    let start = index
    while isDigit(current) { index += 1 }
    return index - start
  }
}

private func hexDigit(_ byte: UInt8) -> Int? {
  switch byte {
  case UInt8(ascii: "0")...UInt8(ascii: "9"): Int(byte) - 0x30
  case UInt8(ascii: "a")...UInt8(ascii: "f"): Int(byte) - 0x57
  case UInt8(ascii: "A")...UInt8(ascii: "F"): Int(byte) - 0x37
  default: nil
  }
}
