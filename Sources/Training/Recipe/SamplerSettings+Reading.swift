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
