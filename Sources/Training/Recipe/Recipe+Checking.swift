import Interchange
import Volumes

#if canImport(FoundationEssentials)
  import FoundationEssentials
#endif

extension Recipe {
  /// A recipe for looking at a data folder that has none yet.
  ///
  /// - Throws: `RecipeErrors` for unsound overrides and for a folder that holds no data set.
  public init(checking folder: String, overrides: [String] = []) throws(RecipeErrors) {
    let data = try DataSettings(detecting: folder)
    var tree: JSONObject = [
      "name": .string(data.folder.split(separator: "/").last.map(String.init) ?? "data"), "data": data.json,
      "preprocessing": [["normalise": .string("zscore")]], "sampler": ["foreground": .number(0.5)],
    ]
    for text in overrides { try RecipeTree.apply(text, to: &tree) }
    try self.init(tree, path: folder)
  }
}

extension DataSettings {
  /// What a folder holds: `dataset.json` of nnU-Net or of the Medical Segmentation Decathlon, otherwise `images` and
  /// `labels` (or `imagesTr` and `labelsTr`), whose ids become the classes and whose first image tells the channels.
  ///
  /// - Throws: `RecipeErrors` for a folder that holds none of these.
  public init(detecting folder: String) throws(RecipeErrors) {
    self.init()
    self.folder = RecipeTree.absolutePath(folder, from: RecipeTree.currentFolder)
    func holds(_ name: String) -> Bool { FileManager.default.fileExists(atPath: self.folder + "/" + name) }
    if holds("dataset.json") {
      layout = .decathlon
      // What it holds is told, all at once, when its cases are listed.
      if (try? DatasetDescription(self.folder + "/dataset.json"))?.isNNUNet == true { layout = .nnunet }
      return
    }
    guard let (images, labels) = [("images", "labels"), ("imagesTr", "labelsTr")].first(where: { holds($0.1) }) else {
      let expected = "dataset.json, or the folders images and labels, or imagesTr and labelsTr"
      throw RecipeErrors([RecipeError(folder, key: "", found: "no data set", expected: expected)])
    }
    (self.images, self.labels) = (images, labels)
    let ids = Self.presentIDs(self.folder + "/" + labels).filter { $0 > 0 }
    classes = [ClassLabel(name: "background", id: 0)]
    classes += (ids.isEmpty ? [1] : ids).map { ClassLabel(name: "label \($0)", id: $0) }
    if let first = CaseListing(self).cases.first, first.images.count == 1,
      let count = try? NiftiSummary(of: first.images[0]).channelCount, count > 1
    {
      channels = (0..<count).map { "channel \($0)" }
    }
  }

  /// Absolute, without `.` and `..` where they can be taken away.
  public static func absolutePath(_ path: String, from folder: String) -> String {
    RecipeTree.absolutePath(path, from: folder)
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
