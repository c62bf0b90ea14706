import LayerGraph

/// The network of an ONNX file for one size of its input.
public struct ONNXNetwork: Sendable {
  /// Parameters have the initializers' names.
  public var graph: Graph
  /// Flat, in the graph's order.
  public var parameters: [Float]
  /// Running statistics of batch norms, mean then variance, in the order of the nodes.
  public var buffers: [Float]
  /// Where the network is not quite the file's; a line each.
  public var remarks: [String]
  /// What an author who trains it has to know besides: what the file has lost.
  public var trainingRemarks: [String]

  /// - Parameter input: N×C×D×H×W; the file's axes are in this order.
  /// - Throws: `InterchangeError` that names the node that VoxCL has no layer for, whose size depends on the data, or
  ///   that the input does not fit.
  public init(_ model: ONNXModel, path: String, input: Shape) throws(InterchangeError) {
    guard (7...24).contains(model.opset) else {
      throw InterchangeError(path: path, problem: "is of ONNX opset \(model.opset), expected 7 to 24")
    }
    var model = model
    model.nodes = fusedGelu(model.nodes, model.initializers)
    var importer = ONNXImporter(model, path: path)
    try importer.check(input)
    let sizesOnly = importer.nodesForSizesOnly()
    if !sizesOnly.isEmpty {
      // Their layers are built once, for their shapes alone, and left out of the network.
      do throws(InterchangeError) {
        _ = try importer.graph(input)
      } catch {
        // That nothing reads those layers is no fault of the file.
        if importer.failed != nil || importer.isPoisoned { throw error }
      }
      importer = ONNXImporter(model, path: path, sizes: importer.constants, leavingOut: sizesOnly)
    }
    graph = try importer.graph(input)
    precondition(graph.parameters.count == importer.loaded.count, "internal: a layer without its initializers")
    for index in graph.parameters.indices { graph.parameters[index].name = importer.loaded[index].name }
    parameters = importer.loaded.flatMap(\.values)
    buffers = importer.buffers
    remarks = importer.remarks
    trainingRemarks = importer.trainingRemarks
  }
}
