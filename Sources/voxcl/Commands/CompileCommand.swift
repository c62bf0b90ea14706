import ArgumentParser
import FoundationEssentials
import VoxCL

struct CompileCommand: ReportingCommand {
  static let configuration = CommandConfiguration(
    commandName: "compile", abstract: "Compiles a network to a bundle: plans, kernels and weights.",
    discussion: "The bundle runs with `voxcl run BUNDLE` on any device, without the model's source.")

  @Argument(help: "Built-in model, recipe, run folder or checkpoint.") var graph: String
  @Option(name: .shortAndLong, help: "Folder to write.") var output: String
  @Option(help: "N×C×D×H×W, such as 1x1x128x128x64; default: the model's own with batch 1.") var input: InputShape?
  @Option(help: "Safetensors with the parameters by name; without it the initial ones of seed 0.")
  var weights: String?
  @Option(help: "fp32 or mixed.") var precision = Precision.fp32
  @Option(help: "Device or class to tile for (repeatable); every device can run the result.") var target: [String] = []
  @Flag(help: "Print the table of passes.") var explain = false
  @Option(help: "Write the placement as id,lower,upper,size,offset.") var dumpMemory: String?

  func perform() throws {
    let (graph, trained) = try network()
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
    try Bundle.write(
      plans, graph: graph, parameters: try loadParameters(graph, from: weights ?? trained),
      buffers: try (weights ?? trained).flatMap { try loadBuffers(graph, from: $0) }
        ?? initialBuffers(plans[0].plan),
      to: output)
    print("\(output): \(graph.name), input \(graph.inputShape), \(byteText(plans[0].plan.allocatedBytes)) on the device")
  }

  /// The graph with batch 1 where no input is given, and the checkpoint that holds its parameters, if any.
  private func network() throws -> (Graph, checkpoint: String?) {
    var isFolder = false
    if let kind = try? FileManager.default.attributesOfItem(atPath: graph)[.type] as? FileAttributeType {
      isFolder = kind == .typeDirectory
    }
    if isFolder || graph.hasSuffix(".safetensors") {
      let file = isFolder ? "\(graph)/checkpoints/last.safetensors" : graph
      let checkpoint = try Checkpoint.read(file)
      let model = checkpoint.recipe.model
      let patch = input.map { SIMD3($0.shape.extent.w, $0.shape.extent.h, $0.shape.extent.d) &- 2 &* model.margin }
      let graph = try model.graph(
        batch: input?.shape.batch ?? 1, channels: checkpoint.channels.count, classes: checkpoint.outputs.count,
        patch: patch ?? checkpoint.recipe.sampler.patch)
      return (graph, file)
    }
    if graph.hasSuffix(".json") {
      let recipe = try Recipe.read(graph)
      return (try single(recipe.model, recipe), nil)
    }
    let model = try builtInModel(graph)
    var shape = model.defaultInput
    shape.batch = 1
    return (try model.graph(input: input?.shape ?? shape), nil)
  }

  private func single(_ model: ModelSettings, _ recipe: Recipe) throws -> Graph {
    // A window at a time.
    try model.graph(recipe, batch: 1, input: input?.shape)
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
