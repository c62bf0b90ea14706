import FoundationEssentials
import VoxCL

/// What to evaluate, as the command line names it: labels, or unions of them.
enum EvaluatedRegions {
  /// `1,2`, `liver=1+2,tumour=2`, or a JSON file: `{"liver": [1, 2], "tumour": 2}`, `{"1": "liver"}`, or either under
  /// "labels", as data sets have it.
  static func parse(_ text: String) throws -> [MetricRegion] {
    if text.hasSuffix(".json") { return try read(text) }
    return try text.split(separator: ",").map { part in
      let sides = part.split(separator: "=", maxSplits: 1).map { String($0).trimmed }
      let ids = (sides.last ?? "").split(separator: "+").map { Int32(String($0).trimmed) }
      guard let first = ids.first, first != nil, !ids.contains(nil), !sides[0].isEmpty else {
        throw UserError("--labels \(part): expected an id, name=id or name=id+id")
      }
      return region(sides[0], ids.compactMap { $0 })
    }
  }

  private static func region(_ name: String, _ ids: [Int32]) -> MetricRegion {
    MetricRegion(label: MetricLabel(id: ids[0], name: name), ids: Set(ids))
  }

  private enum Entry: Decodable {
    case ids([Int32])
    case name(String)

    init(from decoder: any Decoder) throws {
      let container = try decoder.singleValueContainer()
      if let id = try? container.decode(Int32.self) {
        self = .ids([id])
      } else if let ids = try? container.decode([Int32].self), !ids.isEmpty {
        self = .ids(ids)
      } else {
        self = .name(try container.decode(String.self))
      }
    }
  }

  private static func read(_ path: String) throws -> [MetricRegion] {
    struct Wrapped: Decodable { var labels: [String: Entry] }
    guard let data = try? Data(contentsOf: URL(filePath: path)) else {
      throw UserError("\(path): cannot be read")
    }
    let decoder = JSONDecoder()
    guard
      let entries = (try? decoder.decode(Wrapped.self, from: data).labels)
        ?? (try? decoder.decode([String: Entry].self, from: data))
    else { throw UserError("\(path): expected names and ids such as {\"liver\": 1} or {\"liver\": [1, 2]}") }
    let regions = try entries.map { key, entry in
      switch entry {
      case .ids(let ids): return region(key, ids)
      case .name(let name):
        guard let id = Int32(key) ?? Int32(name) else { throw UserError("\(path): \(key): \(name) has no id") }
        return region(Int32(key) == nil ? key : name, [id])
      }
    }
    return regions.filter { $0.ids != [0] }.sorted { ($0.label.id, $0.label.name) < ($1.label.id, $1.label.name) }
  }

  /// Every id above 0 of any file.
  static func occurring(in pairs: [LabelPairs.Pair]) throws -> [MetricRegion] {
    var ids: Set<Int32> = []
    for pair in pairs {
      for path in [pair.prediction, pair.reference] {
        ids.formUnion(try NiftiFile.readLabels(path, allowingNegativeIds: true).labels.presentIds)
      }
    }
    return ids.filter { $0 > 0 }.sorted().map { region("\($0)", [$0]) }
  }
}

extension String {
  fileprivate var trimmed: String {
    String(drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
  }
}
