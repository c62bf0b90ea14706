import LayerGraph

/// Nodes and initializers as they are made, layer by layer.
struct ONNXExporter {
  let graph: Graph
  let parameters: [Float]
  /// First element of each parameter in `parameters`.
  let offsets: [Int]
  let buffers: [Float]
  /// First running statistic of each norm over the batch, by node.
  var bufferOffsets: [Int: Int] = [:]
  var nodes: [ONNXNode] = []
  var initializers: [ONNXTensor] = []
  /// The ONNX value of each node of the graph: its path, where nothing else has that name.
  var values: [String]
  /// Of values, nodes and initializers, which share one space.
  private var names: Set<String> = ["input", "output"]
  private var parameterNames: [String] = []

  init(graph: Graph, parameters: [Float], buffers: [Float]) {
    self.graph = graph
    self.parameters = parameters
    self.buffers = buffers
    var offset = 0
    offsets = graph.parameters.map { parameter in
      defer { offset += parameter.count }
      return offset
    }
    var next = 0
    for node in graph.nodes {
      guard case .normalisation(let norm) = node.op, norm.isOverBatch else { continue }
      bufferOffsets[node.id] = next
      next += 2 * node.shape.channels
    }
    precondition(offset == parameters.count && next == buffers.count, "internal: the values are another graph's")
    values = []
    // Parameters keep their names.
    parameterNames = graph.parameters.map { unique($0.name) }
    values = graph.nodes.map { $0.id == graph.input ? "input" : unique($0.path) }
  }

  private mutating func unique(_ wanted: String) -> String {
    var (name, number) = (wanted, 2)
    while !names.insert(name).inserted {
      name = "\(wanted)#\(number)"
      number += 1
    }
    return name
  }

  func valueInfo(_ name: String, _ shape: Shape) -> ONNXValueInfo {
    ONNXValueInfo(
      name, [.named("batch"), .fixed(shape.channels)] + ["depth", "height", "width"].map { .named("\(name)_\($0)") })
  }

  mutating func export() throws(InterchangeError) {
    // What only coarse outputs need stays here.
    var reached: Set<Int> = [graph.output]
    for node in graph.nodes.reversed() where reached.contains(node.id) { reached.formUnion(node.inputs) }
    for node in graph.nodes where reached.contains(node.id) && node.id != graph.input { try export(node) }
    nodes.append(ONNXNode("Identity", name: unique("output"), inputs: [values[graph.output]], outputs: ["output"]))
  }

  /// One node of that path; its value is the layer's unless `output` says another name.
  mutating func add(
    _ op: String, _ node: Node, _ inputs: [String], _ attributes: [String: ONNXAttribute] = [:],
    output: String? = nil
  ) {
    let output = output ?? values[node.id]
    nodes.append(ONNXNode(op, name: output, inputs: inputs, outputs: [output], attributes: attributes))
  }

  mutating func constant(_ wanted: String, _ shape: [Int], _ values: [Float]) -> String {
    let name = unique(wanted)
    initializers.append(ONNXTensor(name, TensorData(shape: shape, floats: values)))
    return name
  }

  mutating func constant(_ wanted: String, _ values: [Int]) -> String {
    let name = unique(wanted)
    initializers.append(ONNXTensor(name, TensorData(shape: [values.count], integers: values)))
    return name
  }

  func values(of parameter: Int) -> [Float] {
    Array(parameters[offsets[parameter]..<offsets[parameter] + graph.parameters[parameter].count])
  }

  /// A parameter under its own name, in its own shape or another.
  mutating func parameter(_ index: Int, shape: [Int]? = nil) -> String {
    let data = TensorData(shape: shape ?? graph.parameters[index].shape, floats: values(of: index))
    initializers.append(ONNXTensor(parameterNames[index], data))
    return parameterNames[index]
  }
}
