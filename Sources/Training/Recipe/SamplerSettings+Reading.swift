import Interchange
import Volumes

extension SamplerSettings {
  mutating func read(_ node: RecipeNode) {
    node.axes("patch", into: &patch, in: 1...4096)
    node.integer("batch", into: &batch, in: 1...4096)
    node.integer("microBatches", into: &microBatches, in: 1...4096)
    node.choice("placement", into: &placement)
    if let child = node.node("classProbabilities") {
      for (name, value) in child.members() {
        if let probability = value.doubleValue, probability >= 0, probability <= 1 {
          classProbabilities.append((name, probability))
        } else {
          child.fail(name, value, "a probability from 0 to 1")
        }
      }
      if !classProbabilities.contains(where: { $0.probability > 0 }) {
        node.problems.add(
          node.path("classProbabilities"), found: "no class above 0", expected: "at least one")
      }
    }
    node.number("foreground", into: &foreground, in: 0...1)
    node.bool("inside", into: &inside)
    if let value = node.value("pad") {
      let list = value.arrayValue ?? [value]
      let numbers = list.compactMap(\.doubleValue)
      if numbers.count == list.count && !numbers.isEmpty {
        pad = numbers
      } else {
        node.fail("pad", value, "a number, or a list with one a channel")
      }
    }
    node.finish()
  }
}

extension AugmentationSettings {
  mutating func read(_ node: RecipeNode, classes: [ClassLabel]) {
    let limit = Recipe.largest
    let probabilities: [(String, WritableKeyPath<AugmentationSettings, Double>)] = [
      ("leftRightFlipProbability", \.leftRightFlipProbability),
      ("anteriorPosteriorFlipProbability", \.anteriorPosteriorFlipProbability),
      ("inferiorSuperiorFlipProbability", \.inferiorSuperiorFlipProbability),
      ("rotationProbability", \.rotationProbability), ("scalingProbability", \.scalingProbability),
      ("noiseProbability", \.noiseProbability), ("brightnessProbability", \.brightnessProbability),
      ("contrastProbability", \.contrastProbability), ("gammaProbability", \.gammaProbability),
      ("gammaInvertedProbability", \.gammaInvertedProbability),
    ]
    for (key, path) in probabilities { node.number(key, into: &self[keyPath: path], in: 0...1) }
    let ranges: [(String, WritableKeyPath<AugmentationSettings, SIMD2<Double>>)] = [
      ("scalingRange", \.scalingRange), ("noiseStandardDeviationRange", \.noiseStandardDeviationRange),
      ("brightnessRange", \.brightnessRange), ("contrastRange", \.contrastRange),
      ("gammaRange", \.gammaRange),
    ]
    for (key, path) in ranges { node.range(key, into: &self[keyPath: path], in: 0...limit) }
    if let angles = node.numbers("rotationInDegrees", in: 0...180, count: 3) {
      rotationInDegrees = SIMD3(angles[0], angles[1], angles[2])
    }
    node.number("inPlaneAboveAnisotropy", into: &inPlaneAboveAnisotropy, in: 1...limit)
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
}

extension InferenceSettings {
  static let axisNames: [(String, MirrorAxes)] = [
    ("left-right", .leftRight), ("anterior-posterior", .anteriorPosterior),
    ("inferior-superior", .inferiorSuperior),
  ]

  /// Anatomical names of mirrored axes.
  public static func names(_ axes: MirrorAxes) -> [String] {
    axisNames.filter { axes.contains($0.1) }.map(\.0)
  }

  mutating func read(_ node: RecipeNode) {
    node.number("overlap", into: &overlap, in: 0...0.95)
    if let value = node.value("mirror") {
      let axes = (value.arrayValue ?? []).map { axis in
        Self.axisNames.first { $0.0 == axis.stringValue }?.1
      }
      if axes.contains(nil) || value.arrayValue == nil {
        node.fail(
          "mirror", value, "a list of \(Self.axisNames.map { "\"\($0.0)\"" }.joined(separator: ", "))")
      } else {
        mirror = axes.compactMap { $0 }.reduce([]) { $0.union($1) }
      }
    }
    node.finish()
  }
}
