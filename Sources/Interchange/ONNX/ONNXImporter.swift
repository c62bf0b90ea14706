import LayerGraph

/// Walks a model's nodes in their order and declares a layer for each.
final class ONNXImporter {
  /// What a name stands for.
  enum Value {
    case tensor(Tensor)
    /// Weights, and sizes worked out from the input's.
    case constant(ONNXTensor)
    /// N×groups×rest, on the way to a group norm as PyTorch writes it.
    case grouped(Tensor, groups: Int)
    /// The same behind its norm, still in that shape or back in the tensor's.
    case normalised(GroupNorm)
  }
  /// A group norm whose γ and β may still follow as a product and a sum.
  struct GroupNorm {
    var input: Tensor
    var groups: Int
    var epsilon: Double
    var isRestored = false
    var weight: ONNXTensor?
    var node: String
  }

  let model: ONNXModel
  let path: String
  /// Sizes that were worked out before, and the nodes that nothing else needs.
  private let sizes: [ONNXTensor]
  private let leftOut: Set<Int>
  var values: [String: Value] = [:]
  /// Initializers in the order of the graph's parameters.
  var loaded: [(name: String, values: [Float])] = []
  var buffers: [Float] = []
  var remarks: [String] = []
  var trainingRemarks: [String] = []
  /// Why the network could not be built.
  private(set) var failed: InterchangeError?
  /// Whether a layer does not fit its input; the graph says why.
  private(set) var isPoisoned = false
  private var loadedCount = 0
  /// The node that is being read, and its place.
  var node = ONNXNode("", name: "", inputs: [], outputs: [])
  var index = 0
  private var names: Set<String> = []
  private var parameterNames: Set<String> = []
  /// How many nodes and outputs read each value.
  private(set) var readers: [String: Int] = [:]

  init(_ model: ONNXModel, path: String, sizes: [ONNXTensor] = [], leavingOut: Set<Int> = []) {
    self.model = model
    self.path = path
    self.sizes = sizes
    leftOut = leavingOut
  }

  /// Every constant under the name of its value.
  var constants: [ONNXTensor] {
    values.compactMap { name, value in
      if case .constant(let tensor) = value { ONNXTensor(name, tensor.data) } else { nil }
    }
  }

  func graph(_ input: Shape) throws(InterchangeError) -> Graph {
    let name = model.name.isEmpty ? "network" : model.name
    let built: Result<Graph, GraphError> = Result { () throws(GraphError) in
      try Graph(name, input: input, file: path, line: 0) { net, x in
        do throws(InterchangeError) {
          return try build(net, x)
        } catch {
          failed = error
          return x
        }
      }
    }
    if let failed { throw failed }
    do {
      return try built.get()
    } catch {
      // The first is the cause; its file and line are those of a model written in Swift.
      throw failure(error.mistakes.first?.message ?? "cannot be built")
    }
  }

  /// The one line that a user sees.
  func failure(_ problem: String) -> InterchangeError {
    let name = node.name.isEmpty ? "\(node.op) \(index)" : node.name
    return InterchangeError(path: path, problem: "node \(quoted(name)) (\(node.op)): \(problem)")
  }

  /// The input that is no initializer.
  private var input: ONNXValueInfo? {
    let known = Set(model.initializers.map(\.name))
    let open = model.inputs.filter { !known.contains($0.name) }
    return open.count == 1 ? open[0] : nil
  }

  func check(_ shape: Shape) throws(InterchangeError) {
    guard let input else {
      let known = Set(model.initializers.map(\.name))
      let count = model.inputs.count { !known.contains($0.name) }
      throw InterchangeError(path: path, problem: "has \(count) inputs, expected one")
    }
    guard !model.outputs.isEmpty else { throw InterchangeError(path: path, problem: "has no output") }
    guard let axes = input.axes else { return }
    guard axes.count == 5 else {
      throw InterchangeError(
        path: path, problem: "its input \(quoted(input.name)) has \(axes.count) axes, expected N×C×D×H×W")
    }
    for (axis, wanted) in zip(axes, shape.axes) {
      if case .fixed(let extent) = axis, extent != wanted {
        let own = axes.map { if case .fixed(let extent) = $0 { "\(extent)" } else { "any" } }
        throw InterchangeError(
          path: path, problem: "its input is \(own.joined(separator: "×")), found \(shape)")
      }
    }
  }

