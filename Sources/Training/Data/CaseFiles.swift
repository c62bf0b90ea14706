import Interchange
import Volumes

#if canImport(FoundationEssentials)
  import FoundationEssentials
#endif

/// The files of one case.
public struct CaseFiles: Sendable, Equatable {
  public var name: String
  /// One file a channel, or one file with all channels.
  public var images: [String]
  public var label: String
  /// `data.resampleChannels`: files on grids of their own are brought onto the first one's.
  public var resamplesChannels = false

  public init(name: String, images: [String], label: String) {
    self.name = name
    self.images = images
    self.label = label
  }
}

/// Faults of a data set, all that were found, one line each.
public struct DatasetErrors: Error, Sendable, CustomStringConvertible {
  public var problems: [String]
  /// What else a user should hear of, though training could start with it.
  public var warnings: [String]

  public init(_ problems: [String], warnings: [String] = []) {
    self.problems = problems
    self.warnings = warnings
  }

  public var description: String { problems.joined(separator: "\n") }
}

/// The cases of a data folder with what its `dataset.json` says of classes and channels.
public struct CaseListing: Sendable {
  public var cases: [CaseFiles] = []
  public var classes: [ClassLabel] = []
  public var channels: [String] = []
  /// Id that counts nowhere.
  public var ignore: Int32?
  /// Names of cases that lack a file.
  public var incomplete: [String] = []
  /// Faults of the listing, such as an image without its label.
  public var problems: [String] = []

  /// Looks at names only; opens no volume. Cases come in the order of their names.
  public init(_ data: DataSettings) {
    classes = data.classes
    channels = data.channels
    ignore = data.ignore
    defer { for index in cases.indices { cases[index].resamplesChannels = data.resampleChannels } }
    switch data.layout {
    case .list: listed(data)
    case .paths: patterned(data)
    case .pairs: pairs(data.folder + "/" + data.images, data.folder + "/" + data.labels)
    case .decathlon, .nnunet: described(data)
    }
    classes.sort { $0.id < $1.id }
    cases.sort { $0.name < $1.name }
    nameChannels()
    if classes.isEmpty {
      problems.append("\(data.folder): no classes are named; the recipe's data.classes must name them")
    }
    for (a, b) in zip(cases, cases.dropFirst()) where a.name == b.name {
      problems.append("\(data.folder): two cases are named \(a.name): \(a.images[0]) and \(b.images[0])")
    }
    if cases.isEmpty && problems.isEmpty { problems.append("\(data.folder): holds no case") }
  }

  /// Where nothing names the channels, most cases say how many files one has. Cases that differ are found when they
  /// are read: one file may hold all channels.
  private mutating func nameChannels() {
    guard channels.isEmpty else { return }
    let counts = Dictionary(grouping: cases, by: \.images.count).mapValues(\.count)
    let usual = counts.max { ($0.value, $0.key) < ($1.value, $1.key) }?.key ?? 1
    channels = usual == 1 ? ["image"] : (0..<usual).map { "channel \($0)" }
  }

  private mutating func listed(_ data: DataSettings) {
    for entry in data.cases {
      let files = entry.images + [entry.label]
      let paths = files.map { $0.hasPrefix("/") ? $0 : data.folder + "/" + $0 }
      let missing = paths.filter { !FileManager.default.fileExists(atPath: $0) }
      for path in missing {
        problems.append("\(path): no such file: case \(entry.name) lacks its \(path == paths.last ? "label" : "image")")
      }
      guard missing.isEmpty else {
        incomplete.append(entry.name)
        continue
      }
      cases.append(
        CaseFiles(name: entry.name, images: Array(paths.dropLast()), label: paths[paths.count - 1]))
    }
  }

