import Interchange
import Volumes

#if canImport(FoundationEssentials)
  import FoundationEssentials
#endif

extension Recipe {
  /// A recipe for looking at a data folder that has none yet: `dataset.json` where there is one, otherwise
  /// `images` and `labels`, whose ids become the classes.
  ///
  /// - Throws: `RecipeErrors` for unsound overrides.
  public init(checking folder: String, overrides: [String] = []) throws(RecipeErrors) {
    let absolute = RecipeTree.absolutePath(folder, from: RecipeTree.currentFolder)
    let isDescribed = FileManager.default.fileExists(atPath: absolute + "/dataset.json")
    var data: JSONObject = [
      "layout": .string(isDescribed ? "decathlon" : "pairs"), "folder": .string(absolute),
    ]
    if !isDescribed {
      let ids = Self.presentIDs(absolute + "/labels")
      var classes: JSONObject = ["background": .integer(0)]
      for id in ids where id > 0 { classes["label \(id)"] = .integer(Int(id)) }
      if classes.keys.count < 2 { classes["label 1"] = .integer(1) }
      data["classes"] = .object(classes)
    }
    var tree: JSONObject = [
      "name": .string(absolute.split(separator: "/").last.map(String.init) ?? "data"), "data": .object(data),
      "preprocessing": [["normalise": .string("zscore")]], "sampler": ["foreground": .number(0.5)],
    ]
    for text in overrides { try RecipeTree.apply(text, to: &tree) }
    try self.init(tree, path: folder)
  }

  /// Ids in the label maps that can be read; the others are reported by the check itself.
  private static func presentIDs(_ folder: String) -> [Int32] {
    var ids: Set<Int32> = []
    for file in (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    where NiftiFile.accepts(file) && !file.hasPrefix(".") {
      if let labels = try? NiftiFile.readLabels("\(folder)/\(file)", allowingNegativeIds: true) {
        ids.formUnion(labels.labels.presentIds)
      }
    }
    return ids.sorted()
  }
}

extension JSONValue: ExpressibleByArrayLiteral {
  public init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
}
