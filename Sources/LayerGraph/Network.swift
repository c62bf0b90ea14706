/// Collects nodes while a model's function runs. A mistake is recorded and poisons its tensor, so that ops
/// further down stay silent about it and report their own.
public final class Network {
  let name: String
  private var scopes: [String] = []
  /// How many ops of a kind each scope holds, for names like `conv.1`.
  private var counts: [String: Int] = [:]
  private var nodes: [Node] = []
  /// Where each node was written.
  private var locations: [SourceLocation] = []
  /// Where the network was.
  private let location: SourceLocation
  private var parameters: [Parameter] = []
  private var parameterNames: Set<String> = []
  private(set) var mistakes: [GraphError.Mistake] = []
  private var supervised: [SupervisedOutput] = []
  /// Factor of the main output's loss; 1 without deep supervision.
  public var outputWeight = 1.0

  /// How weights start; set it before the first layer.
  public var initialisation = Initialisation.pyTorch

  init(name: String, at location: SourceLocation) {
    self.name = name
    self.location = location
  }

  /// Names of ops declared inside start with this path.
  public func scope<Result>(_ name: String, _ body: () -> Result) -> Result {
    scopes.append(name)
    defer { scopes.removeLast() }
    return body()
  }

  /// Deep supervision: training adds `weight` times the loss of this output, whose target is the main one's at
  /// nearest voxels. Its channels are the main output's; its extents divide them.
  public func supervise(_ output: Tensor, weight: Double, file: String = #fileID, line: UInt = #line) {
    guard !output.isPoisoned else { return }
    if !(weight >= 0) || weight.isInfinite {
      record("weight \(weight) of a supervised output is not a number from 0 on", at: SourceLocation(file, line),
        path: nodes[output.id].path)
    }
    supervised.append(SupervisedOutput(node: output.id, weight: weight))
  }

  func input(_ shape: Shape) -> Tensor {
    if !shape.axes.allSatisfy({ $0 > 0 }) {
      record("input shape \(shape) has an extent below 1", at: location, path: "input")
    }
    return append(.input, [], shape, path: "input", at: location)
  }

  /// The path that the next op of this kind gets in the present scope.
  func nextPath(_ kind: String, named given: String?) -> String {
    let prefix = scopes.map { $0 + "/" }.joined()
    if let given { return prefix + given }
    let key = prefix + kind
    let index = counts[key, default: 0]
    counts[key] = index + 1
    return "\(key).\(index)"
  }

  func append(
    _ op: Op, _ inputs: [Tensor], _ shape: Shape, path: String, parameters: [Int] = [], at location: SourceLocation
  ) -> Tensor {
    let id = nodes.count
    locations.append(location)
    nodes.append(
      Node(id: id, op: op, inputs: inputs.map(\.id), shape: shape, path: path, parameters: parameters))
    return Tensor(network: self, id: id, shape: shape)
  }

  func parameter(
    _ name: String, _ shape: [Int], _ initializer: Initializer, at location: SourceLocation
  ) -> Int {
    if !parameterNames.insert(name).inserted {
      record("two parameters are named \(name)", at: location, path: name)
    }
    parameters.append(Parameter(name: name, shape: shape, initializer: initializer))
    return parameters.count - 1
  }

  func record(_ message: String, at location: SourceLocation, path: String) {
    mistakes.append(
      GraphError.Mistake(
        file: location.file, line: location.line, path: "\(name)/\(path)", message: message))
  }

  func finish(input: Tensor, output: Tensor) throws(GraphError) -> Graph {
    if !output.isPoisoned {
      var reached = Set([output.id] + supervised.map(\.node))
      checkSupervised(output)
      for node in nodes.reversed() where reached.contains(node.id) { reached.formUnion(node.inputs) }
      if output.id == input.id {
        record("the network is empty: its output is its input", at: location, path: "output")
      } else if !reached.contains(input.id) {
        record("the output does not depend on the input", at: locations[output.id], path: nodes[output.id].path)
      }
      for node in nodes where !reached.contains(node.id) && node.id != input.id {
        record("nothing reads this layer's output", at: locations[node.id], path: node.path)
      }
    }
    guard mistakes.isEmpty else { throw GraphError(mistakes: mistakes) }
    return Graph(
      name: name, nodes: nodes, parameters: parameters, input: input.id, output: output.id,
      supervised: supervised, outputWeight: outputWeight)
  }

  private func checkSupervised(_ output: Tensor) {
    for node in supervised.map({ nodes[$0.node] }) {
      let shape = node.shape
      if shape.channels != output.channels {
        record(
          "a supervised output has \(shape.channels) channels, the main one \(output.channels)",
          at: locations[node.id], path: node.path)
      }
      if output.extent.map(shape.extent, { $0 % $1 }) != 0 {
        record(
          "the main output's extents \(output.extent) are no multiple of a supervised one's \(shape.extent)",
          at: locations[node.id], path: node.path)
      }
    }
  }
}

/// A symbolic tensor: a node's output, with its static shape. Poisoned where an op before it was a mistake.
public struct Tensor {
  let network: Network
  let id: Int
  public let shape: Shape

  static let poisonedID = -1
  /// Whether an op before it was a mistake; its shape then says nothing.
  public var isPoisoned: Bool { id == Tensor.poisonedID }
  static func poisoned(_ network: Network) -> Tensor {
    Tensor(network: network, id: poisonedID, shape: Shape(batch: 1, channels: 1, extent: 1))
  }

  public var channels: Int { shape.channels }
  public var extent: Extent { shape.extent }
}
