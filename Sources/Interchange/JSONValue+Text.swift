extension JSONValue {
  /// The value as JSON, the same bytes on every machine. Numbers that JSON does not have (NaN, infinities)
  /// become null.
  ///
  /// - Parameters:
  ///   - indent: spaces a level, each value on its own line; nil writes one line without spaces.
  ///   - sortedKeys: keys in order of their UTF-8 bytes instead of the object's order.
  public func text(indent: Int? = nil, sortedKeys: Bool = false) -> String {
    var text = ""
    write(to: &text, indent: indent, level: 0, sortedKeys: sortedKeys)
    return text
  }

  private func write(to text: inout String, indent: Int?, level: Int, sortedKeys: Bool) {
    func newLine(_ level: Int) {
      if let indent { text += "\n" + String(repeating: " ", count: indent * level) }
    }
    switch self {
    case .null: text += "null"
    case .bool(let value): text += value ? "true" : "false"
    case .integer(let value): text += String(value)
    case .number(let value): text += value.isFinite ? value.description : "null"
    case .string(let value): JSONValue.writeString(value, to: &text)
    case .array(let values):
      text += "["
      for (index, value) in values.enumerated() {
        if index > 0 { text += "," }
        newLine(level + 1)
        value.write(to: &text, indent: indent, level: level + 1, sortedKeys: sortedKeys)
      }
      if !values.isEmpty { newLine(level) }
      text += "]"
    case .object(let object):
      var members = object.members
      if sortedKeys { members.sort { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) } }
      text += "{"
      for (index, member) in members.enumerated() {
        if index > 0 { text += "," }
        newLine(level + 1)
        JSONValue.writeString(member.key, to: &text)
        text += indent == nil ? ":" : ": "
        member.value.write(to: &text, indent: indent, level: level + 1, sortedKeys: sortedKeys)
      }
      if !members.isEmpty { newLine(level) }
      text += "}"
    }
  }

  /// A string with its quotes.
  static func writeString(_ string: String, to text: inout String) {
    text += "\""
    for scalar in string.unicodeScalars {
      switch scalar {
      case "\"": text += "\\\""
      case "\\": text += "\\\\"
      case "\n": text += "\\n"
      case "\r": text += "\\r"
      case "\t": text += "\\t"
      case _ where scalar.value < 0x20 || scalar.value == 0x7F:
        let digits = String(scalar.value, radix: 16)
        text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: text.unicodeScalars.append(scalar)
      }
    }
    text += "\""
  }
}
