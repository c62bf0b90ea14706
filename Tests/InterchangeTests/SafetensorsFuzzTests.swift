import Glibc
import Testing

@testable import Interchange

/// Damaged and hostile files: whatever the bytes, the reader throws one line or returns a header that keeps the
/// format's rules. 200,000 inputs in every run; VOXCL_FUZZ=2000000 makes that many, VOXCL_FUZZ_SEED another series.
/// FUZZING.md records the long runs. What the reader ever got wrong is a case of SafetensorsHeaderTests.
@Suite struct SafetensorsFuzzTests {
  private static func number(_ name: String, default value: Int) -> Int {
    getenv(name).flatMap { Int(String(cString: $0)) } ?? value
  }

  @Test func headersNeverCrashNorLie() {
    let count = Self.number("VOXCL_FUZZ", default: 200_000)
    let seed = UInt64(Self.number("VOXCL_FUZZ_SEED", default: 1))
    var accepted = 0
    for index in 0..<count {
      var mutator = HeaderMutator(seed: seed, index: UInt64(index))
      let (bytes, dataSize) = mutator.next()
      let (header, problem) = parsed(bytes, dataSize)
      if let header {
        accepted += 1
        if let lie = brokenRule(header, dataSize) {
          Issue.record("input \(index) of seed \(seed): \(lie) in \(String(decoding: bytes, as: UTF8.self))")
        }
      } else if problem.isEmpty || problem.utf8.count > 700 || problem.contains("\n") {
        Issue.record("input \(index) of seed \(seed): no message of one short line: \(problem)")
      }
    }
    // Otherwise the mutations would not reach what stands behind the checks.
    #expect(accepted > count / 200 && accepted < count)
    var usage = rusage()
    getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    #expect(usage.ru_maxrss < 2_000_000, "\(usage.ru_maxrss) KiB resident: an input made the reader allocate")
  }

  private func parsed(_ bytes: [UInt8], _ dataSize: Int) -> (SafetensorsHeader?, problem: String) {
    do {
      return (try SafetensorsHeader(parsing: bytes, dataSizeInBytes: dataSize), "")
    } catch {
      return (nil, "\((error as? SafetensorsHeader.Problem)?.text ?? "")")
    }
  }

  /// Whole files: the length before the header, and data that ends early or late.
  @Test func filesNeverCrash() throws {
    let count = Self.number("VOXCL_FUZZ", default: 200_000) / 50
    let folder = try TemporaryFolder()
    let path = folder.path + "/fuzzed"
    for index in 0..<count {
      var mutator = HeaderMutator(seed: 0x5afe, index: UInt64(index))
      let (header, dataSize) = mutator.next()
      var file = (0..<8).map { UInt8(truncatingIfNeeded: header.count >> (8 * $0)) } + header
      file += [UInt8](repeating: 7, count: min(dataSize, 4096))
      if index % 3 == 0 {
        let at = Int.random(in: 0..<8, using: &mutator.random)
        file[at] = UInt8.random(in: 0...255, using: &mutator.random)
      }
      if index % 5 == 0 { file.removeLast(Int.random(in: 0...file.count, using: &mutator.random)) }
      try write(file, to: path)
      if let complaint = complaint(path) { Issue.record("file \(index): \(complaint)") }
    }
  }

  /// Reads every tensor of a file; what is wrong with the reader's answer.
  private func complaint(_ path: String) -> String? {
    do {
      let file = try SafetensorsFile.read(path)
      for tensor in file.tensors {
        let data = try file.tensor(tensor.name)
        if data.bytes.count != tensor.sizeInBytes { return "\(tensor.name) has \(data.bytes.count) bytes" }
      }
      return nil
    } catch {
      guard let error = error as? InterchangeError else { return "an error of another type: \(error)" }
      return error.path == path && !error.problem.isEmpty ? nil : "an error without its place"
    }
  }

  /// The format's rules, said once more and without the reader's code: tensors tile the data.
  private func brokenRule(_ header: SafetensorsHeader, _ dataSize: Int) -> String? {
    var owned = [Range<Int>]()
    for entry in header.entries {
      guard entry.shape.allSatisfy({ $0 >= 0 }) else { return "a negative extent" }
      let size = entry.shape.reduce(Double(entry.type.sizeInBytes)) { $0 * Double($1) }
      guard size == Double(entry.sizeInBytes) else { return "\(entry.sizeInBytes) bytes for \(entry.shape)" }
      guard entry.offsetInBytes >= 0, entry.offsetInBytes + entry.sizeInBytes <= dataSize else {
        return "a tensor outside the data"
      }
      owned.append(entry.offsetInBytes..<entry.offsetInBytes + entry.sizeInBytes)
    }
    guard Set(header.entries.map(\.name)).count == header.entries.count else { return "two tensors of one name" }
    guard owned.reduce(0, { $0 + $1.count }) == dataSize else { return "bytes of nobody" }
    let filled = owned.filter { !$0.isEmpty }.sorted { $0.lowerBound < $1.lowerBound }
    for (a, b) in zip(filled, filled.dropFirst()) where a.overlaps(b) { return "an overlap" }
    return nil
  }
}

