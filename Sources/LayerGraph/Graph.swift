/// What a network computes: nodes in the order of their declaration, each with its static shape.
public struct Graph: Sendable {
  public var name: String
  public var nodes: [Node]
  public var parameters: [Parameter]
  public var input: Int
  public var output: Int
  /// Further outputs that training supervises (deep supervision), in the order of their declaration.
  public var supervised: [SupervisedOutput]
  /// Factor of the main output's loss.
  public var outputWeight: Double

  /// Declares a network on one input. The closure may make any number of mistakes; all are reported.
  /// - Throws: `GraphError` with every mistake, each with file, line and layer path.
  public init(
    _ name: String, input shape: Shape, file: String = #fileID, line: UInt = #line,
    _ declare: (Network, Tensor) -> Tensor
  ) throws(GraphError) {
    let network = Network(name: name, at: SourceLocation(file, line))
    let input = network.input(shape)
    let output = declare(network, input)
    self = try network.finish(input: input, output: output)
  }

  init(
    name: String, nodes: [Node], parameters: [Parameter], input: Int, output: Int,
    supervised: [SupervisedOutput] = [], outputWeight: Double = 1
  ) {
    self.name = name
    self.nodes = nodes
    self.parameters = parameters
    self.input = input
    self.output = output
    self.supervised = supervised
    self.outputWeight = outputWeight
  }

  public var inputShape: Shape { nodes[input].shape }
  public var outputShape: Shape { nodes[output].shape }
  public var parameterCount: Int { parameters.reduce(0) { $0 + $1.count } }

  /// Whether the output is a last sigmoid: independent channels.
  public var endsInSigmoid: Bool { nodes[output].op == .activation(.sigmoid) }

  /// Ids of the nodes that read each node.
  public func consumers() -> [[Int]] {
    var readers = [[Int]](repeating: [], count: nodes.count)
    for node in nodes { for input in node.inputs { readers[input].append(node.id) } }
    return readers
  }
}

/// A coarse output with a loss of its own: the same loss as the main output's, its target the main one's at nearest
/// voxels. The sum of all losses, each times its weight, is the network's.
public struct SupervisedOutput: Sendable, Hashable {
  public var node: Int
  public var weight: Double
}

public struct Node: Sendable {
  public var id: Int
  public var op: Op
  public var inputs: [Int]
  public var shape: Shape
  /// `encoder.0/conv.1`.
  public var path: String
  /// Indices into the graph's parameters: weight, then bias (or γ, then β).
  public var parameters: [Int]
}

public struct Parameter: Sendable, Hashable {
  /// `encoder.0/conv.1/weight`.
  public var name: String
  public var shape: [Int]
  public var initializer: Initializer

  public var count: Int { shape.reduce(1, *) }
}

public enum Initializer: Sendable, Hashable {
  case constant(Double)
  /// U(−bound, bound).
  case uniform(bound: Double)
  /// N(0, deviation²).
  case normal(deviation: Double)
}
