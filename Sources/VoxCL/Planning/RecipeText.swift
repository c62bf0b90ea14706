import Interchange
import Training

/// A recipe as people read it: every key, each decision's reason as a comment before its key.
struct RecipeText {
  private let reasons: [String: String]
  private var text = ""
  private static let width = 116

  /// - Parameters:
  ///   - heading: Comments before everything, one a line.
  ///   - dataFolder: As the recipe shall name it.
  static func make(_ recipe: Recipe, decisions: [PlanDecision], heading: [String], dataFolder: String) throws -> String
  {
    var object = try JSONValue(parsing: recipe.json).objectValue ?? [:]
    if var data = object["data"]?.objectValue {
      data["folder"] = .string(dataFolder)
      object["data"] = .object(data)
    }
    // Augmentation has many keys; those at rest say nothing.
    let plain = try JSONValue(parsing: Recipe().json).objectValue?["augmentation"]?.objectValue ?? [:]
    if let augmentation = object["augmentation"]?.objectValue {
      var told = JSONObject()
      for member in augmentation.members where plain[member.key] != member.value { told[member.key] = member.value }
      object["augmentation"] = .object(told)
    }
    var writer = RecipeText(
      reasons: Dictionary(decisions.map { ($0.key, $0.why) }, uniquingKeysWith: { "\($0); \($1)" }))
    for line in heading { writer.comment(line, indent: 0) }
    writer.object(object, path: "", indent: 0)
    return writer.text + "\n"
  }

  private init(reasons: [String: String]) { self.reasons = reasons }

  private mutating func object(_ object: JSONObject, path: String, indent: Int) {
    text += "{\n"
    for member in object.members where member.value != .null {
      let key = path.isEmpty ? member.key : "\(path).\(member.key)"
      if let why = reasons[key] { comment(why, indent: indent + 2) }
      text += String(repeating: " ", count: indent + 2) + JSONValue.string(member.key).text() + ": "
      value(member.value, path: key, indent: indent + 2)
      text += ",\n"
    }
    text += String(repeating: " ", count: indent) + "}"
  }

  /// Sections one key a line; what is inside them on one line where it fits.
  private mutating func value(_ value: JSONValue, path: String, indent: Int) {
    let line = Self.inline(value)
    let isLong = indent + line.count > Self.width - 20
    if let members = value.objectValue, !members.members.isEmpty, isLong || indent <= 2 || hasReason(under: path) {
      return object(members, path: path, indent: indent)
    }
    guard let list = value.arrayValue, isLong else {
      text += line
      return
    }
    let inner = String(repeating: " ", count: indent + 2)
    text += "[\n" + list.map { inner + Self.inline($0) + ",\n" }.joined() + String(repeating: " ", count: indent) + "]"
  }

  private func hasReason(under path: String) -> Bool { reasons.keys.contains { $0.hasPrefix(path + ".") } }

  private static func inline(_ value: JSONValue) -> String {
    if let list = value.arrayValue { return "[" + list.map(inline).joined(separator: ", ") + "]" }
    if let object = value.objectValue {
      let members = object.members.filter { $0.value != .null }
      return "{" + members.map { "\(JSONValue.string($0.key).text()): \(inline($0.value))" }.joined(separator: ", ")
        + "}"
    }
    return value.text()
  }

  /// In lines that are not too long.
  private mutating func comment(_ words: String, indent: Int) {
    let start = String(repeating: " ", count: indent) + "//"
    var line = start
    for word in words.split(separator: " ") {
      if line.count + 1 + word.count > Self.width && line != start {
        text += line + "\n"
        line = start
      }
      line += " " + word
    }
    text += line + "\n"
  }
}
