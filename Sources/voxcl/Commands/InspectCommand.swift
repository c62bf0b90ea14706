import ArgumentParser
import FoundationEssentials
import VoxCL

struct InspectCommand: ReportingCommand {
  static let configuration = CommandConfiguration(
    commandName: "inspect", abstract: "Shows what a volume, checkpoint, bundle, recipe, ONNX file or built-in model holds.",
    discussion: "Exits non-zero where the file is not sound.")

  @Argument(help: "NIfTI volume, safetensors file, bundle folder, recipe, ONNX file, or the name of a built-in model.")
  var file: String
  @Flag(help: "Print JSON.") var json = false
  @Flag(help: "A model's kernels at its own input, training and prediction, with what specialises each; as JSON.")
  var kernels = false
  @Option(help: "With --kernels: loss by name (voxcl step lists them).") var loss = "cross-entropy"
  @Option(help: "With --kernels: fp32 or mixed.") var precision = Precision.fp32
  @Option(help: "With --kernels: device or class to tile for.") var target: String?
  @OptionGroup var width: WidthOption

  func perform() throws {
    if kernels { return try printKernels() }
    if Bundle.isBundle(file) { return try inspectBundle() }
    if !FileManager.default.fileExists(atPath: file), let model = BuiltInModel.named(file) {
      return try inspectModel(model)
    }
    guard FileManager.default.fileExists(atPath: file) else {
      throw UserError("\(file): no such file, bundle, recipe, ONNX file or built-in model")
    }
    if file.hasSuffix(".json") { return try inspectRecipe() }
    if file.hasSuffix(".safetensors") { return try inspectTensors() }
    if CommandNetwork.isONNX(file) { return try inspectONNX(file, json: json) }
    try inspectVolume()
  }

  struct ModelReport: Encodable {
    struct Parameter: Encodable {
      var name: String
      var shape: [Int]
    }
    var model: String
    var aliases: [String]
    var summary: String
    var input: [Int]
    var output: [Int]
    var parameterCount: Int
    var parameters: [Parameter]
  }

  private func inspectModel(_ model: BuiltInModel) throws {
    try printNetwork(model.graph(base: width.base), name: model.name, aliases: model.aliases, summary: model.summary)
  }

  /// Its network for a step of training, at its own patch and batch.
  private func inspectRecipe() throws {
    let recipe = try Recipe.read(file)
    let patch = recipe.sampler.patch
    let summary =
      "recipe \(file), \(recipe.sampler.batch) patches of \(patch.x)×\(patch.y)×\(patch.z) voxels a batch, "
      + "\(recipe.training.steps) steps, \(recipe.precision.rawValue)"
    try printNetwork(recipe.model.graph(recipe), name: recipe.model.name, aliases: [], summary: summary)
  }

  private func printNetwork(_ graph: Graph, name: String, aliases: [String], summary: String) throws {
    let report = ModelReport(
      model: name, aliases: aliases, summary: summary, input: graph.inputShape.axes,
      output: graph.outputShape.axes, parameterCount: graph.parameterCount,
      parameters: graph.parameters.map { .init(name: $0.name, shape: $0.shape) })
    if json { return try printJSON(report) }
    print("\(name): \(summary)")
    print("input \(graph.inputShape), output \(graph.outputShape), \(graph.parameterCount) parameters\n")
    printTable(
      ["parameter", "shape", "count"],
      graph.parameters.map { [$0.name, $0.shape.map(String.init).joined(separator: "×"), String($0.count)] },
      right: [2])
  }

  struct KernelReport: Encodable {
    var name: String
    /// What the OpenCL compiler is given.
    var options: String
    var calls: Int
  }

  private func printKernels() throws {
    guard let loss = LossCatalog.named(loss) else {
      throw UserError("--loss \(loss): expected one of \(LossCatalog.all.map(\.name).joined(separator: ", "))")
    }
    let graph = try builtInModel(file).graph(base: width.base)
    var options = CompilerOptions()
    options.precision = precision
    options.training = TrainingOptions(loss: loss)
    options.training?.dynamicLossScale = precision == .mixed
    let device = try target.map { try Devices().choose($0).description } ?? Devices.planningDescription
    let plan = try compile(graph, options: options, device: device).plan
    try printJSON(openCLPrograms(of: plan).map { KernelReport(name: $0.name, options: $0.options, calls: $0.calls) })
  }

  struct TensorReport: Encodable {
    struct Tensor: Encodable {
      var name: String
      var type: String
      var shape: [Int]
    }
    var file: String
    var metadata: [String: String]
    var tensors: [Tensor]
  }

  private func inspectTensors() throws {
    let content = try SafetensorsFile.read(file)
    let report = TensorReport(
      file: file, metadata: content.metadata,
      tensors: content.tensors.map { .init(name: $0.name, type: $0.type.rawValue, shape: $0.shape) })
    if json { return try printJSON(report) }
    for (key, value) in report.metadata.sorted(by: { $0.key < $1.key }) { print("\(key): \(value)") }
    printTable(
      ["tensor", "type", "shape"],
      report.tensors.map { [$0.name, $0.type, $0.shape.map(String.init).joined(separator: "×")] })
  }

  private func inspectBundle() throws {
    let bundle = try Bundle.read(file)
    if json { return try printJSON(bundle.manifest) }
    print("\(file): bundle of \(bundle.manifest.model)")
    for plan in bundle.manifest.plans {
      print("  input \(plan.input.map(String.init).joined(separator: "×")), \(plan.precision), tiled for \(plan.target)")
    }
    print("  \(bundle.manifest.kernels.count) kernels, every hash as stated")
  }

  private func inspectVolume() throws {
    let inspection = try VolumeInspection(of: file)
    if json { return try printJSON(inspection) }
    try printVolume(inspection)
  }
}
