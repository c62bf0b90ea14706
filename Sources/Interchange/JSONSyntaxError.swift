/// Where a JSON text stops being one.
public struct JSONSyntaxError: Error, Sendable, Equatable, CustomStringConvertible {
  /// From 1.
  public var line: Int
  /// From 1, in Unicode scalars.
  public var column: Int
  public var problem: String

  public init(line: Int, column: Int, problem: String) {
    self.line = line
    self.column = column
    self.problem = problem
  }

  public var description: String { "line \(line), column \(column): \(problem)" }
}

/// Which texts are accepted.
public enum JSONDialect: Sendable {
  /// RFC 8259.
  case strict
  /// What people write by hand, of JSON5: comments, trailing commas, single quotes, names as keys, `+1`,
  /// `.5`, `5.`, hexadecimal numbers, line breaks escaped by a backslash. Without Infinity and NaN.
  case relaxed
}
