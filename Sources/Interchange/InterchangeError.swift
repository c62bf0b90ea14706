/// A file that cannot be read or written: which one, and what is wrong with it in one line.
public struct InterchangeError: Error, Sendable, Equatable, CustomStringConvertible {
  public var path: String
  /// What was found and what was expected.
  public var problem: String

  public init(path: String, problem: String) {
    self.path = path
    self.problem = problem
  }

  public var description: String { "\(path): \(problem)" }
}

/// Text from a file, fit for a one-line message: quoted, control characters escaped, at most 80 characters.
func quoted(_ text: String) -> String {
  var result = "\""
  for scalar in text.unicodeScalars {
    // What an escape takes counts: eighty NULs are not eighty columns.
    if result.unicodeScalars.count > 80 {
      result += "…"
      break
    }
    let isControl = scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value)
    let breaksLine = scalar.value == 0x2028 || scalar.value == 0x2029
    result += isControl || breaksLine ? "\\u{\(String(scalar.value, radix: 16))}" : String(scalar)
  }
  return result + "\""
}