  func build(_ net: Network, _ x: Tensor) throws(InterchangeError) -> Tensor {
    for tensor in model.initializers { values[tensor.name] = .constant(tensor) }
    values[input?.name ?? ""] = .tensor(x)
    let output = model.outputs[0].name
    node = ONNXNode("input", name: input?.name ?? "", inputs: [], outputs: [])
    try check(sizeOf: x)
    let needed = needed(for: output, crossingSizes: true)
    for index in needed { for input in model.nodes[index].inputs { readers[input, default: 0] += 1 } }
    readers[output, default: 0] += 1
    for tensor in sizes where values[tensor.name] == nil { values[tensor.name] = .constant(tensor) }
    for (index, node) in model.nodes.enumerated() where needed.contains(index) && !leftOut.contains(index) {
      (self.node, self.index) = (node, index)
      if !sizes.isEmpty, ["Shape", "Size"].contains(node.op), values[node.outputs.first ?? ""] != nil { continue }
      guard ["", "ai.onnx"].contains(node.domain) else {
        throw failure("is of the domain \(quoted(node.domain)), expected ONNX's own operators")
      }
      guard let name = node.outputs.first else { throw failure("has no output") }
      let value = try layer()
      if case .tensor(let tensor) = value {
        // The graph says what is wrong with it; layers behind it would only repeat that in other words.
        if tensor.isPoisoned {
          isPoisoned = true
          return tensor
        }
        try check(sizeOf: tensor)
      }
      guard loadedCount <= Self.mostWeights else { throw failure("reads more than \(Self.mostWeights) weights") }
      values[name] = value
    }
    node = ONNXNode("output", name: output, inputs: [output], outputs: [])
    let result = try tensor(0)
    remark()
    return result
  }

  /// Extents beyond any volume come from a damaged file; their products would overflow.
  private func check(sizeOf tensor: Tensor) throws(InterchangeError) {
    let axes = tensor.shape.axes
    var product = 1.0
    for extent in axes { product *= Double(extent) }
    guard axes.allSatisfy({ $0 <= 1 << 20 }), product <= 1e13 else {
      throw failure("its output would be \(axes.map(String.init).joined(separator: "×"))")
    }
  }

  /// A file may name one initializer in many layers.
  private static let mostWeights = 1 << 30

  private func remark() {
    if model.outputs.count > 1 {
      remarks.append("\(model.outputs.count) outputs: the first, \(quoted(model.outputs[0].name)), is taken")
    }
    let operators = Set(model.nodes.map(\.op))
    if !operators.contains("Dropout") {
      trainingRemarks.append("it holds no dropout: an export for inference has lost it")
    }
    if !operators.contains("BatchNormalization") {
      trainingRemarks.append("it holds no batch norm: an export for inference folds it into the convolutions")
    }
  }

  /// Nodes that the output needs for the sizes of values alone.
  func nodesForSizesOnly() -> Set<Int> {
    let output = model.outputs[0].name
    return needed(for: output, crossingSizes: true).subtracting(needed(for: output, crossingSizes: false))
  }

  /// Indices of the nodes that the output depends on, with or without those that only a Shape reads.
  private func needed(for output: String, crossingSizes: Bool) -> Set<Int> {
    var wanted: Set<String> = [output]
    var needed: Set<Int> = []
    for index in model.nodes.indices.reversed() {
      let node = model.nodes[index]
      guard node.outputs.contains(where: wanted.contains) else { continue }
      needed.insert(index)
      if crossingSizes || !["Shape", "Size"].contains(node.op) { wanted.formUnion(node.inputs) }
    }
    return needed
  }

  // MARK: Values of the present node

  func has(_ index: Int) -> Bool { index < node.inputs.count && !node.inputs[index].isEmpty }

  func value(_ index: Int) throws(InterchangeError) -> Value {
    guard has(index) else { throw failure("input \(index) is missing") }
    guard let value = values[node.inputs[index]] else {
      throw failure("reads \(quoted(node.inputs[index])), which nothing before it writes")
    }
    return value
  }

