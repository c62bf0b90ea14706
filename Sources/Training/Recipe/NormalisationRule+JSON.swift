import Interchange
import Volumes

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
    let before = child.problems.errors.count
    if let to = child.numbers("minmax", in: -1e9...1e9, count: 2) {
      return checked(.minMax(to: .init(to[0], to[1])), child, "minmax")
    }
    let to = child.numbers("to", in: -1e9...1e9, count: 2).map { Normalisation.ValueRange($0[0], $0[1]) } ?? .unit
    if let limits = child.numbers("window", in: -1e9...1e9, count: 2) {
      return checked(.window(lower: limits[0], upper: limits[1], to: to), child, "window")
    }
    if let limits = child.numbers("percentile", in: 0...100, count: 2) {
      return checked(.percentile(lower: limits[0], upper: limits[1], to: to), child, "percentile")
    }
    if child.problems.errors.count == before {
      node.fail(
        "normalise", value,
        "a word, {\"window\": [low, high]}, {\"percentile\": [low, high]} (both with \"to\": [low, high]) or "
          + "{\"minmax\": [low, high]}")
    }
    return nil
  }

  /// The step `{"clip": [low, high]}`.
  static func clip(_ node: RecipeNode) -> NormalisationRule? {
    node.numbers("clip", in: -1e9...1e9, count: 2).flatMap {
      checked(.clip(lower: $0[0], upper: $0[1]), node, "clip")
    }
  }

  private static func checked(_ rule: Normalisation, _ node: RecipeNode, _ key: String) -> NormalisationRule? {
    guard let problem = rule.problem else { return .fixed(rule) }
    node.problems.add(node.path(key), found: problem, expected: "")
    return nil
  }

  var json: JSONValue {
    func range(_ range: Normalisation.ValueRange) -> JSONValue { .range(SIMD2(range.low, range.high)) }
    switch self {
    case .fixed(.window(let lower, let upper, let to)):
      return ["window": .range(SIMD2(lower, upper)), "to": range(to)]
    case .fixed(.percentile(let lower, let upper, let to)):
      return ["percentile": .range(SIMD2(lower, upper)), "to": range(to)]
    case .fixed(.minMax(let to)) where to != .unit: return ["minmax": range(to)]
    default:
      guard let word = Self.words.first(where: { $0.1 == self }) else {
        preconditionFailure("internal: a normalisation that no recipe can ask for")
      }
      return .string(word.0)
    }
  }
}
