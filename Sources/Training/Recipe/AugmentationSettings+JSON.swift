import Interchange
import Volumes

extension AugmentationSettings {
  /// Ranges whose values may have any sign.
  private static var signedRanges: [RangeSetting] { [("brightnessShiftRange", \.brightnessShiftRange)] }
  private static var ranges: [RangeSetting] { positiveRanges + nonNegativeRanges }

  private static var triples: [(key: String, path: WritableKeyPath<Self, SIMD3<Double>>, high: Double)] {
    [
      ("rotationInDegrees", \.rotationInDegrees, 180),
      ("translationInMillimetres", \.translationInMillimetres, Recipe.largest),
    ]
  }

  /// `preset` first; every other key changes one value of it.
  mutating func read(_ node: RecipeNode, classes: [ClassLabel]) {
    let limit = Recipe.largest
    if let value = node.value("preset") {
      if let preset = value.stringValue.flatMap(Preset.init) {
        self = AugmentationSettings(preset)
      } else {
        node.failChoice("preset", value, Preset.allCases.map(\.rawValue))
      }
    }
    for (key, path) in Self.probabilities { node.number(key, into: &self[keyPath: path], in: 0...1) }
    for (key, path) in Self.ranges { node.range(key, into: &self[keyPath: path], in: 0...limit) }
    for (key, path) in Self.signedRanges {
      node.range(key, into: &self[keyPath: path], in: -limit...limit)
    }
    for (key, path, high) in Self.triples {
      if let n = node.numbers(key, in: 0...high, count: 3) { self[keyPath: path] = SIMD3(n[0], n[1], n[2]) }
    }
    node.number("inPlaneAboveAnisotropy", into: &inPlaneAboveAnisotropy, in: 1...limit)
    node.bool("scalesAxesSeparately", into: &scalesAxesSeparately)
    node.choice("imageInterpolation", into: &imageInterpolation)
    node.choice("outsideCase", into: &outsideCase)
    node.choice("intensityProbabilityPer", into: &intensityProbabilityPer)
    node.choice("factorDistribution", into: &factorDistribution)
    if let value = node.value("labelsSwappedByLeftRightFlip") {
      let pairs = (value.arrayValue ?? []).compactMap { pair -> SIMD2<Int32>? in
        let ids = (pair.arrayValue ?? []).compactMap { Self.id($0, classes) }
        return ids.count == 2 ? SIMD2(ids[0], ids[1]) : nil
      }
      if pairs.count == value.arrayValue?.count {
        labelsSwappedByLeftRightFlip = pairs
      } else {
        node.fail("labelsSwappedByLeftRightFlip", value, "a list of pairs of class names or ids")
      }
    }
    node.finish()
  }

  private static func id(_ value: JSONValue, _ classes: [ClassLabel]) -> Int32? {
    if let name = value.stringValue { return classes.first { $0.name == name }?.id }
    guard let id = value.integerValue.flatMap(Int32.init(exactly:)) else { return nil }
    return classes.isEmpty || classes.contains { $0.id == id } ? id : nil
  }

  /// Every value, a preset's spelt out.
  var json: JSONValue {
    var object: JSONObject = [
      "labelsSwappedByLeftRightFlip": .array(
        labelsSwappedByLeftRightFlip.map { .array([.integer(Int($0.x)), .integer(Int($0.y))]) }),
      "scalesAxesSeparately": .bool(scalesAxesSeparately),
      "inPlaneAboveAnisotropy": .number(inPlaneAboveAnisotropy),
      "imageInterpolation": .string(imageInterpolation.rawValue), "outsideCase": .string(outsideCase.rawValue),
      "intensityProbabilityPer": .string(intensityProbabilityPer.rawValue),
      "factorDistribution": .string(factorDistribution.rawValue),
    ]
    for (key, path) in Self.probabilities { object[key] = .number(self[keyPath: path]) }
    for (key, path, _) in Self.triples { object[key] = .axes(self[keyPath: path]) }
    for (key, path) in Self.ranges + Self.signedRanges { object[key] = .range(self[keyPath: path]) }
    return .object(object)
  }
}
