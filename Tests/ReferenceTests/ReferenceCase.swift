import Glibc
import Interchange
import LayerGraph
import Testing

/// One file of PyTorch's values: `Tests/Values/GROUP/NAME.safetensors`; tools/reference/README.md says what the keys
/// mean. It is opened when a test asks for it, so that a broken file fails its own case alone.
struct ReferenceCase: CustomTestStringConvertible, Sendable {
  enum Group: String { case ops, losses, optimizers, networks }

  var group: Group
  var name: String
  var testDescription: String { name }

  private static let folder =
    #filePath.split(separator: "/").dropLast(2).reduce("") { $0 + "/" + $1 } + "/Values"

  /// Every case of a group, by name.
  static func all(_ group: Group) -> [ReferenceCase] {
    guard let directory = opendir("\(folder)/\(group.rawValue)") else { return [] }
    defer { closedir(directory) }
    var names: [String] = []
    let suffix = ".safetensors"
    while let entry = readdir(directory) {
      let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
        String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      if name.hasSuffix(suffix) { names.append(String(name.dropLast(suffix.count))) }
    }
    return names.sorted().map { ReferenceCase(group: group, name: $0) }
  }

  func open() throws -> ReferenceValues {
    try ReferenceValues(SafetensorsFile.read("\(Self.folder)/\(group.rawValue)/\(name).safetensors"))
  }
}

/// An open file of values with the attributes of its case.
struct ReferenceValues {
  let file: SafetensorsFile
  let attributes: JSONObject

  init(_ file: SafetensorsFile) throws {
    self.file = file
    let text = try #require(file.metadata["case"], "\(file.path) has no case in its metadata")
    attributes = try #require(JSONValue(parsing: text).objectValue)
  }

  func has(_ name: String) -> Bool { file.info(name) != nil }
  func floats(_ name: String) throws -> [Float] { try file.floats(name) }
  func doubles(_ name: String) throws -> [Double] { try file.floats(name).map(Double.init) }

  var op: String { get throws { try text("op") } }
  func text(_ key: String) throws -> String { try #require(attributes[key]?.stringValue, "no text \(key)") }
  func integer(_ key: String) throws -> Int { try #require(attributes[key]?.integerValue, "no number \(key)") }
  func number(_ key: String) throws -> Double { try #require(attributes[key]?.doubleValue, "no number \(key)") }
  func flag(_ key: String) throws -> Bool { try #require(attributes[key]?.boolValue as Bool?, "no flag \(key)") }
  func extent(_ key: String) throws -> Extent { try Extent(integers(key)) }
  func integers(_ key: String) throws -> [Int] {
    try #require(attributes[key]?.arrayValue, "no list \(key)").map { try #require($0.integerValue) }
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