  func tensor(_ index: Int) throws(InterchangeError) -> Tensor {
    switch try value(index) {
    case .tensor(let tensor): return tensor
    case .normalised(let norm) where norm.isRestored:
      let tensor = groupNorm(norm, bias: nil)
      values[node.inputs[index]] = .tensor(tensor)
      return tensor
    case .constant, .grouped, .normalised:
      throw failure("reads \(quoted(node.inputs[index])), expected a layer's output of N×C×D×H×W")
    }
  }

  func constant(_ index: Int, _ what: String) throws(InterchangeError) -> ONNXTensor {
    guard case .constant(let tensor) = try value(index) else {
      throw failure("its \(what) depends on the data, expected a constant or what follows from the input's size")
    }
    return tensor
  }

  func integers(_ index: Int, _ what: String) throws(InterchangeError) -> [Int] {
    let tensor = try constant(index, what)
    guard let values = tensor.data.integers else {
      throw failure("its \(what) is \(tensor.data.type.rawValue), expected integers")
    }
    return values
  }

  func floats(_ index: Int, _ what: String) throws(InterchangeError) -> [Float] {
    let tensor = try constant(index, what)
    guard let values = tensor.data.floats else {
      throw failure("its \(what) is \(tensor.data.type.rawValue), expected floating point")
    }
    return values
  }

  // MARK: Names

  /// Of the present node's layer: its own name, made unique.
  func layerName() -> String {
    var own = node.name.isEmpty ? "\(node.op)_\(index)" : node.name
    // Messages and tables have a line for each.
    own.unicodeScalars.removeAll { $0.properties.generalCategory == .control }
    var (name, number) = (own, index)
    while !names.insert(name).inserted {
      name = "\(own)_\(number)"
      number += 1
    }
    return name
  }

  /// The next parameter of the graph gets this initializer's name and values.
  func load(_ tensor: ONNXTensor, _ values: [Float], for layer: String) {
    let own = tensor.name.isEmpty ? "\(layer)/constant" : tensor.name
    var (name, number) = (own, 2)
    if parameterNames.contains(own) {
      // Exporters merge equal initializers, and layers may share theirs.
      trainingRemarks.append("layer \(quoted(layer)) shares the initializer \(quoted(own)); training would part them")
      name = "\(own)@\(layer)"
    }
    while !parameterNames.insert(name).inserted {
      name = "\(own)@\(layer)_\(number)"
      number += 1
    }
    loadedCount += values.count
    loaded.append((name, values))
  }

  // MARK: Attributes

  func integer(_ key: String, default standard: Int) throws(InterchangeError) -> Int {
    switch node.attributes[key] {
    case nil: return standard
    case .integer(let value): return value
    default: throw failure("its attribute \(key) is no integer")
    }
  }

  func number(_ key: String, default standard: Double) throws(InterchangeError) -> Double {
    switch node.attributes[key] {
    case nil: return standard
    // The shortest decimal: 0.01 for the float nearest to it.
    case .number(let value): return Double("\(value)") ?? Double(value)
    default: throw failure("its attribute \(key) is no number")
    }
  }

  func text(_ key: String, default standard: String) throws(InterchangeError) -> String {
    switch node.attributes[key] {
    case nil: return standard
    case .text(let value): return value
    default: throw failure("its attribute \(key) is no text")
    }
  }

  func integers(_ key: String) throws(InterchangeError) -> [Int]? {
    switch node.attributes[key] {
    case nil: return nil
    case .integers(let values): return values
    default: throw failure("its attribute \(key) is no list of integers")
    }
  }

  func extent(_ key: String, default standard: Extent) throws(InterchangeError) -> Extent {
    guard let values = try integers(key) else { return standard }
    return try extent(values, key, in: 1...65_536)
  }

  /// Three numbers along D, H, W.
  func extent(_ values: [Int], _ what: String, in range: ClosedRange<Int>) throws(InterchangeError) -> Extent {
    guard values.count == 3, values.allSatisfy(range.contains) else {
      throw failure("its \(what) is \(values), expected three numbers from \(range.lowerBound) to \(range.upperBound)")
    }
    return Extent(values)
  }
}
