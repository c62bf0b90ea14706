import Testing

@testable import Interchange

@Suite struct SafetensorsHeaderTests {
  private func problem(_ header: String, data: Int = 0) throws -> String? {
    let folder = try TemporaryFolder()
    let path = folder.path + "/a"
    try write(safetensors(header: header, dataSizeInBytes: data), to: path)
    do {
      _ = try SafetensorsFile.read(path)
      return nil
    } catch {
      return error.problem
    }
  }

  private func tensor(
    _ name: String = "a", dtype: String = "F32", shape: String = "[2]", offsets: String = "[0,8]"
  ) -> String {
    #""\#(name)":{"dtype":"\#(dtype)","shape":\#(shape),"data_offsets":\#(offsets)}"#
  }

  @Test func soundHeadersAreRead() throws {
    #expect(try problem("{}") == nil)
    #expect(try problem("{}   ") == nil)
    #expect(try problem("{\(tensor())}", data: 8) == nil)
    #expect(try problem("{\(tensor(shape: "[2,0]", offsets: "[0,0]"))}") == nil)
    #expect(try problem("{\(tensor(offsets: "[8,16]")),\(tensor("b"))}", data: 16) == nil)
    #expect(try problem(#"{"__metadata__":{"a":"1"},\#(tensor())}"#, data: 8) == nil)
  }

  /// Found by SafetensorsFuzzTests: a name of control characters made a line of a thousand columns.
  @Test func namesThatNeedEscapesStayShort() throws {
    let name = String(repeating: "\\u0000", count: 200)
    let line = try problem("{\"\(name)\":{\"\(name)\":1}}")
    #expect((line ?? "").utf8.count < 300 && line?.contains("expected dtype, shape and data_offsets") == true)
  }

