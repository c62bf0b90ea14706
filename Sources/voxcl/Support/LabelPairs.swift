import FoundationEssentials
import VoxCL

/// Predictions with their references, matched by name.
struct LabelPairs {
  struct Pair {
    var name: String
    var prediction: String
    var reference: String

    /// Both in RAS+ axes, so that the storage order of either does not matter.
    func read() throws -> (prediction: LabelVolume, reference: LabelVolume) {
      let predicted = try NiftiFile.readLabels(prediction, allowingNegativeIds: true)
      let referred = try NiftiFile.readLabels(reference, allowingNegativeIds: true)
      return (predicted.labels.reorientedToRAS().labels, referred.labels.reorientedToRAS().labels)
    }
  }

  var pairs: [Pair]

  /// Two files, or two folders: every reference must have its prediction.
  init(prediction: String, reference: String) throws {
    let (isFolder, otherIsFolder) = (try ScanFiles.isFolder(prediction), try ScanFiles.isFolder(reference))
    guard isFolder == otherIsFolder else {
      throw UserError(
        "\(prediction) is a \(isFolder ? "folder" : "file"), \(reference) a \(otherIsFolder ? "folder" : "file"); "
          + "expected two files or two folders")
    }
    guard isFolder else {
      pairs = [Pair(name: ScanFiles.stem(prediction), prediction: prediction, reference: reference)]
      return
    }
    let predicted = try ScanFiles.volumes(in: prediction)
    let referred = try ScanFiles.volumes(in: reference)
    guard !referred.isEmpty else { throw UserError("\(reference): no NIfTI files in this folder") }
    pairs = []
    var missing: [String] = []
    for file in referred {
      let name = ScanFiles.stem(file)
      if let match = predicted.first(where: { ScanFiles.stem($0) == name }) {
        pairs.append(Pair(name: name, prediction: match, reference: file))
      } else {
        missing.append(name)
      }
    }
    guard missing.isEmpty else {
      throw UserError(
        "\(prediction): no prediction for \(missing.count) of \(referred.count) references: "
          + missing.prefix(5).joined(separator: ", ") + (missing.count > 5 ? " …" : ""))
    }
  }
}

/// Labels to evaluate, as the command line names them.
enum MetricLabels {
  /// `1,2`, `liver=1,tumour=2`, or a JSON file: `{"liver": 1}`, `{"1": "liver"}`, or either under "labels".
  static func parse(_ text: String) throws -> [MetricLabel] {
    if text.hasSuffix(".json") { return try read(text) }
    return try text.split(separator: ",").map { part in
      let sides = part.split(separator: "=", maxSplits: 1).map { String($0).trimmed }
      guard let last = sides.last, let id = Int32(last), !sides[0].isEmpty else {
        throw UserError("--labels \(part): expected an id or name=id")
      }
      return MetricLabel(id: id, name: sides[0])
    }
  }

  private static func read(_ path: String) throws -> [MetricLabel] {
    struct Wrapped: Decodable { var labels: [String: Entry] }
    enum Entry: Decodable {
      case id(Int32)
      case name(String)
      init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let id = try? container.decode(Int32.self) {
          self = .id(id)
        } else {
          self = .name(try container.decode(String.self))
        }
      }
    }
    guard let data = try? Data(contentsOf: URL(filePath: path)) else {
      throw UserError("\(path): cannot be read")
    }
    let decoder = JSONDecoder()
    guard
      let entries = (try? decoder.decode(Wrapped.self, from: data).labels)
        ?? (try? decoder.decode([String: Entry].self, from: data))
    else { throw UserError("\(path): expected names and ids such as {\"liver\": 1}") }
    var labels: [MetricLabel] = []
    for (key, entry) in entries {
      switch entry {
      case .id(let id): labels.append(MetricLabel(id: id, name: key))
      case .name(let name):
        guard let id = Int32(key) ?? Int32(name) else {
          throw UserError("\(path): \(key): \(name) has no id")
        }
        labels.append(MetricLabel(id: id, name: Int32(key) == nil ? key : name))
      }
    }
    return labels.filter { $0.id != 0 }.sorted { $0.id < $1.id }
  }

  /// Every id above 0 of any file.
  static func occurring(in pairs: [LabelPairs.Pair]) throws -> [MetricLabel] {
    var ids: Set<Int32> = []
    for pair in pairs {
      for path in [pair.prediction, pair.reference] {
        ids.formUnion(try NiftiFile.readLabels(path, allowingNegativeIds: true).labels.presentIds)
      }
    }
    return ids.filter { $0 > 0 }.sorted().map { MetricLabel(id: $0, name: "\($0)") }
  }
}

extension String {
  fileprivate var trimmed: String {
    String(drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
  }
}
