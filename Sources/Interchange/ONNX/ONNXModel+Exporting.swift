import LayerGraph

extension ONNXModel {
  /// A network for prediction as an ONNX model of opset 17: batch, depth, height and width stay free (sizes follow
  /// from `scales` and paddings alone), dropout is left out, coarse outputs too, batch norm takes its running
  /// statistics.
  ///
  /// - Parameters:
  ///   - parameters: the graph's, flat, in declaration order.
  ///   - buffers: running statistics of the norms in the order of the nodes.
  ///   - metadata: what a reader has to know, such as the extents' divisor.
  /// - Throws: `InterchangeError` that names a resize which no ONNX scale expresses.
  public init(
    exporting graph: Graph, parameters: [Float], buffers: [Float], metadata: [String: String]
  ) throws(InterchangeError) {
    self.init()
    producer = "voxcl"
    name = graph.name
    self.metadata = metadata
    var exporter = ONNXExporter(graph: graph, parameters: parameters, buffers: buffers)
    try exporter.export()
    nodes = exporter.nodes
    initializers = exporter.initializers
    inputs = [exporter.valueInfo("input", graph.inputShape)]
    outputs = [exporter.valueInfo("output", graph.outputShape)]
  }
}
