import ExecutionPlan
import GraphCompiler
import Interchange
import LayerGraph
import Training

/// A forward plan with its parameters.
public struct InferenceNetwork: Sendable {
  public var plan: ExecutionPlan
  /// Flat, in declaration order.
  public var parameters: [Float]
  /// Batch norm's running statistics; mean 0 and variance 1 where absent.
  public var buffers: [Float]?

  public init(plan: ExecutionPlan, parameters: [Float], buffers: [Float]? = nil) {
    self.plan = plan
    self.parameters = parameters
    self.buffers = buffers
  }

  public func load(on device: any Device) throws -> InferenceSession {
    let loaded = try device.load(plan)
    if !parameters.isEmpty { try loaded.write(parameters, to: "weights") }
    if plan.tensor("buffers") != nil { try loaded.write(buffers ?? initialBuffers(plan), to: "buffers") }
    return InferenceSession(loaded: loaded)
  }
}

/// A forward plan on a device.
public final class InferenceSession {
  public let loaded: any LoadedPlan

  init(loaded: any LoadedPlan) { self.loaded = loaded }

  public var inputShape: [Int] { loaded.plan.tensor("predict/input")?.shape ?? [] }
  public var outputShape: [Int] { loaded.plan.tensor("output")?.shape ?? [] }

  /// N×C×D×H×W in and out.
  public func predict(_ input: [Float]) throws -> [Float] {
    try loaded.write(input, to: "predict/input")
    try loaded.run(.predict)
    return try loaded.read("output")
  }
}

/// Running statistics from a file that holds them by name (under `state/` in a checkpoint); nil where the graph
/// has none or the file lacks them.
public func loadBuffers(_ graph: Graph, from path: String) throws -> [Float]? {
  let file = try SafetensorsFile.read(path)
  var values: [Float] = []
  for node in graph.nodes {
    guard case .normalisation(let norm) = node.op else { continue }
    for buffer in norm.runningStatistics {
      let name = "\(node.path)/\(buffer)"
      guard let stored = ["state/\(name)", name].first(where: { file.info($0) != nil }) else { return nil }
      values += try file.floats(stored)
    }
  }
  return values.isEmpty ? nil : values
}

/// Running statistics before any training, in the order of the nodes: mean 0, variance 1.
public func initialBuffers(of graph: Graph) -> [Float] {
  graph.nodes.flatMap { node -> [Float] in
    guard case .normalisation(let norm) = node.op, norm.isOverBatch else { return [] }
    return Array(repeating: 0, count: node.shape.channels) + Array(repeating: 1, count: node.shape.channels)
  }
}
