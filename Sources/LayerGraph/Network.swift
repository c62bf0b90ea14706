/// Collects nodes while a model's function runs. A mistake is recorded and poisons its tensor, so that ops
/// further down stay silent about it and report their own.
public final class Network {
  let name: String
  private var scopes: [String] = []
  /// How many ops of a kind each scope holds, for names like `conv.1`.
  private var counts: [String: Int] = [:]
  private var nodes: [Node] = []
  private var parameters: [Parameter] = []
  private var parameterNames: Set<String> = []
  private(set) var mistakes: [GraphError.Mistake] = []

  init(name: String) { self.name = name }

  /// Names of ops declared inside start with this path.
  public func scope<Result>(_ name: String, _ body: () -> Result) -> Result {
    scopes.append(name)
    defer { scopes.removeLast() }
    return body()
  }

  func input(_ shape: Shape) -> Tensor {
    if !shape.axes.allSatisfy({ $0 > 0 }) {
      record("input shape \(shape) has an extent below 1", at: SourceLocation(name, 0), path: "input")
    }
    return append(.input, [], shape, path: "input", parameters: [])
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

  func append(_ op: Op, _ inputs: [Tensor], _ shape: Shape, path: String, parameters: [Int]) -> Tensor {
    let id = nodes.count
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
      var reached = Set([output.id])
      for node in nodes.reversed() where reached.contains(node.id) { reached.formUnion(node.inputs) }
      if output.id == input.id {
        record("the network is empty: its output is its input", at: SourceLocation(name, 0), path: "output")
      } else if !reached.contains(input.id) {
        record("the output does not depend on the input", at: SourceLocation(name, 0), path: "output")
      }
      for node in nodes where !reached.contains(node.id) && node.id != input.id {
        record(
          "nothing reads this layer's output", at: SourceLocation(name, 0), path: node.path)
      }
    }
    guard mistakes.isEmpty else { throw GraphError(mistakes: mistakes) }
    return Graph(
      name: name, nodes: nodes, parameters: parameters, input: input.id, output: output.id)
  }
}

/// A symbolic tensor: a node's output, with its static shape. Poisoned where an op before it was a mistake.
public struct Tensor {
  let network: Network
  let id: Int
  public let shape: Shape

  static let poisonedID = -1
  var isPoisoned: Bool { id == Tensor.poisonedID }
  static func poisoned(_ network: Network) -> Tensor {
    Tensor(network: network, id: poisonedID, shape: Shape(batch: 1, channels: 1, extent: 1))
  }

  public var channels: Int { shape.channels }
  public var extent: Extent { shape.extent }
}
