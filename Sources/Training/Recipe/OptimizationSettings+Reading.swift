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
