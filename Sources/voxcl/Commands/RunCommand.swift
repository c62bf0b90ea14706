import ArgumentParser
import VoxCL

struct RunCommand: ReportingCommand {
  static let configuration = CommandConfiguration(
    commandName: "run", abstract: "Runs a network forward on one input.",
    discussion: """
      GRAPH is a built-in model, a bundle or an ONNX file. IN holds `input`, N×C×D×H×W float32; a built-in model and \
      an ONNX file take their size from there. OUT gets `output`. Without weights an ONNX file's own are taken, of a \
      model the initial ones of seed 0; batch norm uses running statistics, dropout is off.
      """)

  @Argument(help: "Built-in model, bundle folder or ONNX file.") var graph: String
  @Option(help: "Safetensors with input.") var input: String
  @Option(help: "Safetensors to write.") var output: String
  @Option(help: "Safetensors with the parameters by name, or a checkpoint.") var weights: String?
  @Option(help: "fp32 or mixed.") var precision = Precision.fp32
  @OptionGroup var device: DeviceOption
  @OptionGroup var width: WidthOption

  func perform() throws {
    let file = try SafetensorsFile.read(input)
    let shape = try file.inputShape()
    let device = try device.choose()
    let network: InferenceNetwork
    if Bundle.isBundle(graph) {
      network = try Bundle.read(graph).network(input: shape, weights: weights)
    } else {
      let named = try CommandNetwork(graph, input: shape, base: width.base)
      named.printRemarks(path: graph, training: false)
      var options = CompilerOptions()
      options.precision = precision
      network = InferenceNetwork(
        plan: try compile(named.graph, options: options, device: device.description).plan,
        parameters: try named.parameters(from: weights),
        buffers: try named.buffers(from: weights))
    }
    let session = try network.load(on: device)
    let values = try session.predict(try file.floats("input"))
    try SafetensorsWriter.write(
      [("output", TensorData(shape: session.outputShape, floats: values))], to: output)
  }
}
