import LayerGraph
import Volumes

/// Initial parameters of a graph, flat in declaration order: a pure function of the seed and each parameter's
/// name, so that an edit elsewhere in the model leaves them alone.
public func initialParameters(of graph: Graph, seed: UInt64) -> [Float] {
  var values: [Float] = []
  values.reserveCapacity(graph.parameterCount)
  for parameter in graph.parameters {
    let key = UInt64(truncatingIfNeeded: seed) ^ nameHash(parameter.name)
    var random = SampleRandom(seed: key, stream: .parameters, sample: 0)
    switch parameter.initializer {
    case .constant(let value):
      values.append(contentsOf: repeatElement(Float(value), count: parameter.count))
    case .uniform(let bound):
      for _ in 0..<parameter.count { values.append(Float(random.uniform(-bound, bound))) }
    case .normal(let deviation):
      for _ in 0..<parameter.count { values.append(Float(deviation * random.normal())) }
    }
  }
  return values
}

/// FNV-1a, 64 bits.
private func nameHash(_ text: String) -> UInt64 {
  text.utf8.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
}
