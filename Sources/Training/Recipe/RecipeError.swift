/// One mistake of a recipe: which file, which key, what was found and what is allowed.
public struct RecipeError: Error, Sendable, Equatable, CustomStringConvertible {
  public var path: String
  public var key: String
  public var found: String
  public var expected: String

  public init(_ path: String, key: String, found: String, expected: String) {
    self.path = path
    self.key = key
    self.found = found
    self.expected = expected
  }

  public var description: String {
    let place = key.isEmpty ? path : "\(path): \(key)"
    return expected.isEmpty ? "\(place): \(found)" : "\(place): found \(found), expected \(expected)"
  }
}

/// All mistakes of a recipe at once, one line each.
public struct RecipeErrors: Error, Sendable, Equatable, CustomStringConvertible {
  public var errors: [RecipeError]

  public init(_ errors: [RecipeError]) { self.errors = errors }

  public var description: String { errors.map(\.description).joined(separator: "\n") }
}
