import Interchange

extension CaseSplit {
  public var json: JSONValue {
    [
      "training": .array(training.map(JSONValue.string)),
      "validation": .array(validation.map(JSONValue.string)),
    ]
  }
}

extension Recipe {
  /// Paths of the values in which another recipe differs.
  func changedKeys(_ other: Recipe) -> [String] { Self.changes(.object(object), .object(other.object), "") }

  private static func changes(_ a: JSONValue, _ b: JSONValue, _ path: String) -> [String] {
    guard a != b else { return [] }
    guard let x = a.objectValue, let y = b.objectValue else { return [path] }
    let keys = x.keys + y.keys.filter { x[$0] == nil }
    return keys.flatMap { changes(x[$0] ?? .null, y[$0] ?? .null, path.isEmpty ? $0 : "\(path).\($0)") }
  }
}

extension TrainingRun {
  /// `recipe.json` as resolved, `splits.json`, `environment.json`.
  func writeHead() throws(InterchangeError) {
    try folder.write(recipe.json, to: "recipe.json")
    try folder.write(dataset.split.json.text(indent: 2) + "\n", to: "splits.json")
    let description = device.description
    var files = JSONObject()
    for entry in CaseListing(recipe.data).cases {
      for path in entry.images + [entry.label] {
        files[path] = DataFingerprint.of(path).map(JSONValue.string) ?? .null
      }
    }
    let environment: JSONValue = [
      "voxcl": .string(options.version),
      "device": [
        "id": .string(description.id), "name": .string(description.name),
        "vendor": .string(description.vendor), "kind": .string(description.kind.rawValue),
        "memoryBytes": .integer(description.memoryBytes),
        "capabilities": .array(description.capabilities.map(JSONValue.string)),
      ],
      "fold": options.fold.map(JSONValue.integer) ?? .null,
      "dataFingerprint": .string(DataFingerprint.definition), "data": .object(files),
    ]
    try folder.write(environment.text(indent: 2) + "\n", to: "environment.json")
  }
}
