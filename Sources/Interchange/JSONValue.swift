/// A JSON document as a tree. Objects keep the order of their keys; a key that stands twice is a syntax
/// error.
public enum JSONValue: Sendable, Equatable {
  case null
  case bool(Bool)
  /// A number written without point and exponent.
  case integer(Int)
  case number(Double)
  case string(String)
  case array([JSONValue])
  case object(JSONObject)

  public var boolValue: Bool? { if case .bool(let value) = self { value } else { nil } }
  public var stringValue: String? { if case .string(let value) = self { value } else { nil } }
  public var arrayValue: [JSONValue]? { if case .array(let value) = self { value } else { nil } }
  public var objectValue: JSONObject? { if case .object(let value) = self { value } else { nil } }

  /// An integer, also one written as `2.0` or `1e3`.
  public var integerValue: Int? {
    switch self {
    case .integer(let value): value
    case .number(let value): Int(exactly: value)
    default: nil
    }
  }

  /// Any number.
  public var doubleValue: Double? {
    switch self {
    case .integer(let value): Double(value)
    case .number(let value): value
    default: nil
    }
  }

  /// What it is, for the "found" of a message: `the number 3`, `the text "abc"`, `a list of 2`, `an object`.
  public var summary: String {
    switch self {
    case .null: "null"
    case .bool(let value): "\(value)"
    case .integer(let value): "the number \(value)"
    case .number(let value): "the number \(value)"
    case .string(let value): "the text \(quoted(value))"
    case .array(let values): "a list of \(values.count)"
    case .object: "an object"
    }
  }
}

/// Keys and values in the order in which they were written.
public struct JSONObject: Sendable, Equatable, ExpressibleByDictionaryLiteral {
  public struct Member: Sendable, Equatable {
    public var key: String
    public var value: JSONValue
    /// Line of the key in the text that it was read from; 0 where it was not read.
    public var line: Int

    /// Equal where key and value are; where they were read does not matter.
    public static func == (a: Member, b: Member) -> Bool { a.key == b.key && a.value == b.value }
  }

  public private(set) var members: [Member] = []
  private var positions: [String: Int] = [:]

  public init() {}

  /// Of several values with one key, the last one counts.
  public init(dictionaryLiteral elements: (String, JSONValue)...) {
    for (key, value) in elements { self[key] = value }
  }

  public static func == (a: JSONObject, b: JSONObject) -> Bool { a.members == b.members }

  public var keys: [String] { members.map(\.key) }

  public func member(_ key: String) -> Member? { positions[key].map { members[$0] } }

  /// A new key goes to the end; setting nil removes one.
  public subscript(key: String) -> JSONValue? {
    get { positions[key].map { members[$0].value } }
    set {
      switch (positions[key], newValue) {
      case (let position?, let value?):
        members[position].value = value
      case (let position?, nil):
        members.remove(at: position)
        positions[key] = nil
        for index in position..<members.count { positions[members[index].key] = index }
      case (nil, let value?):
        append(Member(key: key, value: value, line: 0))
      case (nil, nil):
        break
      }
    }
  }

  /// The key must be new.
  mutating func append(_ member: Member) {
    positions[member.key] = members.count
    members.append(member)
  }
}
