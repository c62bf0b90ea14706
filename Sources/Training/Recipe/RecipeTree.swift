import Interchange

#if canImport(FoundationEssentials)
  import FoundationEssentials
#endif

/// A recipe's JSON with `extends` followed and `--set` applied.
enum RecipeTree {
  /// - Throws: `RecipeErrors` naming the file that cannot be read, or its line and column.
  static func read(_ path: String, overrides: [String]) throws(RecipeErrors) -> JSONObject {
    var tree = try load(path, seen: [])
    for text in overrides { try apply(text, to: &tree) }
    return tree
  }

  private static func load(_ path: String, seen: [String]) throws(RecipeErrors) -> JSONObject {
    let absolute = absolutePath(path, from: currentFolder)
    func failure(_ text: String) -> RecipeErrors {
      RecipeErrors([RecipeError(path, key: "", found: text, expected: "")])
    }
    guard !seen.contains(absolute) else { throw failure("extends itself") }
    guard let data = FileManager.default.contents(atPath: absolute) else {
      throw failure("no such recipe, or it cannot be read")
    }
    var object: JSONObject
    do {
      guard let read = try JSONValue(parsing: [UInt8](data), dialect: .relaxed).objectValue else {
        throw failure("is no recipe: expected an object { … }")
      }
      object = read
    } catch let error as RecipeErrors {
      throw error
    } catch {
      throw failure("\(error)")
    }
    let folder = folder(of: absolute)
    // Paths count from the file that names them; a recipe that extends it lies elsewhere.
    if var data = object["data"]?.objectValue {
      for key in ["folder", "split"] {
        if let relative = data[key]?.stringValue { data[key] = .string(absolutePath(relative, from: folder)) }
      }
      if var split = data["split"]?.objectValue, let relative = split["file"]?.stringValue {
        split["file"] = .string(absolutePath(relative, from: folder))
        data["split"] = .object(split)
      }
      object["data"] = .object(data)
    }
    guard let base = object["extends"] else { return object }
    object["extends"] = nil
    guard let basePath = base.stringValue else {
      throw RecipeErrors([RecipeError(path, key: "extends", found: base.summary, expected: "a path")])
    }
    return merged(try load(absolutePath(basePath, from: folder), seen: seen + [absolute]), object)
  }

  /// Objects key by key; anything else is replaced, and null takes the base's key away.
  private static func merged(_ base: JSONObject, _ over: JSONObject) -> JSONObject {
    var result = base
    for member in over.members {
      if let a = base[member.key]?.objectValue, let b = member.value.objectValue {
        result[member.key] = .object(merged(a, b))
      } else if member.value == .null && base[member.key] != nil {
        result[member.key] = nil
      } else {
        result[member.key] = member.value
      }
    }
    return result
  }

  /// `path.to.key=value`: JSON where it is, otherwise a text.
  static func apply(_ override: String, to tree: inout JSONObject) throws(RecipeErrors) {
    guard let equals = override.firstIndex(of: "="), equals > override.startIndex else {
      throw RecipeErrors([
        RecipeError("--set \(override)", key: "", found: "expected path.to.key=value", expected: "")
      ])
    }
    let keys = override[..<equals].split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    let text = String(override[override.index(after: equals)...])
    var value = (try? JSONValue(parsing: text, dialect: .relaxed)) ?? .string(text)
    if keys == ["data", "folder"] || keys == ["data", "split"], let path = value.stringValue {
      value = .string(absolutePath(path, from: currentFolder))
    }
    tree = setting(value, at: keys[...], in: tree)
  }

  private static func setting(_ value: JSONValue, at keys: ArraySlice<String>, in object: JSONObject)
    -> JSONObject
  {
    var object = object
    guard let key = keys.first else { return object }
    if keys.count == 1 {
      object[key] = value
    } else {
      object[key] = .object(
        setting(value, at: keys.dropFirst(), in: object[key]?.objectValue ?? JSONObject()))
    }
    return object
  }

  // MARK: Paths

  static var currentFolder: String { FileManager.default.currentDirectoryPath }

  static func folder(of path: String) -> String {
    path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
  }

  /// Absolute, without `.` and `..` where they can be taken away.
  static func absolutePath(_ path: String, from folder: String) -> String {
    let full = path.hasPrefix("/") ? path : folder + "/" + path
    var parts: [Substring] = []
    for part in full.split(separator: "/") where part != "." {
      if part == ".." { _ = parts.popLast() } else { parts.append(part) }
    }
    return "/" + parts.joined(separator: "/")
  }
}