/// Makes input k of a series: a sound header, with up to six things done to it.
private struct HeaderMutator {
  var random: SplitMix64

  init(seed: UInt64, index: UInt64) {
    random = SplitMix64(state: seed &* 0x1_0000_0001 &+ index)
    _ = random.next()
  }

  private static let numbers = [
    "0", "1", "2", "8", "255", "256", "65536", "4294967295", "4294967296", "9007199254740993",
    "4611686018427387904", "9223372036854775807", "9223372036854775808", "18446744073709551615",
    "340282366920938463463374607431768211456", "-1", "-0", "1.0", "1e3", "1e400", "0x10", "00", "01", "+1", "NaN",
  ]
  private static let tokens = [
    "{", "}", "[", "]", ",", ":", "\"", "\\", "\\u0000", "\\ud800", "\\udc00", "\\ud83d\\ude00", "\\\"", "null", "true",
    "\"dtype\":\"F32\"", "\"shape\":[]", "\"shape\":[0]", "\"data_offsets\":[0,0]", "\"__metadata__\":{}", "\"a\":{},",
    "\"F8_E4M3\"", "\"C64\"", "\"f32\"", "/**/", "//", "\n", "\t", "\u{0}", "\u{feff}", "é", "\"\":", "[[", "{{", " ",
  ]

  mutating func next() -> (bytes: [UInt8], dataSizeInBytes: Int) {
    var (text, dataSize) = soundHeader()
    for _ in 0..<Int.random(in: 0...6, using: &random) { mutate(&text, &dataSize) }
    return (text, dataSize)
  }

  private mutating func soundHeader() -> ([UInt8], Int) {
    var parts: [String] = []
    var end = 0
    if Bool.random(using: &random) { parts.append(#""__metadata__":{"format":"pt","recipe":"{\"a\":1}"}"#) }
    for index in 0..<Int.random(in: 0...4, using: &random) {
      let type = TensorDataType.allCases.randomElement(using: &random)!
      let shape = (0..<Int.random(in: 0...4, using: &random)).map { _ in Int.random(in: 0...5, using: &random) }
      let size = byteCount(shape: shape, type: type)!
      parts.append(
        #""t.\#(index)":{"dtype":"\#(type.rawValue)","shape":\#(shape),"data_offsets":[\#(end),\#(end + size)]}"#)
      end += size
    }
    parts.shuffle(using: &random)
    return (Array("{\(parts.joined(separator: ","))}".utf8), end)
  }

  private mutating func mutate(_ text: inout [UInt8], _ dataSize: inout Int) {
    let at = text.isEmpty ? 0 : Int.random(in: 0..<text.count, using: &random)
    let end = min(text.count, at + Int.random(in: 0...12, using: &random))
    switch Int.random(in: 0..<9, using: &random) {
    case 0 where !text.isEmpty: text[at] = UInt8.random(in: 0...255, using: &random)
    case 1: text.removeSubrange(at..<end)
    case 2: text.insert(contentsOf: Array(text[at..<end]), at: at)
    case 3: text.insert(contentsOf: Array(Self.tokens.randomElement(using: &random)!.utf8), at: at)
    case 4: replaceNumber(&text)
    case 5: text.removeSubrange(at...)
    case 6: dataSize = max(0, [0, 1, dataSize &+ 1, dataSize ^ 8, 1 << 40, Int.max].randomElement(using: &random)!)
    case 7:
      let piece = Array(text[at..<end])
      text.insert(contentsOf: piece, at: Int.random(in: 0...text.count, using: &random))
    default:
      // Deep or long repetition: no recursion, no quadratic time.
      let token = Array(Self.tokens.randomElement(using: &random)!.utf8)
      for _ in 0..<Int.random(in: 1...200, using: &random) { text.insert(contentsOf: token, at: at) }
    }
  }

  private mutating func replaceNumber(_ text: inout [UInt8]) {
    let digits = text.indices.filter { isDigit(text[$0]) }
    guard let at = digits.randomElement(using: &random) else { return }
    var (low, high) = (at, at + 1)
    while low > 0 && isDigit(text[low - 1]) { low -= 1 }
    while high < text.count && isDigit(text[high]) { high += 1 }
    text.replaceSubrange(low..<high, with: Array(Self.numbers.randomElement(using: &random)!.utf8))
  }
}
