import ArgumentParser
import FoundationEssentials
import VoxCL

struct CompileCommand: ReportingCommand {
  static let configuration = CommandConfiguration(
    commandName: "compile", abstract: "Compiles a network to a bundle, or writes it as an ONNX file.",
    discussion: """
      The bundle (plans, kernels and weights) runs with `voxcl run BUNDLE` on any device, without the model's source. \
      With -o FILE.onnx the network is written for other programs instead (opset 17, the output at full resolution, \
      batch and extents free); its metadata says what extents are multiples of, and a checkpoint's classes, channels \
      and recipe.
      """)

  @Argument(help: "Built-in model, recipe, run folder, checkpoint or ONNX file.") var graph: String
  @Option(name: .shortAndLong, help: "Folder to write, or FILE.onnx.") var output: String
  @Option(help: "N×C×D×H×W, such as 1x1x128x128x64; default: the network's own with batch 1.") var input: InputShape?
  @Option(help: "Safetensors with the parameters by name; without it the network's own, or the initial ones of seed 0.")
  var weights: String?
  @Option(help: "fp32 or mixed; of a bundle.") var precision = Precision.fp32
  @Option(help: "Device or class to tile for (repeatable); every device can run the result.") var target: [String] = []
  @Flag(help: "Print the table of passes.") var explain = false
  @Option(help: "Write the placement as id,lower,upper,size,offset.") var dumpMemory: String?

  func validate() throws {
    guard CommandNetwork.isONNX(output) else { return }
    if !target.isEmpty || explain || dumpMemory != nil || precision != .fp32 {
      throw ValidationError("\(output): --target, --explain, --dump-memory and --precision are for bundles")
    }
  }

  func perform() throws {
    let source = try source()
    let graph = source.graph
    if CommandNetwork.isONNX(output) { return try export(source) }
    var options = CompilerOptions()
    options.precision = precision
    var plans: [(plan: ExecutionPlan, target: String)] = []
    for wish in target.isEmpty ? [nil] : target.map(Optional.some) {
      let description =
        try wish.map { try Devices().choose($0).description } ?? Devices.planningDescription
      let compilation = try compile(graph, options: options, device: description, clock: monotonicSeconds)
      if explain { printPasses(compilation) }
      if let dumpMemory, plans.isEmpty { try writePlacement(compilation.memory, to: dumpMemory) }
      plans.append((compilation.plan, wish ?? description.kind.rawValue))
    }
    try Bundle.write(plans, graph: graph, parameters: source.parameters, buffers: source.buffers, to: output)
    print("\(output): \(graph.name), input \(graph.inputShape), \(byteText(plans[0].plan.allocatedBytes)) on the device")
  }

  private func export(_ source: Source) throws {
    let model = try ONNXModel(
      exporting: source.graph, parameters: source.parameters, buffers: source.buffers, metadata: source.metadata)
    try model.write(to: output)
    let nodes = counted(model.nodes.count, "node")
    print("\(output): \(source.graph.name), opset \(model.opset), \(nodes), input \(model.inputText)")
  }

  /// A network with its values, and what an ONNX file says of it.
  private struct Source {
    var graph: Graph
    var parameters: [Float]
    var buffers: [Float]
    var metadata: [String: String]

    /// - Parameters:
    ///   - divisor: what the output's extents (D×H×W) are multiples of, behind `remainder`.
    ///   - margin: by how much the input is larger on each side.
    init(_ network: CommandNetwork, weights: String?, divisor: Extent?, remainder: Extent, margin: Extent) throws {
      graph = network.graph
      parameters = try network.parameters(from: weights)
      buffers = try network.buffers(from: weights) ?? initialBuffers(of: graph)
      let isNormalised = graph.endsInSigmoid || graph.nodes[graph.output].op == .softmax
      metadata = [
        "voxcl.axes": "N,C,D,H,W (z, y, x of the RAS+ volume)", "voxcl.output": isNormalised ? "probabilities" : "logits",
      ]
      func list(_ extent: Extent) -> String { extent.axes.map(String.init).joined(separator: ",") }
      if let divisor {
        metadata["voxcl.divisor"] = list(divisor)
        metadata["voxcl.remainder"] = list(remainder)
        metadata["voxcl.margin"] = list(margin)
      }
    }
  }

