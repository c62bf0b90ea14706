/// GELU as exporters before opset 20 write it, ½·x·(1 + erf(x/√2)), as one node `Gelu`, which stands where the last of
/// the five was; the others go where nothing else reads them.
func fusedGelu(_ nodes: [ONNXNode], _ initializers: [ONNXTensor]) -> [ONNXNode] {
  guard nodes.contains(where: { $0.op == "Erf" }) else { return nodes }
  var fusion = GeluFusion(nodes: nodes)
  for tensor in initializers { fusion.numbers[tensor.name] = number(tensor.data) }
  for node in nodes where node.op == "Constant" {
    if case .tensor(let tensor) = node.attributes["value"] { fusion.numbers[node.outputs.first ?? ""] = number(tensor.data) }
  }
  for index in nodes.indices where nodes[index].op == "Erf" { fusion.fuse(erf: index) }
  return fusion.nodes
}

/// The value of a tensor of one element.
private func number(_ data: TensorData) -> Double? {
  data.shape.reduce(1, { $0.multipliedReportingOverflow(by: $1).partialValue }) == 1 ? data.doubles?.first : nil
}

private struct GeluFusion {
  var nodes: [ONNXNode]
  /// Constants of one element.
  var numbers: [String: Double] = [:]
  /// Which node writes a value, and which read it.
  private let writers: [String: Int]
  private let readers: [String: [Int]]

  init(nodes: [ONNXNode]) {
    self.nodes = nodes
    writers = Dictionary(
      nodes.enumerated().compactMap { index, node in node.outputs.first.map { ($0, index) } },
      uniquingKeysWith: { first, _ in first })
    var readers: [String: [Int]] = [:]
    for (index, node) in nodes.enumerated() { for input in node.inputs { readers[input, default: []].append(index) } }
    self.readers = readers
  }

  /// The other operand of a node of two, where one is a number near that.
  private func operand(_ node: ONNXNode, _ op: String, with value: Double) -> String? {
    guard node.op == op, node.inputs.count == 2 else { return nil }
    func isNear(_ name: String) -> Bool { numbers[name].map { abs($0 - value) < 1e-3 * value } ?? false }
    if isNear(node.inputs[1]) { return node.inputs[0] }
    return isNear(node.inputs[0]) && op != "Div" ? node.inputs[1] : nil
  }

  private func reader(_ node: ONNXNode) -> Int? {
    let own = readers[node.outputs.first ?? ""] ?? []
    return own.count == 1 ? own[0] : nil
  }

  mutating func fuse(erf: Int) {
    guard let scaled = nodes[erf].inputs.first.flatMap({ writers[$0] }),
      let x = operand(nodes[scaled], "Div", with: 2.0.squareRoot())
        ?? operand(nodes[scaled], "Mul", with: 0.5.squareRoot()),
      let sum = reader(nodes[erf]), operand(nodes[sum], "Add", with: 1) != nil,
      let product = reader(nodes[sum]), nodes[product].op == "Mul", nodes[product].inputs.count == 2
    else { return }
    let name = nodes[sum].outputs.first
    let other = nodes[product].inputs[0] == name ? nodes[product].inputs[1] : nodes[product].inputs[0]
    let last: Int
    var gone = [erf, sum]
    if other == x {
      // (x · sum) · ½
      guard let half = reader(nodes[product]), operand(nodes[half], "Mul", with: 0.5) != nil else { return }
      last = half
      gone.append(product)
    } else if operand(nodes[product], "Mul", with: 0.5) == name {
      // x · (sum · ½)
      guard let half = nodes[product].outputs.first, let whole = reader(nodes[product]), nodes[whole].op == "Mul",
        Set(nodes[whole].inputs) == [x, half]
      else { return }
      last = whole
      gone.append(product)
    } else {
      // (x · ½) · sum
      guard let half = writers[other], operand(nodes[half], "Mul", with: 0.5) == x, reader(nodes[half]) == product else {
        return
      }
      last = product
      gone.append(half)
    }
    if reader(nodes[scaled]) != nil { gone.append(scaled) }
    nodes[last] = ONNXNode("Gelu", name: nodes[last].name, inputs: [x], outputs: nodes[last].outputs)
    // Nothing reads these any more; their places stay, so that indices do.
    for index in gone { nodes[index] = ONNXNode("Identity", name: nodes[index].name, inputs: [], outputs: []) }
  }
}
