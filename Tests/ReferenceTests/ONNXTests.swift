import CPUBackend
import ExecutionPlan
import GraphCompiler
import Interchange
import LayerGraph
import Models
import Testing
import Training

/// ONNX networks in, against ONNX Runtime's outputs, and VoxCL's own out and in again.
@Suite struct ONNXTests {
  private static let folder = #filePath.split(separator: "/").dropLast(2).reduce("") { $0 + "/" + $1 } + "/Values/onnx"
  static let files = ["resizing_legacy", "resizing_dynamo", "many_legacy", "many_dynamo", "typed_lists"]

  @Test(arguments: files)
  func outputIsONNXRuntimes(_ name: String) throws {
    let path = "\(Self.folder)/\(name).onnx"
    let values = try SafetensorsFile.read("\(Self.folder)/\(name).safetensors")
    let axes = try #require(values.info("input")?.shape)
    let input = Shape(batch: axes[0], channels: axes[1], extent: Extent(Array(axes[2...])))
    let network = try ONNXNetwork(ONNXModel.read(path), path: path, input: input)
    let output = try run(network.graph, network.parameters, network.buffers, try values.floats("input"))
    #expect(network.graph.outputShape.axes == values.info("output")?.shape)
    Comparison.expectClose(
      output, try values.floats("output").map(Double.init), tolerance: Comparison.forward, name)
  }

  /// Exported at one size, read again at another: the same outputs as the model's own graph of that size.
  @Test(arguments: BuiltInModel.all.map(\.name))
  func whatIsExportedIsTheNetwork(_ name: String) throws {
    let model = try #require(BuiltInModel.named(name))
    var network = model.network
    network.base = 4
    network.classes = model.classes
    func graph(_ factors: Extent) throws -> Graph {
      let own = network.multiple.map(factors) { $0 * $1 }.map(network.remainder) { $0 + $1 }
      let extent = own.map(network.margin) { $0 + 2 * $1 }
      return try Graph(name, input: Shape(batch: 1, channels: 1, extent: extent)) { [network] net, x in network(net, x) }
    }
    let is2D = model.defaultInput.extent.d == 1
    let (small, large) = (try graph(Extent(is2D ? 1 : 2, 2, 2)), try graph(Extent(1, 3, 2)))
    let parameters = initialParameters(of: small, seed: 3)
    let buffers = statistics(of: small)
    let file = try ONNXModel(exporting: small, parameters: parameters, buffers: buffers, metadata: [:])
    try checkForm(file, small)

    let read = try ONNXNetwork(
      ONNXModel(parsing: file.bytes, path: "\(name).onnx"), path: "\(name).onnx", input: large.inputShape)
    let input = (0..<large.inputShape.count).map { i in Float((i * 7919) % 1009) / 500 - 1 }
    let expected = try run(large, parameters, buffers, input)
    let found = try run(read.graph, read.parameters, read.buffers, input)
    #expect(read.graph.outputShape == large.outputShape)
    Comparison.expectClose(found, expected.map(Double.init), tolerance: Comparison.forward, name)
  }

