import Interchange

#if canImport(FoundationEssentials)
  import FoundationEssentials
#endif

/// `dataset.json` of the Medical Segmentation Decathlon or of nnU-Net.
struct DatasetDescription {
  var classes: [ClassLabel] = []
  var channels: [String] = []
  /// nnU-Net's label "ignore", which counts nowhere.
  var ignore: Int32?
  /// nnU-Net's keys, and not the decathlon's.
  var isNNUNet = false
  /// Files relative to the folder; empty where the folder itself must be listed (nnU-Net).
  var pairs: [(image: String, label: String)] = []

  /// - Throws: `DatasetErrors` where the file is missing or says something else than it should.
  init(_ path: String) throws(DatasetErrors) {
    guard let data = FileManager.default.contents(atPath: path) else {
      throw DatasetErrors(["\(path): no such file, or it cannot be read"])
    }
    let object: JSONObject
    do {
      object = try JSONValue(parsing: [UInt8](data), dialect: .relaxed).objectValue ?? [:]
    } catch {
      throw DatasetErrors(["\(path): \(error)"])
    }
    guard let labels = object["labels"]?.objectValue else {
      throw DatasetErrors(["\(path): labels: found nothing, expected an object of names and ids"])
    }
    for member in labels.members {
      // The decathlon writes {"0": "background"}, nnU-Net {"background": 0}.
      let entry: ClassLabel
      if let id = Int32(member.key), let name = member.value.stringValue {
        entry = ClassLabel(name: name, id: id)
      } else if let id = member.value.integerValue.flatMap(Int32.init(exactly:)) {
        if member.key == "ignore" {
          ignore = id
          continue
        }
        entry = ClassLabel(name: member.key, id: id)
      } else {
        throw DatasetErrors([
          "\(path): labels.\(member.key): found \(member.value.summary), expected a name and an id"
        ])
      }
      classes.append(entry)
    }
    let modalities = (object["channel_names"] ?? object["modality"])?.objectValue ?? [:]
    channels = modalities.members.sorted { (Int($0.key) ?? 0) < (Int($1.key) ?? 0) }
      .map { $0.value.stringValue ?? "channel \($0.key)" }
    for entry in object["training"]?.arrayValue ?? [] {
      guard let image = entry.objectValue?["image"]?.stringValue,
        let label = entry.objectValue?["label"]?.stringValue
      else {
        throw DatasetErrors(["\(path): training: found \(entry.summary), expected {image, label}"])
      }
      pairs.append((Self.clean(image), Self.clean(label)))
    }
    // nnU-Net v1 lists names without the channel number; the folder tells more.
    isNNUNet = object["file_ending"] != nil || object["channel_names"] != nil
    if isNNUNet { pairs = [] }
  }

  private static func clean(_ path: String) -> String {
    path.hasPrefix("./") ? String(path.dropFirst(2)) : path
  }
}
