import Interchange
import Volumes

#if canImport(FoundationEssentials)
  import FoundationEssentials
#endif

/// Preprocessed training cases on the disk: made once, then mapped, so that a data set larger than the memory trains and
/// a second start reads no scan. A file that is damaged, or made of other scans or by another recipe, is made again.
public struct CaseCache: Sendable {
  public var folder: String
  /// Bytes of voxels that are kept in memory before cases go to the disk; 0: all do.
  public var memoryLimit: Int

  public init(folder: String, memoryLimit: Int = 0) {
    self.folder = folder
    self.memoryLimit = memoryLimit
  }

  /// Of what a case's voxels are made (its files as they are on the disk, the preprocessing with its statistics, the
  /// classes); nil where a file cannot be read.
  func key(_ files: CaseFiles, _ preprocessing: Preprocessing, _ map: ClassMap) -> String? {
    guard let marks = Self.marks(files) else { return nil }
    let steps = JSONValue.array(preprocessing.steps.map(\.json)).text()
    return Self.hash(marks + [steps] + preprocessing.statistics.map { "\($0)" } + Self.marks(map))
  }

  /// Of what the foreground's statistics are made; nil where a file cannot be read.
  func statisticsKey(_ cases: [CaseFiles], _ map: ClassMap) -> String? {
    var parts = Self.marks(map)
    for files in cases {
      guard let marks = Self.marks(files) else { return nil }
      parts += marks
    }
    return Self.hash(parts)
  }

  private static func marks(_ files: CaseFiles) -> [String]? {
    var parts: [String] = ["1", files.resamplesChannels ? "one grid" : "as stored"]
    for path in files.images + [files.label] {
      guard let stamp = DataFingerprint.stamp(path), let fingerprint = DataFingerprint.of(path) else { return nil }
      parts += [stamp, fingerprint]
    }
    return parts
  }

  private static func marks(_ map: ClassMap) -> [String] {
    map.classes.map { "\($0.id)" } + ["\(map.otherLabels.rawValue) \(map.ignore.map { "\($0)" } ?? "")"]
  }

  private static func hash(_ parts: [String]) -> String { SHA256.hex(Array(parts.joined(separator: "\n").utf8)) }

  func load(_ name: String, key: String) -> PatchSource? {
    PatchSource(name: name, mapping: path(name, key), key: key)
  }

  /// The case as it was, but for where its voxels lie.
  /// - Throws: `VolumeError` where the disk refuses.
  func store(_ source: PatchSource, key: String) throws(VolumeError) -> PatchSource {
    try makeFolder()
    try source.write(to: path(source.name, key), key: key)
    return load(source.name, key: key) ?? source
  }

  private struct KeyedStatistics: Codable {
    var key: String
    var statistics: [ForegroundStatistics]
  }

  func statistics(key: String) -> [ForegroundStatistics]? {
    guard let bytes = FileManager.default.contents(atPath: statisticsPath(key)),
      let kept = try? JSONDecoder().decode(KeyedStatistics.self, from: bytes), kept.key == key
    else { return nil }
    return kept.statistics
  }

  /// - Throws: `VolumeError` where the disk refuses.
  func store(_ statistics: [ForegroundStatistics], key: String) throws(VolumeError) {
    try makeFolder()
    do {
      let bytes = try JSONEncoder().encode(KeyedStatistics(key: key, statistics: statistics))
      try bytes.write(to: URL(filePath: statisticsPath(key)), options: .atomic)
    } catch {
      throw VolumeError(statisticsPath(key), "cannot be written")
    }
  }

  private func makeFolder() throws(VolumeError) {
    do {
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    } catch {
      throw VolumeError(folder, "the cache's folder cannot be made")
    }
  }

  private func statisticsPath(_ key: String) -> String { "\(folder)/foreground-\(key.prefix(16)).json" }

  private func path(_ name: String, _ key: String) -> String {
    let safe = String(name.map { $0.isLetter || $0.isNumber || "-_.".contains($0) ? $0 : "_" })
    return "\(folder)/\(safe)-\(key.prefix(16)).case"
  }
}