  @Test func everyRuleIsChecked() throws {
    let cases: [(header: String, data: Int, expected: String)] = [
      (" {}", 0, "the header does not begin with \"{\""),
      ("[]", 0, "the header does not begin with \"{\""),
      ("{\"a", 0, "header, line 1, column 2: the string that begins here has no end"),
      ("{}x", 0, "header, line 1, column 3: found \"x\", expected the end"),
      ("{\(tensor()),\(tensor())}", 8, "header, line 1, column 55: \"a\" stands here again"),
      (
        "{\(tensor(offsets: "[0,9]"))}", 8,
        "tensor \"a\": found data_offsets [0, 9], expected them within 8 bytes of data"
      ),
      (
        "{\(tensor(offsets: "[8,0]"))}", 8,
        "tensor \"a\": found data_offsets [8, 0], expected them within 8 bytes of data"
      ),
      ("{\(tensor(shape: "[3]"))}", 8, "tensor \"a\": found 8 bytes, expected 12 for F32 [3]"),
      (
        "{\(tensor(shape: "[4611686018427387904,4]"))}", 8, "tensor \"a\": the product of its shape overflows"
      ),
      ("{\(tensor(shape: "[2305843009213693952]"))}", 8, "tensor \"a\": the product of its shape overflows"),
      (
        "{\(tensor()),\(tensor("b", offsets: "[4,12]"))}", 12,
        "tensor \"b\" begins at 4, inside the one before it"
      ),
      ("{\(tensor()),\(tensor("b"))}", 8, "tensor \"b\" begins at 0, inside the one before it"),
      (
        "{\(tensor()),\(tensor("b", shape: "[0]", offsets: "[4,4]"))}", 8,
        "tensor \"b\" begins at 4, inside the one before it"
      ),
      ("{\(tensor(offsets: "[4,12]"))}", 12, "tensor \"a\" begins at 4, expected 0: a gap"),
      ("{\(tensor())}", 9, "found 9 bytes of data, expected 8 for its 1 tensors"),
      ("{}", 1, "found 1 bytes of data, expected 0 for its 0 tensors"),
      (#"{"a":{"dtype":"F32","shape":[2]}}"#, 8, "tensor \"a\" has no data_offsets [begin, end]"),
      (
        #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[8]}}"#, 8,
        "tensor \"a\" has no data_offsets [begin, end]"
      ),
      (#"{"a":{"shape":[2],"data_offsets":[0,8]}}"#, 8, "tensor \"a\" has no dtype"),
      (#"{"a":{"dtype":"F32","data_offsets":[0,8]}}"#, 8, "tensor \"a\" has no shape"),
    ]
    for (header, data, expected) in cases {
      #expect(try problem(header, data: data) == expected, "\(header)")
    }
  }

  @Test func mistakesOfTypeAreErrors() throws {
    for header in [
      tensor(dtype: "F33"), tensor(dtype: "f32"), tensor(shape: "[-2]"), tensor(shape: "[2.0]"),
      tensor(shape: "[2e0]"),
      tensor(shape: "[\"2\"]"), tensor(shape: "2"), tensor(shape: "null"),
      tensor(shape: "[9223372036854775808]"),
      tensor(shape: "[[2]]"), tensor(shape: "[\((0..<65).map { _ in "1" }.joined(separator: ","))]"),
      tensor(offsets: "[0,8,8]"), tensor(offsets: "[]"), tensor(offsets: "[-8,0]"), "\"a\":1", "\"a\":[]",
      "\"a\":{}",
      "\"a\":null", #""a":{"dtype":"F32","dtype":"F32","shape":[2],"data_offsets":[0,8]}"#,
      #""a":{"dtype":"F32","shape":[2],"data_offsets":[0,8],"extra":1}"#, #""__metadata__":{"a":1}"#,
      #""__metadata__":{"a":"1","a":"2"}"#, #""__metadata__":null"#, #""__metadata__":{},"__metadata__":{}"#,
      #"a:{"dtype":"F32","shape":[2],"data_offsets":[0,8]}"#, tensor() + ",",
    ] {
      #expect(try problem("{\(header)}", data: 8) != nil, "\(header)")
    }
    #expect(
      try problem("{\(tensor(dtype: "F33"))}", data: 8)?.hasPrefix(
        "tensor \"a\": found dtype \"F33\", expected one of BOOL")
        == true)
  }

  @Test func lengthOfTheHeaderIsChecked() throws {
    let folder = try TemporaryFolder()
    let path = folder.path + "/a"
    for length in [3, 100_000_001, 1 << 40, UInt64(Int64.max), UInt64.max] {
      try write((0..<8).map { UInt8(truncatingIfNeeded: length >> (8 * $0)) } + Array("{}".utf8), to: path)
      let expected =
        "found a header length of \(length) bytes, expected at most 2: this is no safetensors file"
      #expect(throws: InterchangeError(path: path, problem: expected)) { try SafetensorsFile.read(path) }
    }
    for size in 0..<10 {
      try write([UInt8](repeating: 0, count: size), to: path)
      #expect(throws: InterchangeError.self) { try SafetensorsFile.read(path) }
    }
    try write([UInt8](repeating: 0, count: 16), to: path)
    #expect(throws: InterchangeError.self) { try SafetensorsFile.read(path) }
  }

  @Test func metadataIsLimited() throws {
    let texts = (0...65_536).map { "\"\($0)\":\"\"" }
    func header(_ count: Int) -> String {
      "{\"__metadata__\":{\(texts.prefix(count).joined(separator: ","))}}"
    }
    #expect(try problem(header(65_536)) == nil)
    #expect(try problem(header(65_537))?.hasSuffix("more than 65536 texts of metadata") == true)
  }

  @Test func namesFromHostileFilesStayOnOneLine() throws {
    let found = try #require(
      try problem("{\(tensor("a\\n\\u001b[31m" + String(repeating: "x", count: 10_000)))}"))
    #expect(!found.contains("\n"))
    #expect(!found.contains("\u{1b}"))
    #expect(found.count < 250)
  }

  /// Headers with a few bytes changed, removed, repeated or taken from elsewhere: an answer or an error,
  /// never a crash, and an answer keeps the rules.
  @Test func mutatedHeadersAreAnsweredOrRefused() {
    let seeds = [
      [#""__metadata__":{"format":"pt","k":"é"}"#, tensor("a/weight", shape: "[2,3]", offsets: "[0,24]")],
      [tensor(dtype: "F16", shape: "[4]"), tensor("b", dtype: "I64", shape: "[]", offsets: "[8,16]")],
      [
        tensor("x", dtype: "U8", shape: "[16,0]", offsets: "[0,0]"),
        tensor("y", dtype: "U8", shape: "[8]"),
      ],
    ].map { Array("{\($0.joined(separator: ","))}".utf8) }
    let sizes = [24, 16, 8]
    let tokens = [
      "9223372036854775807", "-1", "1e9", "\\ud800", "[", "{", "]", "}", "\"", ",", ":", "\\u0000", "0",
    ]
    .map { Array($0.utf8) }
    var random = SplitMix64(state: 1)
    var accepted = 0
    var refused = 0
    for _ in 0..<20_000 {
      let seed = Int.random(in: 0..<seeds.count, using: &random)
      var bytes = seeds[seed]
      for _ in 0..<Int.random(in: 1...3, using: &random) {
        let place = Int.random(in: 0..<bytes.count, using: &random)
        let end = min(bytes.count, place + Int.random(in: 1...6, using: &random))
        switch Int.random(in: 0..<6, using: &random) {
        case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
        case 1: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        case 2: bytes.removeSubrange(place..<max(end, place + 1))
        case 3: bytes.insert(contentsOf: bytes[place..<end], at: place)
        case 4: bytes.insert(contentsOf: tokens.randomElement(using: &random) ?? [], at: place)
        default: bytes[place] = UInt8.random(in: 0x30...0x39, using: &random)
        }
        if bytes.isEmpty { bytes = [0] }
      }
      do {
        let header = try SafetensorsHeader(parsing: bytes, dataSizeInBytes: sizes[seed])
        accepted += 1
        var total = 0
        for entry in header.entries {
          let elements = entry.shape.reduce(1, *)
          #expect(entry.sizeInBytes == elements * entry.type.sizeInBytes)
          #expect(entry.offsetInBytes >= 0 && entry.offsetInBytes + entry.sizeInBytes <= sizes[seed])
          total += entry.sizeInBytes
        }
        #expect(total == sizes[seed])
      } catch {
        refused += 1
        #expect(!error.text.isEmpty && !error.text.contains("\n"))
      }
    }
    #expect(accepted > 300)
    #expect(refused > 10_000)
  }
}