  /// Rule 20 of the conventions: scales, free extents, the full-resolution head alone.
  private func checkForm(_ file: ONNXModel, _ graph: Graph) throws {
    let constants = Set(file.initializers.map(\.name))
    for node in file.nodes where node.op == "Resize" {
      #expect(node.inputs.count == 3 && constants.contains(node.inputs[2]), "\(node.name) takes its size from scales")
    }
    for axis in [0, 2, 3, 4] {
      guard case .named = try #require(file.inputs[0].axes)[axis] else {
        Issue.record("axis \(axis) of the input is fixed")
        continue
      }
    }
    #expect(file.outputs.count == 1)
    // What only coarse heads read is not in the file.
    for head in graph.supervised where graph.consumers()[head.node].isEmpty {
      for index in graph.nodes[head.node].parameters {
        #expect(!constants.contains(graph.parameters[index].name))
      }
    }
  }

  /// Layers that no built-in network has.
  @Test func rareLayersAreExportedToo() throws {
    let shape = Shape(batch: 2, channels: 4, extent: Extent(6, 8, 10))
    let graph = try Graph("rare", input: shape) { _, x in
      let a = x.conv(8, stride: 2, groups: 2).groupNorm(4).silu().gelu()
      let b = a.norm(Normalisation(.group, groups: 2, hasAffine: false)).elu(0.5).tanh()
      let gate = b.globalAveragePool().conv(8, kernel: 1).sigmoid()
      let c = b.multiply(gate).upConv(4, kernel: 3, padding: 1, outputPadding: 1).prelu(perChannel: true)
      let d = c.pad(low: 1, high: 1, .reflect).averagePool(3, stride: 1, countsPadding: false)
      let e = d.resize(.trilinear, to: Extent(3, 4, 5), alignCorners: true).upsample(.nearest, 2)
      return e.add(x.crop(to: e.extent)).norm(Normalisation(.instance, hasAffine: false)).prelu().softmax()
    }
    let parameters = initialParameters(of: graph, seed: 3)
    let file = try ONNXModel(exporting: graph, parameters: parameters, buffers: [], metadata: [:])
    let read = try ONNXNetwork(ONNXModel(parsing: file.bytes, path: "rare.onnx"), path: "rare.onnx", input: shape)
    let input = (0..<shape.count).map { i in Float((i * 7919) % 1009) / 500 - 1 }
    let expected = try run(graph, parameters, [], input)
    let found = try run(read.graph, read.parameters, read.buffers, input)
    Comparison.expectClose(found, expected.map(Double.init), tolerance: Comparison.forward, "rare")
  }

  /// Layers whose output's extent is rounded, at a size that the exported one's padding and scales were not made for:
  /// ONNX Runtime's output of exactly this file. `VOXCL_WRITE_ONNX=FILE` writes it (tools/reference/make_onnx_values.py).
  @Test func exportedFilesRunElsewhereAtOddSizes() throws {
    func graph(_ extent: Extent) throws -> Graph {
      try Graph("odd", input: Shape(batch: 2, channels: 3, extent: extent)) { _, x in
        let a = x.conv(8, stride: 2).groupNorm(4).gelu().conv(8, kernel: 2, padding: .same).batchNorm().silu()
        let b = a.maxPool(2, stride: 2).conv(8, padding: .valid).instanceNorm().elu()
        let gate = b.averagePool(3, stride: 1, padding: 1, countsPadding: false).globalAveragePool().sigmoid()
        let c = b.multiply(gate).upConv(6, kernel: 3, padding: 1, outputPadding: 1).prelu(perChannel: true)
        return c.upConv(4, kernel: 3, stride: 1, padding: 2, outputPadding: 1).pad(low: 1, high: 2, .edge).softmax()
      }
    }
    let small = try graph(Extent(16, 12, 20))
    let parameters = initialParameters(of: small, seed: 5)
    let buffers = statistics(of: small)
    let file = try ONNXModel(exporting: small, parameters: parameters, buffers: buffers, metadata: [:])
    if let path = Environment.fileToWrite { try file.write(to: path) }
    let path = "\(Self.folder)/exported.onnx"
    #expect(try ONNXModel.read(path) == file, "the exporter writes another file than ONNX Runtime was given")

    let values = try SafetensorsFile.read("\(Self.folder)/exported.safetensors")
    let axes = try #require(values.info("input")?.shape)
    let odd = try graph(Extent(Array(axes[2...])))
    let input = try values.floats("input")
    let expected = try values.floats("output").map(Double.init)
    #expect(odd.outputShape.axes == values.info("output")?.shape)
    Comparison.expectClose(
      try run(odd, parameters, buffers, input), expected, tolerance: Comparison.forward, "the layers")
    let read = try ONNXNetwork(file, path: path, input: odd.inputShape)
    Comparison.expectClose(
      try run(read.graph, read.parameters, read.buffers, input), expected, tolerance: Comparison.forward, "read again")
  }

  private func run(_ graph: Graph, _ parameters: [Float], _ buffers: [Float], _ input: [Float]) throws -> [Float] {
    let device = try CPUDevice()
    let loaded = try device.load(try compile(graph, options: CompilerOptions(), device: device.description).plan)
    try loaded.write(parameters, to: "weights")
    if !buffers.isEmpty { try loaded.write(buffers, to: "buffers") }
    try loaded.write(input, to: "predict/input")
    try loaded.run(.predict)
    return try loaded.read("output")
  }

  /// Means about 0 and variances about 1.
  private func statistics(of graph: Graph) -> [Float] {
    graph.nodes.flatMap { node -> [Float] in
      guard case .normalisation(let norm) = node.op, norm.isOverBatch else { return [] }
      let channels = node.shape.channels
      return (0..<channels).map { Float($0 % 5) / 10 - 0.2 } + (0..<channels).map { 0.5 + Float($0 % 7) / 5 }
    }
  }
}
