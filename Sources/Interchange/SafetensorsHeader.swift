/// What a safetensors file says about its tensors, checked against the rules of the format.
///
/// Layout: eight bytes with the header's length (little-endian), the header (JSON), the data. The data
/// holds the tensors without gaps or overlaps. Source: github.com/huggingface/safetensors, README "Format"
/// and `safetensors/src/tensor.rs`.
struct SafetensorsHeader {
  struct Entry {
    var name: String
    var type: TensorDataType
    var shape: [Int]
    /// From the start of the data.
    var offsetInBytes: Int
    var sizeInBytes: Int
  }

  /// One line: what was found, and what was expected.
  struct Problem: Error {
    var text: String
    init(_ text: String) { self.text = text }
    init(_ error: JSONSyntaxError) { text = "header, \(error)" }
  }

  static let mostBytes = 100_000_000
  /// No tensor has more axes; it keeps a hostile list of extents from growing.
  static let mostAxes = 64
  /// For the same reason; files in the wild hold a handful.
  static let mostTexts = 65_536
  static let metadataKey = "__metadata__"

  /// In the order of the header.
  private(set) var entries: [Entry] = []
  private(set) var metadata: [String: String] = [:]

  init(parsing bytes: [UInt8], dataSizeInBytes: Int) throws(Problem) {
    guard bytes.first == UInt8(ascii: "{") else { throw Problem("the header does not begin with \"{\"") }
    var scanner = JSONScanner(bytes)
    do {
      scanner.index = 1
      var names: Set<String> = []
      if try !scanner.accept("}") {
        repeat {
          try scanner.skipSpace()
          let start = scanner
          let name = try scanner.key()
          guard names.insert(name).inserted else {
            throw start.failure("\(quoted(name)) stands here again")
          }
          if name == SafetensorsHeader.metadataKey {
            metadata = try SafetensorsHeader.metadata(&scanner)
          } else {
            entries.append(try SafetensorsHeader.entry(name, &scanner, dataSizeInBytes: dataSizeInBytes))
          }
        } while try scanner.continues(closing: "}")
      }
      try scanner.end()
    } catch let error as JSONSyntaxError {
      throw Problem(error)
    } catch let problem as Problem {
      throw problem
    } catch {
      preconditionFailure("internal: \(error)")
    }
    try checkLayout(dataSizeInBytes: dataSizeInBytes)
  }

  private static func metadata(_ scanner: inout JSONScanner) throws(JSONSyntaxError) -> [String: String] {
    var metadata: [String: String] = [:]
    try scanner.expect("{", "an object of texts")
    if try scanner.accept("}") { return metadata }
    repeat {
      try scanner.skipSpace()
      let start = scanner
      let key = try scanner.key()
      guard metadata[key] == nil else { throw start.failure("\(quoted(key)) stands here again") }
      guard metadata.count < mostTexts else {
        throw start.failure("more than \(mostTexts) texts of metadata")
      }
      try scanner.skipSpace()
      metadata[key] = try scanner.string()
    } while try scanner.continues(closing: "}")
    return metadata
  }

  private static func entry(
    _ name: String, _ scanner: inout JSONScanner, dataSizeInBytes: Int
  ) throws -> Entry {
    let tensor = "tensor \(quoted(name))"
    var type: TensorDataType?
    var shape: [Int]?
    var offsets: [Int]?
    try scanner.expect("{", "the object of \(tensor)")
    repeat {
      try scanner.skipSpace()
      let start = scanner
      switch try scanner.key() {
      case "dtype" where type == nil:
        try scanner.skipSpace()
        let text = try scanner.string()
        type = TensorDataType(rawValue: text)
        if type == nil {
          let known = TensorDataType.allCases.map(\.rawValue).joined(separator: ", ")
          throw Problem("\(tensor): found dtype \(quoted(text)), expected one of \(known)")
        }
      case "shape" where shape == nil:
        shape = try integers(&scanner, atMost: mostAxes, what: "the shape of \(tensor)")
      case "data_offsets" where offsets == nil:
        offsets = try integers(&scanner, atMost: 2, what: "the data_offsets of \(tensor)")
      case let key:
        throw start.failure(
          "\(tensor): found \(quoted(key)), expected dtype, shape and data_offsets, each once")
      }
    } while try scanner.continues(closing: "}")

    guard let type else { throw Problem("\(tensor) has no dtype") }
    guard let shape else { throw Problem("\(tensor) has no shape") }
    guard let offsets, offsets.count == 2 else { throw Problem("\(tensor) has no data_offsets [begin, end]") }
    let (begin, end) = (offsets[0], offsets[1])
    guard begin <= end, end <= dataSizeInBytes else {
      throw Problem(
        "\(tensor): found data_offsets \(offsets), expected them within \(dataSizeInBytes) bytes of data")
    }
    guard let size = byteCount(shape: shape, type: type) else {
      throw Problem("\(tensor): the product of its shape overflows")
    }
    guard size == end - begin else {
      throw Problem("\(tensor): found \(end - begin) bytes, expected \(size) for \(type.rawValue) \(shape)")
    }
    return Entry(name: name, type: type, shape: shape, offsetInBytes: begin, sizeInBytes: size)
  }

  private static func integers(
    _ scanner: inout JSONScanner, atMost limit: Int, what: String
  ) throws(JSONSyntaxError) -> [Int] {
    var values: [Int] = []
    try scanner.expect("[", "a list for \(what)")
    if try scanner.accept("]") { return values }
    repeat {
      try scanner.skipSpace()
      let start = scanner
      guard isDigit(scanner.current), case .integer(let value) = try scanner.number() else {
        throw start.unexpected("a whole number from 0 to 2^63 - 1 in \(what)")
      }
      guard values.count < limit else { throw start.failure("more than \(limit) numbers in \(what)") }
      values.append(value)
    } while try scanner.continues(closing: "]")
    return values
  }

  /// The tensors must fill the data: no byte belongs to two of them, none to nobody.
  private func checkLayout(dataSizeInBytes: Int) throws(Problem) {
    let byOffset = entries.indices.sorted { a, b in
      let (first, second) = (entries[a], entries[b])
      return (first.offsetInBytes, first.sizeInBytes, a) < (second.offsetInBytes, second.sizeInBytes, b)
    }
    var end = 0
    for index in byOffset {
      let entry = entries[index]
      guard entry.offsetInBytes >= end else {
        throw Problem(
          "tensor \(quoted(entry.name)) begins at \(entry.offsetInBytes), inside the one before it")
      }
      guard entry.offsetInBytes == end else {
        throw Problem("tensor \(quoted(entry.name)) begins at \(entry.offsetInBytes), expected \(end): a gap")
      }
      end += entry.sizeInBytes
    }
    guard end == dataSizeInBytes else {
      throw Problem(
        "found \(dataSizeInBytes) bytes of data, expected \(end) for its \(entries.count) tensors")
    }
  }
}
