import Dispatch
import LayerGraph
import Volumes

/// Initial parameters of a graph, flat in declaration order: a pure function of the seed and each parameter's
/// name, so that an edit elsewhere in the model leaves them alone.
public func initialParameters(of graph: Graph, seed: UInt64) -> [Float] {
  let bounds = graph.parameters.reduce(into: [0]) { $0.append($0.last! + $1.count) }
  let count = bounds.last!
  return [Float](unsafeUninitializedCapacity: count) { values, initialized in
    // Each fills its own part, whose numbers do not depend on any other's.
    nonisolated(unsafe) let values = values
    DispatchQueue.concurrentPerform(iterations: graph.parameters.count) { i in
      let parameter = graph.parameters[i]
      fill(UnsafeMutableBufferPointer(rebasing: values[bounds[i]..<bounds[i + 1]]), parameter, seed)
    }
    initialized = count
  }
}

private func fill(_ values: UnsafeMutableBufferPointer<Float>, _ parameter: Parameter, _ seed: UInt64) {
  let key = UInt64(truncatingIfNeeded: seed) ^ nameHash(parameter.name)
  var random = SampleRandom(seed: key, stream: .parameters, sample: 0)
  switch parameter.initializer {
  case .constant(let value): values.initialize(repeating: Float(value))
  case .uniform(let bound):
    for i in values.indices { values.initializeElement(at: i, to: Float(random.uniform(-bound, bound))) }
  case .normal(let deviation):
    for i in values.indices { values.initializeElement(at: i, to: Float(deviation * random.normal())) }
  }
}

/// FNV-1a, 64 bits.
private func nameHash(_ text: String) -> UInt64 {
  text.utf8.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
}
