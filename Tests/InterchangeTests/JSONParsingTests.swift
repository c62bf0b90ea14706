import Testing

@testable import Interchange

@Suite struct JSONParsingTests {
  @Test func readsEveryKindOfValue() throws {
    let value = try JSONValue(
      parsing: " {\"a\": [1, -0.5, 1e3, true, false, null], \"b\": {\"\": \"x\"}, \"c\": [], \"d\": {}}\n")
    #expect(
      value
        == .object([
          "a": .array([.integer(1), .number(-0.5), .number(1000), .bool(true), .bool(false), .null]),
          "b": .object(["": .string("x")]), "c": .array([]), "d": .object([:]),
        ]))
    #expect(value.objectValue?.keys == ["a", "b", "c", "d"])
  }

  @Test func linesOfKeysAreKept() throws {
    let object = try #require(
      try JSONValue(parsing: "{\n\"a\": \"\\n\",\r\n /* \n */ \"b\": [\n],\n\n\"c\": 1}", dialect: .relaxed)
        .objectValue)
    #expect(object.members.map(\.line) == [2, 4, 7])
  }

  @Test(arguments: [
    ("\"\\u0041\\u00fc\\ud83d\\ude00\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "Aü😀\"\\/\u{8}\u{C}\n\r\t"),
    ("\"\\u0000\"", "\0"), ("\"ü€😀\"", "ü€😀"), ("\"\u{7F}\u{2028}\"", "\u{7F}\u{2028}"),
  ])
  func strings(_ text: String, _ expected: String) throws {
    #expect(try JSONValue(parsing: text) == .string(expected))
  }

  @Test(arguments: [
    ("0", JSONValue.integer(0)), ("-0", .number(-0.0)), ("9223372036854775807", .integer(.max)),
    ("-9223372036854775808", .integer(.min)), ("9223372036854775808", .number(9_223_372_036_854_775_808)),
    ("1.0", .number(1)), ("1E+2", .number(100)), ("5e-324", .number(.leastNonzeroMagnitude)),
    ("1.7976931348623157e308", .number(.greatestFiniteMagnitude)),
    ("0.1", .number(0.1)), ("1e-400", .number(0)),
  ])
  func numbers(_ text: String, _ expected: JSONValue) throws {
    #expect(try JSONValue(parsing: text) == expected)
  }

  @Test(arguments: [
    "", " ", "{", "[", "[1", "[1,", "[1,]", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{a:1}", "{'a':1}", "{1:1}",
    "[1 2]",
    "[,1]", "1 2", "01", "-", "+1", ".5", "5.", "1.e1", "1e", "1e+", "0x10", "NaN", "Infinity", "-Infinity",
    "nul",
    "truex", "\"", "\"\\", "\"\\x\"", "\"\\u12\"", "\"\\ud800\"", "\"\\ud800\\u0041\"", "\"\\udc00\"",
    "\"\n\"", "'a'",
    "// c\n1", "/**/1", "1e999", "\u{FEFF}\u{FEFF}1", "\u{00A0}1", "{\"a\":1 \"b\":2}", "]", "}", "1\0", "\0",
  ])
  func strictMistakesAreErrors(_ text: String) {
    #expect(throws: JSONSyntaxError.self) { try JSONValue(parsing: text) }
  }

  @Test func invalidUTF8IsAnError() {
    for content in [[0xFF], [0xC0, 0xAF], [0xED, 0xA0, 0x80], [0xF5, 0x80, 0x80, 0x80], [0xE2, 0x82]]
      as [[UInt8]]
    {
      #expect(throws: JSONSyntaxError.self) { try JSONValue(parsing: [0x22] + content + [0x22]) }
    }
  }

  @Test(arguments: [
    (
      "{\"a\": 1,\n \"ü\": 2, \"a\": 3}",
      "line 2, column 10: the key \"a\" stands here again, first on line 1"
    ),
    ("[1,\n  x]", "line 2, column 3: found \"x\", expected a value"),
    ("{\"ü\" 1}", "line 1, column 6: found \"1\", expected \":\""),
    ("[1", "line 1, column 3: found the end, expected \",\" or \"]\""),
    ("[\"abc", "line 1, column 2: the string that begins here has no end"),
    ("\"a\tb\"", "line 1, column 3: found the control character 9 in a string, expected an escape"),
  ])
  func errorsNameThePlace(_ text: String, _ message: String) {
    #expect {
      try JSONValue(parsing: text)
    } throws: { error in
      (error as? JSONSyntaxError)?.description == message
    }
  }

  @Test func relaxedTextsAreRead() throws {
    let text = """
      \u{FEFF}// a recipe
      {
        name: 'it''s', /* not
        JSON */ $key_1: [+1, .5, 5., 0xFF, -0x10,],
        "two": "one \\
      line",
      }
      """.replacing("it''s", with: "it\\'s")
    #expect(
      try JSONValue(parsing: text, dialect: .relaxed)
        == .object([
          "name": .string("it's"),
          "$key_1": .array([.integer(1), .number(0.5), .number(5), .integer(255), .integer(-16)]),
          "two": .string("one line"),
        ]))
  }

  @Test(arguments: [
    "[,]", "[1,,]", "{,}", "{a}", "{1a: 1}", "/* no end", "/", "[1]/", "0x", "0x1g", "0x8000000000000000",
    ".", "+", "+a",
    "Infinity", "NaN", "5.e", "1_000",
  ])
  func relaxedMistakesAreErrors(_ text: String) {
    #expect(throws: JSONSyntaxError.self) { try JSONValue(parsing: text, dialect: .relaxed) }
  }

  @Test func nestingIsLimited() throws {
    func nested(_ levels: Int) -> String {
      String(repeating: "[", count: levels) + String(repeating: "]", count: levels)
    }
    #expect(try JSONValue(parsing: nested(128)).arrayValue?.count == 1)
    #expect(throws: JSONSyntaxError.self) { try JSONValue(parsing: nested(129)) }
    #expect(throws: JSONSyntaxError.self) {
      try JSONValue(parsing: String(repeating: "{\"a\":[", count: 1_000_000))
    }
  }
}
