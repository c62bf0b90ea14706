import Interchange
import Volumes

extension PreprocessingStep {
  static func read(_ root: RecipeNode) -> [PreprocessingStep] {
    guard let value = root.value("preprocessing") else { return [] }
    guard let list = value.arrayValue else {
      root.fail("preprocessing", value, "a list of steps, in their order")
      return []
    }
    return list.enumerated().compactMap { index, entry in
      let key = "preprocessing[\(index)]"
      guard let object = entry.objectValue, object.members.count == 1 else {
        root.fail(key, entry, "one of {\"crop\": …}, {\"normalise\": …}, {\"resample\": …}")
        return nil
      }
      let node = RecipeNode(object, keyPath: key, problems: root.problems)
      defer { node.finish() }
      if let value = node.value("crop") {
        if value == .string("nonzero") { return .cropNonZero }
        node.failChoice("crop", value, ["nonzero"])
        return nil
      }
      if let value = node.value("normalise") {
        return NormalisationRule.read(value, node).map { .normalise($0) }
      }
      guard let resample = node.node("resample") else { return nil }
      defer { resample.finish() }
      var method = ResamplingMethod.cubic
      resample.choice("image", into: &method)
      guard let spacing = resample.numbers("spacing", in: 0...1e4, count: 3) else {
        if resample.value("spacing") == nil {
          root.problems.add("\(key).resample.spacing", found: "nothing", expected: "[x, y, z] in millimetres")
        }
        return nil
      }
      return .resample(spacing: SIMD3(spacing[0], spacing[1], spacing[2]), image: method)
    }
  }
}

extension NormalisationRule {
  static let words: [(String, NormalisationRule)] = [
    ("zscore", .fixed(.zScore(nonZeroOnly: false))), ("zscore-nonzero", .fixed(.zScore(nonZeroOnly: true))),
    ("minmax", .fixed(.minMax)), ("none", .fixed(.none)), ("ct-foreground", .ctForeground),
  ]

  static func read(_ value: JSONValue, _ node: RecipeNode) -> NormalisationRule? {
    if value.stringValue != nil {
      if let word = words.first(where: { $0.0 == value.stringValue }) { return word.1 }
      node.failChoice("normalise", value, words.map(\.0))
      return nil
    }
    guard let child = node.node("normalise") else { return nil }
    defer { child.finish() }
    if let limits = child.numbers("window", in: -1e9...1e9, count: 2) {
      return checked(.window(lower: limits[0], upper: limits[1]), child, "window")
    }
    if let limits = child.numbers("percentile", in: 0...100, count: 2) {
      return checked(.percentile(lower: limits[0], upper: limits[1]), child, "percentile")
    }
    if child.problems.errors.isEmpty {
      node.fail("normalise", value, "a word, {\"window\": [low, high]} or {\"percentile\": [low, high]}")
    }
    return nil
  }

  private static func checked(_ rule: Normalisation, _ node: RecipeNode, _ key: String) -> NormalisationRule?
  {
    guard let problem = rule.problem else { return .fixed(rule) }
    node.problems.add(node.path(key), found: problem, expected: "")
    return nil
  }
}

extension PreprocessingStep {
  var json: JSONValue {
    switch self {
    case .cropNonZero: return ["crop": .string("nonzero")]
    case .normalise(let rule): return ["normalise": rule.json]
    case .resample(let spacing, let method):
      return ["resample": ["spacing": .axes(spacing), "image": .string(method.rawValue)]]
    }
  }
}

extension NormalisationRule {
  var json: JSONValue {
    switch self {
    case .fixed(.window(let lower, let upper)): return ["window": .range(SIMD2(lower, upper))]
    case .fixed(.percentile(let lower, let upper)): return ["percentile": .range(SIMD2(lower, upper))]
    default:
      guard let word = Self.words.first(where: { $0.1 == self }) else {
        preconditionFailure("internal: a normalisation that no recipe can ask for")
      }
      return .string(word.0)
    }
  }
}
