import Interchange
import Volumes

#if canImport(FoundationEssentials)
  import FoundationEssentials
#endif

/// Preprocessed training cases on the disk: made once, then mapped, so that a data set larger than the memory trains and
/// a second start reads no scan (but for `ct-foreground`, whose statistics are taken anew). A file that is damaged, or
/// made of other scans or by another recipe, is made again.
public struct CaseCache: Sendable {
  public var folder: String
  /// Bytes of voxels that are kept in memory before cases go to the disk; 0: all do.
  public var memoryLimit: Int

  public init(folder: String, memoryLimit: Int = 0) {
    self.folder = folder
    self.memoryLimit = memoryLimit
  }

  /// Of what a case's voxels are made: its files as they are on the disk, the preprocessing with its statistics, the
  /// classes.
  /// nil where a file cannot be read.
  func key(_ files: CaseFiles, _ preprocessing: Preprocessing, _ map: ClassMap) -> String? {
    var parts: [String] = ["1", files.resamplesChannels ? "one grid" : "as stored"]
    for path in files.images + [files.label] {
      guard let stamp = DataFingerprint.stamp(path), let fingerprint = DataFingerprint.of(path) else { return nil }
      parts += [stamp, fingerprint]
    }
    parts.append(JSONValue.array(preprocessing.steps.map(\.json)).text())
    parts += preprocessing.statistics.map { "\($0)" }
    parts += map.classes.map { "\($0.id)" }
    parts.append("\(map.otherLabels.rawValue) \(map.ignore.map { "\($0)" } ?? "")")
    return SHA256.hex(Array(parts.joined(separator: "\n").utf8))
  }

  func load(_ name: String, key: String) -> PatchSource? {
    PatchSource(name: name, mapping: path(name, key), key: key)
  }

  /// The case as it was, but for where it lies; the case itself where the disk refuses.
  func store(_ source: PatchSource, key: String) throws(VolumeError) -> PatchSource {
    do {
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    } catch {
      throw VolumeError(folder, "the cache's folder cannot be made")
    }
    try source.write(to: path(source.name, key), key: key)
    return load(source.name, key: key) ?? source
  }

  private func path(_ name: String, _ key: String) -> String {
    let safe = String(name.map { $0.isLetter || $0.isNumber || "-_.".contains($0) ? $0 : "_" })
    return "\(folder)/\(safe)-\(key.prefix(16)).case"
  }
}
