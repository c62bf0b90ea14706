import Interchange
import LayerGraph
import Training

/// Parameters of a graph from a safetensors file that holds them by name, or the initial ones of seed 0.
/// - Throws: `InterchangeError` that names the first missing or misshapen tensor.
public func loadParameters(_ graph: Graph, from path: String?) throws -> [Float] {
  guard let path else { return initialParameters(of: graph, seed: 0) }
  let file = try SafetensorsFile.read(path)
  var values: [Float] = []
  values.reserveCapacity(graph.parameterCount)
  for parameter in graph.parameters {
    // A checkpoint keeps parameters under `param/`.
    let name = file.info("param/\(parameter.name)") != nil ? "param/\(parameter.name)" : parameter.name
    guard let found = file.info(name)?.shape else {
      throw InterchangeError(path: path, problem: "holds no tensor \(name)")
    }
    guard found == parameter.shape else {
      throw InterchangeError(
        path: path, problem: "\(parameter.name) has shape \(found), the network's is \(parameter.shape)")
    }
    values += try file.floats(name)
  }
  return values
}
