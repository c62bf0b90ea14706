import FoundationEssentials
import Volumes

/// The volumes of a file or folder, as cases with their channels.
public enum ScanFiles {
  /// One case: its name and one file a channel (or one file with all of them).
  public struct Case: Sendable, Equatable {
    public var name: String
    public var files: [String]

    public init(name: String, files: [String]) {
      self.name = name
      self.files = files
    }
  }

  /// - Throws: `PredictionError` where nothing has this name.
  public static func isFolder(_ path: String) throws(PredictionError) -> Bool {
    var isDirectory = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else {
      throw PredictionError("\(path): no such file or folder")
    }
    return isDirectory
  }

  /// The NIfTI files of a folder by name; of a pair, its header.
  public static func volumes(in folder: String) throws(PredictionError) -> [String] {
    guard let names = try? FileManager.default.contentsOfDirectory(atPath: folder) else {
      throw PredictionError("\(folder): the folder cannot be read")
    }
    return names.filter { name in
      let lower = name.lowercased()
      return NiftiFile.accepts(name) && !name.hasPrefix(".") && !lower.hasSuffix(".img")
        && !lower.hasSuffix(".img.gz")
    }
    .sorted().map { folder.hasSuffix("/") ? folder + $0 : "\(folder)/\($0)" }
  }

  /// A file's name without its folder and NIfTI's extensions.
  public static func stem(_ path: String) -> String {
    var name = path.split(separator: "/").last.map { String($0) } ?? path
    for ending in [".gz", ".nii", ".hdr", ".img"] where name.lowercased().hasSuffix(ending) {
      name = String(name.dropLast(ending.count))
    }
    return name
  }

  /// The cases of a folder. Where every name ends in four digits and one in `_0000`, those are nnU-Net's
  /// channels.
  public static func cases(in folder: String) throws(PredictionError) -> [Case] {
    let files = try volumes(in: folder)
    guard !files.isEmpty else { throw PredictionError("\(folder): no NIfTI files in this folder") }
    let split = files.map { channelSuffix(stem($0)) }
    guard split.allSatisfy({ $0 != nil }), split.contains(where: { $0?.channel == 0 }) else {
      return try unique(files.map { Case(name: stem($0), files: [$0]) }, folder)
    }
    var cases: [Case] = []
    for (file, name) in zip(files, split) {
      guard let name else { continue }
      // Files are sorted: channels of a case follow each other, ascending.
      if cases.last?.name == name.stem {
        cases[cases.count - 1].files.append(file)
      } else {
        cases.append(Case(name: name.stem, files: [file]))
      }
      guard cases[cases.count - 1].files.count == name.channel + 1 else {
        throw PredictionError("\(file): channel \(name.channel) follows no channel \(name.channel - 1)")
      }
    }
    return cases
  }

  private static func unique(_ cases: [Case], _ folder: String) throws(PredictionError) -> [Case] {
    for (a, b) in zip(cases, cases.dropFirst()) where a.name == b.name {
      throw PredictionError("\(folder): \(a.name) is there twice: \(a.files[0]), \(b.files[0])")
    }
    return cases
  }

  /// `case_0001` → (case, 1).
  static func channelSuffix(_ stem: String) -> (stem: String, channel: Int)? {
    let suffix = stem.suffix(5)
    guard stem.count > 5, suffix.first == "_", suffix.dropFirst().allSatisfy({ $0.isNumber && $0.isASCII }),
      let channel = Int(suffix.dropFirst())
    else { return nil }
    return (String(stem.dropLast(5)), channel)
  }
}
