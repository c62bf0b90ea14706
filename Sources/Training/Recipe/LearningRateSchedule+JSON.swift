import Interchange

extension LearningRateSchedule {
  static let names = ["constant", "steps", "exponential", "polynomial", "plateau"]

  static func read(_ node: RecipeNode) -> (LearningRateSchedule, Warmup?) {
    var name = "constant"
    node.word("name", into: &name, of: names)
    defer { node.finish() }
    return (read(name, node), Warmup.read(node))
  }

  private static func read(_ name: String, _ node: RecipeNode) -> LearningRateSchedule {
    switch name {
    case "steps":
      var factor = 0.1
      node.number("factor", into: &factor, in: 0...1)
      return .stepList(epochs: node.integers("epochs", in: 0...Int.max) ?? [], factor: factor)
    case "exponential":
      var gamma = 0.99
      node.number("gamma", into: &gamma, in: 0...1)
      return .exponential(gamma: gamma)
    case "polynomial":
      var power = 0.9
      node.number("power", into: &power, in: 0...100)
      var perEpoch = false
      node.bool("perEpoch", into: &perEpoch)
      return .polynomial(power: power, perEpoch: perEpoch)
    case "plateau": return .plateau(Plateau(node))
    default: return .constant
    }
  }

  func json(_ warmup: Warmup?) -> JSONValue {
    var object = self.object
    if let warmup {
      object[warmup.isInEpochs ? "warmupEpochs" : "warmupSteps"] = .integer(warmup.length)
      object["warmupStart"] = .number(warmup.start)
    }
    return .object(object)
  }

  private var object: JSONObject {
    switch self {
    case .constant: return ["name": .string("constant")]
    case .stepList(let epochs, let factor):
      return [
        "name": .string("steps"), "epochs": .array(epochs.map(JSONValue.integer)), "factor": .number(factor),
      ]
    case .exponential(let gamma): return ["name": .string("exponential"), "gamma": .number(gamma)]
    case .polynomial(let power, let perEpoch):
      return ["name": .string("polynomial"), "power": .number(power), "perEpoch": .bool(perEpoch)]
    case .plateau(let plateau):
      return [
        "name": .string("plateau"), "watch": .string(plateau.watch.rawValue), "rule": .string(plateau.rule.rawValue),
        "mode": .string(plateau.mode.rawValue), "factor": .number(plateau.factor),
        "patience": .integer(plateau.patience), "cooldown": .integer(plateau.cooldown),
        "threshold": .number(plateau.threshold), "thresholdMode": .string(plateau.thresholdMode.rawValue),
        "minimum": .number(plateau.minimum),
      ]
    }
  }
}

extension Plateau {
  fileprivate init(_ node: RecipeNode) {
    self.init()
    node.choice("watch", into: &watch)
    node.choice("rule", into: &rule)
    var mode = watch == .loss ? "min" : "max"
    node.word("mode", into: &mode, of: ["max", "min"])
    self.mode = mode == "min" ? .min : .max
    node.number("factor", into: &factor, in: 0...1)
    node.integer("patience", into: &patience, in: 0...Int.max)
    node.integer("cooldown", into: &cooldown, in: 0...Int.max)
    node.number("threshold", into: &threshold, in: 0...Recipe.largest)
    var threshold = thresholdMode.rawValue
    node.word("thresholdMode", into: &threshold, of: ["relative", "absolute"])
    thresholdMode = threshold == "absolute" ? .absolute : .relative
    node.number("minimum", into: &minimum, in: 0...Recipe.largest)
  }
}

extension Warmup {
  fileprivate static func read(_ node: RecipeNode) -> Warmup? {
    var (steps, epochs, start) = (0, 0, 0.0)
    node.integer("warmupSteps", into: &steps, in: 0...1_000_000_000)
    node.integer("warmupEpochs", into: &epochs, in: 0...1_000_000_000)
    node.number("warmupStart", into: &start, in: 0...Recipe.largest)
    if steps > 0 && epochs > 0 {
      node.problems.add(
        node.path("warmupSteps"), found: "\(steps) beside warmupEpochs \(epochs)", expected: "one of the two")
    }
    if start > 0 && steps == 0 && epochs == 0 {
      node.problems.add(
        node.path("warmupStart"), found: "\(start)", expected: "warmupSteps or warmupEpochs with it")
    }
    guard steps > 0 || epochs > 0 else { return nil }
    return Warmup(length: max(steps, epochs), isInEpochs: steps == 0, start: start)
  }
}
