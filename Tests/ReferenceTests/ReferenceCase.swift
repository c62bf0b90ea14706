import Glibc
import Interchange
import LayerGraph
import Testing

/// One case of PyTorch's values, of a file `Tests/Values/GROUP/FILE.safetensors`; tools/reference/README.md says what
/// the keys mean.
struct ReferenceCase: CustomTestStringConvertible, Sendable {
  enum Group: String { case ops, losses, supervision, optimizers, networks }

  var group: Group
  var name: String
  /// A file that cannot be read is a case that fails.
  private var values: Result<ReferenceValues, any Error>
  var testDescription: String { name }

  /// Every case of a group, by file.
  static func all(_ group: Group) -> [ReferenceCase] {
    let folder = "\(Environment.valuesFolder)/\(group.rawValue)"
    return names(in: folder).flatMap { file in
      do {
        return try ReferenceValues.all("\(folder)/\(file)").map {
          ReferenceCase(group: group, name: $0.name, values: .success($0))
        }
      } catch {
        return [ReferenceCase(group: group, name: file, values: .failure(error))]
      }
    }
  }

  private static func names(in folder: String) -> [String] {
    guard let directory = opendir(folder) else { return [] }
    defer { closedir(directory) }
    var names: [String] = []
    while let entry = readdir(directory) {
      let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
        String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      if name.hasSuffix(".safetensors") { names.append(name) }
    }
    return names.sorted()
  }

  func open() throws -> ReferenceValues { try values.get() }
}

/// The tensors of one case of a file, with the case's attributes.
struct ReferenceValues: Sendable {
  let name: String
  private let file: SafetensorsFile
  let attributes: JSONObject

  /// The cases that a file lists in its metadata.
  static func all(_ path: String) throws -> [ReferenceValues] {
    let file = try SafetensorsFile.read(path)
    let text = try #require(file.metadata["cases"], "\(path) has no cases in its metadata")
    return try #require(JSONValue(parsing: text).arrayValue).map { item in
      let attributes = try #require(item.objectValue)
      let name = try #require(attributes["name"]?.stringValue, "\(path) has a case without a name")
      return ReferenceValues(name: name, file: file, attributes: attributes)
    }
  }

  func has(_ key: String) -> Bool { file.info("\(name)/\(key)") != nil }
  func shape(_ key: String) throws -> [Int] {
    try #require(file.info("\(name)/\(key)"), "\(name) has no \(key)").shape
  }
  func floats(_ key: String) throws -> [Float] { try file.floats("\(name)/\(key)") }
  func doubles(_ key: String) throws -> [Double] { try floats(key).map(Double.init) }
  func int32s(_ key: String) throws -> [Int32] { try file.int32s("\(name)/\(key)") }

  var op: String { get throws { try text("op") } }
  func text(_ key: String) throws -> String { try #require(attributes[key]?.stringValue, "no text \(key)") }
  func integer(_ key: String) throws -> Int { try #require(attributes[key]?.integerValue, "no number \(key)") }
  func number(_ key: String) throws -> Double { try #require(attributes[key]?.doubleValue, "no number \(key)") }
  func flag(_ key: String) throws -> Bool { try #require(attributes[key]?.boolValue as Bool?, "no flag \(key)") }
  func extent(_ key: String) throws -> Extent { try Extent(integers(key)) }
  func integers(_ key: String) throws -> [Int] {
    try #require(attributes[key]?.arrayValue, "no list \(key)").map { try #require($0.integerValue) }
  }
  func numbers(_ key: String) throws -> [Double] {
    try #require(attributes[key]?.arrayValue, "no list \(key)").map { try #require($0.doubleValue) }
  }

  /// N×C×D×H×W of a tensor.
  func volume(_ key: String) throws -> Shape {
    let axes = try shape(key)
    try #require(axes.count == 5, "\(name)/\(key) has \(axes.count) axes")
    return Shape(batch: axes[0], channels: axes[1], extent: Extent(Array(axes[2...])))
  }

  /// `parameter.000`, `parameter.001`, … one behind the other.
  func parameters(prefix: String = "parameter.") throws -> [[Float]] {
    var all: [[Float]] = []
    while has(prefix + Self.index(all.count)) { all.append(try floats(prefix + Self.index(all.count))) }
    return all
  }

  static func index(_ number: Int) -> String {
    let digits = String(number)
    return String(repeating: "0", count: max(0, 3 - digits.count)) + digits
  }
}
