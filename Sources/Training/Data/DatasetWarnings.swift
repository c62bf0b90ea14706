import Volumes

/// What a user should hear of before a run, though it can start: conditions of data and recipe together.
public struct DatasetWarnings {
  let classes: [ClassLabel]
  /// Such as `3 of 60 cases`; at most so many are named.
  private static let named = 8

  public init(classes: [ClassLabel]) { self.classes = classes }

  func all(_ recipe: Recipe, training: [PatchSource]) -> [String] {
    [gaps(), smallCases(training, patch: recipe.sampler.patch), sides(recipe.augmentation)].compactMap { $0 }
  }

  /// Ids with gaps are normal.
  public func gaps() -> String? {
    guard classes.enumerated().contains(where: { Int($1.id) != $0 }) else { return nil }
    let ids = classes.map { String($0.id) }.joined(separator: ", ")
    return
      "label ids \(ids) have gaps: they are classes 0 to \(classes.count - 1) inside the network, and predictions get "
      + "the ids back"
  }

  /// A volume below the patch is padded behind its borders.
  func smallCases(_ cases: [PatchSource], patch: SIMD3<Int>) -> String? {
    let small = cases.filter { any($0.size .< patch) }
    guard !small.isEmpty else { return nil }
    let names = small.prefix(Self.named).map { "\($0.name) (\($0.size.x)×\($0.size.y)×\($0.size.z))" }
    return "\(small.count) of \(cases.count) training cases are smaller than the patch "
      + "\(patch.x)×\(patch.y)×\(patch.z) and are padded: \(names.joined(separator: ", "))"
      + (small.count > names.count ? " and \(small.count - names.count) more" : "")
  }

  /// Labels of one side of the body under left–right flips teach the network to confuse the sides.
  func sides(_ augmentation: AugmentationSettings) -> String? {
    guard augmentation.leftRightFlipProbability > 0 else { return nil }
    let swapped = Set(augmentation.labelsSwappedByLeftRightFlip.flatMap { [$0.x, $0.y] })
    let sided = classes.filter { LeftRight.isNamed(in: $0.name) && !swapped.contains($0.id) }
    guard !sided.isEmpty else { return nil }
    return
      "augmentation.leftRightFlipProbability: flips make the left side of \(sided.map(\.name).joined(separator: ", "))"
      + " the right one; set it to 0, or name pairs in augmentation.labelsSwappedByLeftRightFlip"
  }
}

/// The sides of the body, of which a class's name may speak.
public enum LeftRight {
  private static let words: Set<String> = ["left", "right", "l", "r", "lh", "rh", "sinister", "dexter"]

  /// Whether a name has a side's word: `kidney_left`, `Left Kidney`, `kidneyRight`, `L-kidney`.
  public static func isNamed(in name: String) -> Bool {
    var parts: [String] = []
    var part = ""
    var previous: Character = " "
    for character in name {
      if !character.isLetter || (character.isUppercase && previous.isLowercase) {
        parts.append(part)
        part = ""
      }
      if character.isLetter { part.append(character) }
      previous = character
    }
    parts.append(part)
    return parts.contains { words.contains($0.lowercased()) }
  }
}
