import Interchange
import Volumes

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

extension AugmentationSettings {
  var json: JSONValue {
    [
      "leftRightFlipProbability": .number(leftRightFlipProbability),
      "anteriorPosteriorFlipProbability": .number(anteriorPosteriorFlipProbability),
      "inferiorSuperiorFlipProbability": .number(inferiorSuperiorFlipProbability),
      "labelsSwappedByLeftRightFlip": .array(
        labelsSwappedByLeftRightFlip.map { .array([.integer(Int($0.x)), .integer(Int($0.y))]) }),
      "rotationProbability": .number(rotationProbability), "rotationInDegrees": .axes(rotationInDegrees),
      "scalingProbability": .number(scalingProbability), "scalingRange": .range(scalingRange),
      "inPlaneAboveAnisotropy": .number(inPlaneAboveAnisotropy),
      "noiseProbability": .number(noiseProbability),
      "noiseStandardDeviationRange": .range(noiseStandardDeviationRange),
      "brightnessProbability": .number(brightnessProbability), "brightnessRange": .range(brightnessRange),
      "contrastProbability": .number(contrastProbability), "contrastRange": .range(contrastRange),
      "gammaProbability": .number(gammaProbability), "gammaRange": .range(gammaRange),
      "gammaInvertedProbability": .number(gammaInvertedProbability),
    ]
  }
}
