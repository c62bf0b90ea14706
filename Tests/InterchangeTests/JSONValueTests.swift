import Testing

@testable import Interchange

@Suite struct JSONValueTests {
  @Test func textIsDeterministicAndReadsBack() throws {
    let value = JSONValue.object([
      "b": .array([.integer(1), .number(0.1), .number(1e-5), .number(2)]),
      "a": .string("\"\\\n\t\u{1}ü\u{7F}/"),
      "e": .object([:]), "f": .array([]), "n": .null, "t": .bool(true),
    ])
    let line = value.text()
    #expect(
      line
        == #"{"b":[1,0.1,1e-05,2.0],"a":"\"\\\n\t\u0001ü\u007f/","e":{},"f":[],"n":null,"t":true}"#)
    #expect(try JSONValue(parsing: line) == value)
    #expect(try JSONValue(parsing: value.text(indent: 2)) == value)
    #expect(
      JSONValue.object(["b": .array([.integer(1)]), "a": .object([:])]).text(indent: 2, sortedKeys: true)
        == "{\n  \"a\": {},\n  \"b\": [\n    1\n  ]\n}")
  }

  @Test func numbersThatJSONDoesNotHaveAreNull() {
    #expect(JSONValue.array([.number(.nan), .number(.infinity)]).text() == "[null,null]")
  }

  @Test func doublesReadBackExactly() throws {
    var random = SplitMix64(state: 7)
    for _ in 0..<10_000 {
      let double = Double(bitPattern: random.next())
      guard double.isFinite else { continue }
      let read = try JSONValue(parsing: JSONValue.number(double).text())
      #expect(read.doubleValue?.bitPattern == double.bitPattern)
    }
  }

  @Test func accessorsTakeWhatFits() {
    #expect(JSONValue.number(2).integerValue == 2)
    #expect(JSONValue.number(2.5).integerValue == nil)
    #expect(JSONValue.number(1e300).integerValue == nil)
    #expect(JSONValue.integer(3).doubleValue == 3)
    #expect(JSONValue.string("3").doubleValue == nil)
    #expect(JSONValue.bool(true).integerValue == nil)
    #expect(JSONValue.array([.null]).summary == "a list of 1")
    #expect(JSONValue.string("a\nb").summary == #"the text "a\u{a}b""#)
  }

  @Test func objectsKeepTheirOrder() {
    var object: JSONObject = ["b": .integer(1), "a": .integer(2), "c": .integer(3)]
    object["b"] = nil
    object["d"] = .null
    object["a"] = .integer(4)
    #expect(object.keys == ["a", "c", "d"])
    #expect(object["a"] == .integer(4))
    #expect(object["c"] == .integer(3))
    #expect(object["b"] == nil)
    #expect(object != ["c": .integer(3), "a": .integer(4), "d": .null])
  }

  @Test(arguments: [
    ("learningrate", "learningRate"), ("learning_rate", "learningRate"), ("lerningRate", "learningRate"),
    ("spcaing", "spacing"), ("Spacing", "spacing"), ("sed", "seed"), ("optimiser", "optimizer"),
  ])
  func misspeltKeysAreRecognised(_ key: String, _ expected: String) {
    let allowed = ["seed", "spacing", "learningRate", "optimizer", "loss"]
    #expect(JSONValue.nearestKey(to: key, among: allowed) == expected)
  }

  @Test func strangeKeysHaveNoNeighbour() {
    #expect(JSONValue.nearestKey(to: "colour", among: ["seed", "spacing", "loss"]) == nil)
    #expect(JSONValue.nearestKey(to: "", among: ["a"]) == nil)
    #expect(JSONValue.nearestKey(to: "x", among: []) == nil)
    #expect(JSONValue.nearestKey(to: String(repeating: "seed", count: 1_000), among: ["seed"]) == nil)
  }

  @Test func unknownKeysAreReported() throws {
    let value = try JSONValue(parsing: "{\"seed\": 1,\n\"los\": 2,\n\"colour\": 3}")
    let unknown = try #require(value.objectValue).unknownKeys(allowed: ["seed", "loss"])
    #expect(
      unknown.map(\.description) == [
        "line 2: unknown key \"los\", did you mean \"loss\"?",
        "line 3: unknown key \"colour\", expected one of seed, loss",
      ])
  }
}
