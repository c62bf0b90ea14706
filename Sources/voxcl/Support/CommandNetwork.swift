import VoxCL

/// What a command's GRAPH names: a built-in model, a recipe at its own patch and batch, or an ONNX file.
struct CommandNetwork {
  var graph: Graph
  var recipe: Recipe?
  /// Initializers, running statistics and remarks of an ONNX file.
  var onnx: ONNXNetwork?

  init(graph: Graph, recipe: Recipe? = nil) {
    self.graph = graph
    self.recipe = recipe
  }

  /// - Parameters:
  ///   - input: N×C×D×H×W; nil: the network's own.
  ///   - base: channels of a built-in model's first level.
  init(_ name: String, input: Shape?, base: Int? = nil) throws {
    guard Self.isFile(name) else {
      graph = try builtInModel(name).graph(input: input, base: base)
      return
    }
    if let base { throw UserError("--base \(base): \(name) is no built-in model, its widths are in the file") }
    if name.hasSuffix(".json") {
      let recipe = try Recipe.read(name)
      graph = try recipe.model.graph(recipe, input: input)
      self.recipe = recipe
    } else {
      let model = try ONNXModel.read(name)
      let network = try ONNXNetwork(model, path: name, input: input ?? model.ownInput(path: name))
      guard !network.graph.parameters.isEmpty else { throw UserError("\(name): holds no layer with weights") }
      graph = network.graph
      onnx = network
    }
  }

  private static func isFile(_ name: String) -> Bool { name.hasSuffix(".json") || isONNX(name) }
  static func isONNX(_ name: String) -> Bool { name.hasSuffix(".onnx") }

  /// From a safetensors file, else what the network's own file holds, else the initial ones of seed 0.
  func parameters(from weights: String?) throws -> [Float] {
    if weights == nil, let onnx { return onnx.parameters }
    return try loadParameters(graph, from: weights)
  }

  /// Running statistics, from where the parameters come; nil where there are none.
  func buffers(from weights: String?) throws -> [Float]? {
    if let weights, let found = try loadBuffers(graph, from: weights) { return found }
    return onnx.flatMap { $0.buffers.isEmpty ? nil : $0.buffers }
  }

  /// Where the network is not quite the ONNX file's, and for training what that has lost; on standard error.
  func printRemarks(path: String, training: Bool) {
    guard let onnx else { return }
    for remark in onnx.remarks + (training ? onnx.trainingRemarks : []) { standardError("voxcl: \(path): \(remark)") }
  }
}

extension ONNXModel {
  /// The input's shape where the file fixes it, with batch 1 where that alone is free.
  func ownInput(path: String) throws -> Shape {
    var axes = inputAxes
    if axes.count == 5, case .named = axes[0] { axes[0] = .fixed(1) }
    let extents = axes.compactMap { if case .fixed(let extent) = $0, extent > 0 { extent } else { nil } }
    guard extents.count == 5 else {
      throw UserError("\(path): its input is \(inputText), of any size; --input 1x1x64x64x64 says which")
    }
    return Shape(batch: extents[0], channels: extents[1], extent: Extent(Array(extents[2...])))
  }

  /// Of the first input that is no initializer.
  var inputAxes: [ONNXValueInfo.Axis] {
    let known = Set(initializers.map(\.name))
    return inputs.first { !known.contains($0.name) }?.axes ?? []
  }

  /// `batch×1×input_depth×input_height×input_width`.
  var inputText: String { Self.text(inputAxes) }

  static func text(_ axes: [ONNXValueInfo.Axis]) -> String {
    axes.isEmpty ? "of no stated shape" : axes.map { axis in
      switch axis {
      case .fixed(let extent): "\(extent)"
      case .named(let name): name.isEmpty ? "?" : name
      }
    }.joined(separator: "×")
  }
}
