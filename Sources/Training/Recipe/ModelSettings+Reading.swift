import Interchange
import LayerGraph
import Models

extension ModelSettings {
  mutating func read(_ node: RecipeNode) {
    var named = name
    node.text("name", into: &named)
    guard let model = BuiltInModel.named(named) else {
      let known = BuiltInModel.all.flatMap { [$0.name] + $0.aliases }
      node.failChoice("name", .string(named), known)
      return
    }
    name = model.name
    switch name {
    case "unet3d": readUNet(node)
    case "nnunet-plain": readNNUNet(node)
    default: readOther(node)
    }
    node.finish()
  }

  /// `base` narrows or widens the published widths; `widths` says each stage's.
  private mutating func readNNUNet(_ node: RecipeNode) {
    var base = nnunet.base
    node.integer("base", into: &base, in: 1...1024)
    nnunet.base = base
    readWidths(node, into: &nnunet.widths, levels: 2...8)
    nnunet.kernels = kernels(node, levels: nnunet.widths.count)
    nnunet.factors = extents(node, "factors", in: 1...4, most: nnunet.widths.count - 1)
  }

  private mutating func readUNet(_ node: RecipeNode) {
    readWidths(node, into: &unet.widths, levels: 1...8)
    node.choice("norm", into: &unet.norm)
    var activation = "leaky-relu"
    node.word("activation", into: &activation, of: ["leaky-relu", "relu"])
    unet.activation = activation == "relu" ? .relu : .leakyReLU(slope: 0.01)
    node.choice("down", into: &unet.down)
    node.choice("up", into: &unet.up)
    node.bool("residual", into: &unet.residual)
    node.number("dropout", into: &unet.dropout, in: 0...0.95)
    unet.kernels = kernels(node, levels: unet.widths.count)
    unet.factors = extents(node, "factors", in: 1...4, most: unet.widths.count - 1)
  }

  private func readWidths(_ node: RecipeNode, into target: inout [Int], levels: ClosedRange<Int>) {
    guard let widths = node.integers("widths", in: 1...4096) else { return }
    if levels.contains(widths.count) {
      target = widths
    } else {
      node.problems.add(
        node.path("widths"), found: "\(widths.count) levels",
        expected: "\(levels.lowerBound) to \(levels.upperBound)")
    }
  }

  private func kernels(_ node: RecipeNode, levels: Int) -> [Extent] {
    let kernels = extents(node, "kernels", in: 1...7, most: levels)
    for (index, kernel) in kernels.enumerated() where !kernel.allSatisfy({ $0 % 2 == 1 }) {
      node.problems.add(node.path("kernels[\(index)]"), found: "an even extent", expected: "odd extents")
    }
    return kernels
  }

  private mutating func readOther(_ node: RecipeNode) {
    if let value = node.value("base") {
      if let count = value.integerValue, (1...1024).contains(count) {
        base = count
      } else {
        node.fail("base", value, "the channels of the first level, 1 to 1024")
      }
    }
    if network.dropoutShare != nil { dropout = node.number("dropout", in: 0...0.95) }
    if network is S0Liver, let value = node.value("norm") {
      norm = value.stringValue.flatMap(S0Liver.Norm.init(rawValue:))
      if norm == nil { node.failChoice("norm", value, S0Liver.Norm.allCases.map(\.rawValue)) }
    }
  }

  /// Lists of [x, y, z], as D×H×W.
  private func extents(_ node: RecipeNode, _ key: String, in range: ClosedRange<Int>, most: Int) -> [Extent] {
    guard let value = node.value(key) else { return [] }
    let lists = (value.arrayValue ?? []).map { RecipeNode.integers($0, in: range, count: 3) }
    guard value.arrayValue != nil, lists.count <= max(0, most), !lists.contains(nil) else {
      node.fail(
        key, value,
        "at most \(max(0, most)) lists [x, y, z] of numbers from \(range.lowerBound) to \(range.upperBound)"
      )
      return []
    }
    return lists.compactMap { $0 }.map { Extent($0[2], $0[1], $0[0]) }
  }
}
