import Interchange

extension LossSettings {
  mutating func read(_ node: RecipeNode) {
    let limit = Recipe.largest
    node.word("name", into: &name, of: LossCatalog.all.map(\.name))
    node.bool("background", into: &background)
    node.bool("batch", into: &batch)
    entropyWeight = node.number("entropyWeight", in: 0...limit)
    regionWeight = node.number("regionWeight", in: 0...limit)
    epsilon = node.number("epsilon", in: 0...limit)
    alpha = node.number("alpha", in: 0...limit)
    beta = node.number("beta", in: 0...limit)
    gamma = node.number("gamma", in: 0...limit)
    if let child = node.node("classWeights") {
      for (name, value) in child.members() {
        if let weight = value.doubleValue, weight >= 0 {
          classWeights.append(ClassWeight(name: name, weight: weight))
        } else {
          child.fail(name, value, "a weight of 0 or more")
        }
      }
    }
    node.finish()
  }
}

extension OptimizerChoice {
  mutating func read(_ node: RecipeNode) {
    let limit = Recipe.largest
    node.word("name", into: &name, of: Self.names)
    if name == "sgd" || name == "momentum" { learningRate = 1e-2 }
    node.number("learningRate", into: &learningRate, in: 0...limit)
    node.number("weightDecay", into: &weightDecay, in: 0...limit)
    if name == "sgd" || name == "momentum" {
      node.number("momentum", into: &beta1, in: 0...0.999999)
    } else {
      node.number("beta1", into: &beta1, in: 0...0.999999)
      node.number("beta2", into: &beta2, in: 0...0.9999999)
      node.number("epsilon", into: &epsilon, in: 1e-30...1)
    }
    node.number("clipNorm", into: &clipNorm, in: 0...limit)
    node.finish()
  }
}

extension LearningRateSchedule {
  static let names = ["constant", "steps", "exponential", "polynomial", "plateau"]

  static func read(_ node: RecipeNode) -> LearningRateSchedule {
    var name = "constant"
    node.word("name", into: &name, of: names)
    defer { node.finish() }
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
    case "plateau":
      var plateau = Plateau()
      var mode = plateau.mode.rawValue
      node.word("mode", into: &mode, of: ["max", "min"])
      plateau.mode = mode == "min" ? .min : .max
      node.number("factor", into: &plateau.factor, in: 0...1)
      node.integer("patience", into: &plateau.patience, in: 0...Int.max)
      node.integer("cooldown", into: &plateau.cooldown, in: 0...Int.max)
      node.number("threshold", into: &plateau.threshold, in: 0...Recipe.largest)
      var threshold = plateau.thresholdMode.rawValue
      node.word("thresholdMode", into: &threshold, of: ["relative", "absolute"])
      plateau.thresholdMode = threshold == "absolute" ? .absolute : .relative
      node.number("minimum", into: &plateau.minimum, in: 0...Recipe.largest)
      return .plateau(plateau)
    default: return .constant
    }
  }
}

extension TrainingSettings {
  mutating func read(_ node: RecipeNode) {
    node.integer("steps", into: &steps, in: 1...1_000_000_000)
    node.integer("stepsPerEpoch", into: &stepsPerEpoch, in: 1...1_000_000_000)
    node.integer("validateEvery", into: &validateEvery, in: 0...1_000_000_000)
    node.integer("checkpointEvery", into: &checkpointEvery, in: 1...1_000_000_000)
    if let child = node.node("overfitOnePatch") {
      var patch = OverfitOnePatch(caseName: nil, className: "")
      var name = ""
      child.text("case", into: &name)
      if !name.isEmpty { patch.caseName = name }
      child.text("class", into: &patch.className)
      if patch.className.isEmpty {
        child.problems.add(child.path("class"), found: "nothing", expected: "the name of a class")
      }
      child.range("fraction", into: &patch.fraction, in: 0...1)
      child.finish()
      overfitOnePatch = patch
    }
    node.finish()
  }
}