  /// Labels NAME.nii.gz with images NAME.nii.gz, or NAME_0000.nii.gz and on.
  private mutating func pairs(_ imageFolder: String, _ labelFolder: String) {
    guard let imageFiles = volumes(in: imageFolder), let labelFiles = volumes(in: labelFolder) else { return }
    let labelOf = onePerName(labelFiles, labelFolder)
    var imagesOf: [String: [String]] = [:]
    for file in onePerName(imageFiles, imageFolder).values.sorted() {
      let stem = Self.stem(file)
      var name = stem
      if labelOf[stem] == nil, let cut = Self.withoutChannelNumber(stem) { name = cut }
      imagesOf[name, default: []].append(file)
    }
    for name in Set(labelOf.keys).union(imagesOf.keys).sorted() {
      if labelOf[name] == nil || imagesOf[name] == nil { incomplete.append(name) }
      guard let label = labelOf[name] else {
        let image = imagesOf[name]?.first ?? name
        problems.append("\(imageFolder)/\(image): case \(name) has no label \(labelFolder)/\(name).nii.gz")
        continue
      }
      guard let images = imagesOf[name] else {
        problems.append("\(labelFolder)/\(label): case \(name) has no image \(imageFolder)/\(name).nii.gz")
        continue
      }
      cases.append(
        CaseFiles(name: name, images: images.map { "\(imageFolder)/\($0)" }, label: "\(labelFolder)/\(label)")
      )
    }
  }

  /// Files by the names of their cases. `a.nii` beside `a.nii.gz` is two cases of one name; a pair's `.hdr` and `.img`
  /// are one.
  private mutating func onePerName(_ files: [String], _ folder: String) -> [String: String] {
    var found: [String: String] = [:]
    for file in files.sorted() {
      let stem = Self.stem(file)
      guard let other = found[stem] else {
        found[stem] = file
        continue
      }
      if Self.isHalfOfAPair(file) && Self.isHalfOfAPair(other) { continue }
      problems.append("\(folder): two cases are named \(stem): \(other) and \(file)")
    }
    return found
  }

  private static func isHalfOfAPair(_ file: String) -> Bool {
    [".hdr", ".img", ".hdr.gz", ".img.gz"].contains { file.hasSuffix($0) }
  }

  /// `dataset.json` of the Medical Segmentation Decathlon or of nnU-Net.
  private mutating func described(_ data: DataSettings) {
    let path = data.folder + "/dataset.json"
    do {
      let description = try DatasetDescription(path)
      if classes.isEmpty { classes = description.classes }
      if channels.isEmpty { channels = description.channels }
      ignore = data.ignore ?? description.ignore
      if description.pairs.isEmpty {
        pairs(data.folder + "/imagesTr", data.folder + "/labelsTr")
        return
      }
      for pair in description.pairs {
        let image = data.folder + "/" + pair.image
        let label = data.folder + "/" + pair.label
        let name = Self.stem(Self.lastComponent(label))
        let missing = [(image, "image"), (label, "label")].filter { !FileManager.default.fileExists(atPath: $0.0) }
        for (file, what) in missing {
          problems.append("\(file): no such file: case \(name) lacks its \(what) (named by \(path))")
        }
        guard missing.isEmpty else {
          incomplete.append(name)
          continue
        }
        cases.append(CaseFiles(name: name, images: [image], label: label))
      }
    } catch {
      problems.append("\(error)")
    }
  }

  /// NIfTI files of a folder, without the hidden ones that macOS leaves (`._x.nii.gz`).
  private mutating func volumes(in folder: String) -> [String]? {
    guard let files = try? FileManager.default.contentsOfDirectory(atPath: folder) else {
      problems.append("\(folder): no such folder, or it cannot be read")
      return nil
    }
    return files.filter { !$0.hasPrefix(".") && NiftiFile.accepts($0) }
  }

  static func lastComponent(_ path: String) -> String {
    path.split(separator: "/").last.map(String.init) ?? path
  }

  /// `case_01.nii.gz` → `case_01`.
  public static func stem(_ file: String) -> String {
    for ending in [".nii.gz", ".nii", ".img.gz", ".img", ".hdr.gz", ".hdr"] where file.hasSuffix(ending) {
      return String(file.dropLast(ending.count))
    }
    return file
  }

  /// `case_01_0000` → `case_01`.
  static func withoutChannelNumber(_ stem: String) -> String? {
    let digits = stem.suffix(4)
    guard digits.count == 4, digits.allSatisfy(\.isNumber), stem.dropLast(4).hasSuffix("_") else {
      return nil
    }
    return String(stem.dropLast(5))
  }
}