  /// The network with batch 1 where no input is given.
  private func source() throws -> Source {
    var isFolder = false
    if let kind = try? FileManager.default.attributesOfItem(atPath: graph)[.type] as? FileAttributeType {
      isFolder = kind == .typeDirectory
    }
    if isFolder || graph.hasSuffix(".safetensors") {
      return try trained(isFolder ? "\(graph)/checkpoints/last.safetensors" : graph)
    }
    if CommandNetwork.isONNX(graph) {
      let network = try CommandNetwork(graph, input: input?.shape)
      return try Source(network, weights: weights, divisor: nil, remainder: 0, margin: 0)
    }
    if graph.hasSuffix(".json") {
      let recipe = try Recipe.read(graph)
      let built = try recipe.model.graph(recipe, batch: 1, input: input?.shape)
      return try source(CommandNetwork(graph: built, recipe: recipe), recipe.model, weights)
    }
    let model = try builtInModel(graph)
    var shape = model.defaultInput
    shape.batch = 1
    let built = try model.graph(input: input?.shape ?? shape)
    let network = model.network
    return try Source(
      CommandNetwork(graph: built), weights: weights, divisor: network.multiple, remainder: network.remainder,
      margin: network.margin)
  }

  private func source(_ network: CommandNetwork, _ model: ModelSettings, _ weights: String?) throws -> Source {
    func extent(_ axes: SIMD3<Int>) -> Extent { Extent(axes.z, axes.y, axes.x) }
    return try Source(
      network, weights: weights, divisor: extent(model.divisor), remainder: extent(model.remainder),
      margin: extent(model.margin))
  }

  private func trained(_ file: String) throws -> Source {
    let checkpoint = try Checkpoint.read(file)
    let model = checkpoint.recipe.model
    let patch = input.map { SIMD3($0.shape.extent.w, $0.shape.extent.h, $0.shape.extent.d) &- 2 &* model.margin }
    let graph = try model.graph(
      batch: input?.shape.batch ?? 1, channels: checkpoint.channels.count, classes: checkpoint.outputs.count,
      patch: patch ?? checkpoint.recipe.sampler.patch)
    var source = try source(CommandNetwork(graph: graph), model, weights ?? file)
    let metadata = try SafetensorsFile.read(file).metadata
    for key in ["classes", "channels", "statistics"] { source.metadata["voxcl.\(key)"] = metadata[key] }
    // Folders and the names of cases are nobody else's business.
    var recipe = try JSONValue(parsing: checkpoint.recipe.compactJSON).objectValue ?? [:]
    recipe["data"] = nil
    source.metadata["voxcl.recipe"] = JSONValue.object(recipe).text()
    return source
  }

  private func printPasses(_ compilation: Compilation) {
    printTable(
      ["pass", "ms", "calls", "tensors", "note"],
      compilation.passes.map {
        [$0.name, decimals(1000 * $0.seconds, 2), String($0.calls), String($0.tensors), $0.note]
      }, right: [1, 2, 3])
  }
}

/// The scratch arena's tensors in the planner's own format.
func writePlacement(_ memory: MemorySummary, to path: String) throws {
  let rows = memory.tensors.enumerated().map { i, t in
    "\(i),\(t.lower),\(t.upper),\(t.sizeInBytes),\(t.offsetInBytes)"
  }
  let text = (["id,lower,upper,size,offset"] + rows).joined(separator: "\n") + "\n"
  do { try text.write(toFile: path, atomically: true, encoding: .utf8) } catch {
    throw UserError("\(path): cannot be written")
  }
}
