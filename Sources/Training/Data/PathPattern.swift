#if canImport(FoundationEssentials)
  import FoundationEssentials
#endif

/// A path below a data folder with `{case}` for the case's name, such as `{case}/{case}_flair.nii.gz` or
/// `volume-{case}.nii`.
struct PathPattern: Sendable, Equatable {
  static let placeholder = "{case}"
  let text: String

  /// nil where the name's place is missing.
  init?(_ text: String) {
    guard text.contains(Self.placeholder) else { return nil }
    self.text = text
  }

  func path(of name: String) -> String {
    text.split(separator: Self.placeholder, omittingEmptySubsequences: false).joined(separator: name)
  }

  /// Names for which the path may exist: what stands for `{case}` in the entries of the folder where it first occurs.
  func candidates(in folder: String) -> Set<String> {
    let components = text.split(separator: "/").map(String.init)
    guard let index = components.firstIndex(where: { $0.contains(Self.placeholder) }) else { return [] }
    let place = ([folder] + components[..<index]).joined(separator: "/")
    let parts = components[index].split(separator: Self.placeholder, omittingEmptySubsequences: false).map(String.init)
    let (prefix, suffix) = (parts[0], parts[1])
    var names: Set<String> = []
    for entry in (try? FileManager.default.contentsOfDirectory(atPath: place)) ?? [] where !entry.hasPrefix(".") {
      // A second {case} in the same component is held against the path itself.
      guard parts.count == 2 else {
        names.formUnion(Self.repeated(entry, in: components[index]))
        continue
      }
      guard entry.hasPrefix(prefix), entry.hasSuffix(suffix), entry.count > prefix.count + suffix.count else { continue }
      names.insert(String(entry.dropFirst(prefix.count).dropLast(suffix.count)))
    }
    return names
  }

  /// The name that makes a component with several places for it into `entry`.
  private static func repeated(_ entry: String, in component: String) -> [String] {
    let parts = component.split(separator: placeholder, omittingEmptySubsequences: false)
    let fixed = parts.reduce(0) { $0 + $1.count }
    let places = parts.count - 1
    guard entry.count > fixed, (entry.count - fixed) % places == 0 else { return [] }
    let name = String(entry.dropFirst(parts[0].count).prefix((entry.count - fixed) / places))
    return parts.joined(separator: name) == entry ? [name] : []
  }
}

extension CaseListing {
  /// Cases whose files lie where the recipe's patterns say. A name with some of its files is a fault.
  mutating func patterned(_ data: DataSettings) {
    let images = data.imagePaths.compactMap(PathPattern.init)
    guard let label = PathPattern(data.labelPath) else { return }
    let patterns = images + [label]
    let names = patterns.reduce(into: Set<String>()) { $0.formUnion($1.candidates(in: data.folder)) }
    let found = names.sorted().map { name in
      let paths = patterns.map { "\(data.folder)/\($0.path(of: name))" }
      return (name: name, paths: paths, missing: paths.filter { !FileManager.default.fileExists(atPath: $0) })
    }
    // Beside a.nii.gz, the label a_seg.nii.gz looks like an image of a case a_seg.
    let taken = Set(found.filter(\.missing.isEmpty).flatMap(\.paths))
    for (name, paths, missing) in found {
      if paths.allSatisfy({ missing.contains($0) || taken.contains($0) }) && !missing.isEmpty { continue }
      for path in missing {
        problems.append("\(path): no such file: case \(name) lacks its \(path == paths.last ? "label" : "image")")
      }
      guard missing.isEmpty else {
        incomplete.append(name)
        continue
      }
      cases.append(CaseFiles(name: name, images: Array(paths.dropLast()), label: paths[paths.count - 1]))
    }
    if cases.isEmpty && problems.isEmpty {
      problems.append("\(data.folder): no case has \(patterns.map(\.text).joined(separator: ", "))")
    }
  }
}
