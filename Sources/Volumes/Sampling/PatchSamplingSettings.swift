/// A wrong value of a recipe: which key, and one line that says what was found and what is allowed.
public struct SettingProblem: Error, Sendable, Equatable, CustomStringConvertible {
  public var key: String
  public var problem: String

  public var description: String { "\(key): \(problem)" }
}

/// How patches are drawn from a case. Every list is [x, y, z] of the RAS+ volume.
public struct PatchSamplingSettings: Codable, Sendable, Equatable {
  /// Where a patch may lie.
  public enum Placement: String, Codable, Sendable, CaseIterable {
    /// Any voxel can be the centre; what lies outside the case is padding.
    case anywhere
    /// The patch stays inside the case: centres keep half a patch from the border.
    case inside
  }

  public var patchSize: SIMD3<Int>
  /// Voxels of context that are cut out around the patch on each side, for networks of valid convolutions.
  public var margin: SIMD3<Int>
  public var placement: Placement
  /// The probability of each class (label id) when a patch is centred on a class; classes that a case lacks
  /// are left out and the rest renormalised. Empty: all foreground classes of the case alike.
  public var classWeights: [Int: Double]
  /// The share of patches that are centred on a voxel of a class; the others have a uniform centre. Exact:
  /// of samples 0 ..< n, ⌊n · share⌋ are.
  public var classCentredFraction: Double
  /// What stands outside the case, after normalisation: one value for all channels, or one a channel.
  public var padValues: [Float]

  public init(
    patchSize: SIMD3<Int>, placement: Placement = .anywhere, classWeights: [Int: Double] = [:],
    classCentredFraction: Double = 0, padValues: [Float] = [0], margin: SIMD3<Int> = .zero
  ) {
    self.patchSize = patchSize
    self.margin = margin
    self.placement = placement
    self.classWeights = classWeights
    self.classCentredFraction = classCentredFraction
    self.padValues = padValues
  }

  public init(from decoder: any Decoder) throws {
    let keys = try decoder.container(keyedBy: CodingKeys.self)
    self.init(patchSize: try keys.decode(SIMD3<Int>.self, forKey: .patchSize))
    placement = try keys.decodeIfPresent(Placement.self, forKey: .placement) ?? placement
    classWeights = try keys.decodeIfPresent([Int: Double].self, forKey: .classWeights) ?? classWeights
    classCentredFraction =
      try keys.decodeIfPresent(Double.self, forKey: .classCentredFraction) ?? classCentredFraction
    margin = try keys.decodeIfPresent(SIMD3<Int>.self, forKey: .margin) ?? margin
    padValues = try keys.decodeIfPresent([Float].self, forKey: .padValues) ?? padValues
  }

  /// All mistakes at once; empty where the settings are sound.
  public func problems(channelCount: Int) -> [SettingProblem] {
    var problems: [SettingProblem] = []
    if patchSize.min() < 1 {
      problems.append(
        SettingProblem(key: "patchSize", problem: "is \(patchSize.text); each extent is at least 1"))
    }
    for (label, weight) in classWeights.sorted(by: { $0.key < $1.key })
    where !(weight >= 0 && weight.isFinite) {
      problems.append(
        SettingProblem(key: "classWeights.\(label)", problem: "is \(weight); a weight is at least 0"))
    }
    if !classWeights.isEmpty && !classWeights.values.contains(where: { $0 > 0 }) {
      problems.append(
        SettingProblem(key: "classWeights", problem: "are all 0; at least one class needs a weight"))
    }
    if !(0...1).contains(classCentredFraction) {
      problems.append(
        SettingProblem(
          key: "classCentredFraction", problem: "is \(classCentredFraction); allowed is 0 to 1"))
    }
    if padValues.count != 1 && padValues.count != channelCount {
      problems.append(
        SettingProblem(
          key: "padValues", problem: "has \(padValues.count) values; expected 1 or \(channelCount)"))
    }
    return problems
  }
}
