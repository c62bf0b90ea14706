import ArgumentParser
import VoxCL

struct StepCommand: ReportingCommand {
  static let configuration = CommandConfiguration(
    commandName: "step", abstract: "Runs training steps on one batch and writes losses and gradients.",
    discussion: """
      BATCH holds `input` (N×C×D×H×W float32) and `target`: class indices N×D×H×W int32, or N×C×D×H×W float32 for \
      sigmoid losses. OUT gets `loss` (one per step), `grad/<parameter>` of the last step and, with an optimizer, \
      `param/<parameter>` and `state/<name>`. A network's last softmax or sigmoid is the loss's own.

      Losses:
      \(LossCatalog.all.map { "  \($0.name): \($0.formula)" }.joined(separator: "\n"))
      """)

  @Argument(help: "Built-in model or ONNX file (voxcl inspect GRAPH lists its parameters).") var graph: String
  @Option(help: "Safetensors with input and target.") var batch: String
  @Option(help: "Loss by name.") var loss: String
  @Option(help: "Safetensors to write.") var output: String
  @Option(help: "Safetensors with the parameters by name; without it an ONNX file's own, or the initial ones of seed 0.")
  var weights: String?
  @Option(help: "adam, adam-keras (ε added to √v), adamw, sgd (Nesterov) or momentum.") var optimizer: String?
  @Option(help: "Learning rate.") var learningRate = 1e-3
  @Option(help: "λ of the weight decay: coupled, or decoupled for adamw.") var weightDecay = 0.0
  @Option(help: "Adam's β₁, or the momentum of sgd and momentum; 0.9 without it.") var beta1: Double?
  @Option(help: "Adam's β₂; 0.999 without it.") var beta2: Double?
  @Option(help: "Adam's ε; 1e-8 without it.") var adamEpsilon: Double?
  @Option(help: "Largest norm of the whole gradient; larger ones are scaled down to it.") var clipNorm: Double?
  @OptionGroup var lossOptions: LossOptions
  @Option(help: "Number of steps.") var steps = 1
  @Option(help: "Bytes that the step may take, such as 2.5GiB: what does not fit is made again.")
  var memoryBudget: ByteCount?
  @Option(help: "fp32 or mixed.") var precision = Precision.fp32
  @OptionGroup var device: DeviceOption
  @OptionGroup var width: WidthOption
  @Option(help: "Cut the batch into this many micro-batches; the loss is their mean.") var accumulate = 1
  @Option(help: "Turns dropout on, with this seed.") var seed: UInt64?
  @Option(help: "Limits of batch renorm's r and d, such as 3,5; without it 1,0: batch norm.") var renormLimits: String?
  @Option(help: "automatic, direct or winograd.") var algorithm = ConvolutionAlgorithm.automatic
  @Flag(help: "Print seconds per step and bytes as JSON.") var json = false

  struct Report: Encodable {
    var losses: [Float]
    var secondsPerStep: [Double]
    var allocatedBytes: Int
    var device: String
  }

  func perform() throws {
    guard steps > 0, accumulate > 0 else { throw UserError("--steps and --accumulate must be at least 1") }
    let loss = try lossOptions.applied(to: loss)
    let batchFile = try SafetensorsFile.read(batch)
    var shape = try batchFile.inputShape()
    guard shape.batch % accumulate == 0 else {
      throw UserError("--accumulate \(accumulate): the batch of \(shape.batch) does not divide")
    }
    shape.batch /= accumulate
    let network = try CommandNetwork(self.graph, input: shape, base: width.base)
    network.printRemarks(path: self.graph, training: true)
    let graph = network.graph

    var options = CompilerOptions()
    options.precision = precision
    options.predicts = false
    options.algorithm = algorithm
    var settings = try optimizerSettings()
    settings.learningRate = learningRate
    var training = TrainingOptions(loss: loss, optimizer: settings.kind)
    training.dropout = seed != nil
    training.dynamicLossScale = precision == .mixed
    options.training = training

    let device = try device.choose()
    options.memoryBudget = min(memoryBudget?.bytes ?? .max, device.description.memoryBytes)
    let compilation = try compile(graph, options: options, device: device.description)
    let parameters = try network.parameters(from: weights)
    let session = try TrainingSession(
      device.load(compilation.plan), parameters: parameters, optimizer: settings,
      initialScale: precision == .mixed ? LossScaleSettings().initial : 1, seed: seed ?? 0,
      classWeights: loss.classWeights)
    if network.onnx != nil, let own = try network.buffers(from: weights) { try session.write(own, to: "buffers") }
    if let renormLimits { session.renormLimits = try limits(renormLimits) }
    try run(session, microBatches(batchFile, graph, loss), device)
  }

  private func run(_ session: TrainingSession, _ batches: [MicroBatch], _ device: any Device) throws {
    var losses: [Float] = []
    var seconds: [Double] = []
    var scale: Float = 1
    for step in 0..<steps {
      let start = monotonicSeconds()
      for (index, batch) in batches.enumerated() {
        try session.accumulate(batch, index: index, of: batches.count, step: step)
      }
      scale = try session.result().lossScale
      if optimizer != nil { try session.loaded.run(.update) }
      losses.append(try session.result().loss)
      seconds.append(monotonicSeconds() - start)
    }
    try write(session, losses, scale)
    if json {
      try printJSON(
        Report(
          losses: losses, secondsPerStep: seconds, allocatedBytes: session.loaded.allocatedBytes,
          device: device.description.id))
    } else {
      for (i, loss) in losses.enumerated() {
        print("step \(i + 1)  loss \(loss)  \(decimals(seconds[i], 3)) s")
      }
    }
  }

  private func write(_ session: TrainingSession, _ losses: [Float], _ scale: Float) throws {
    var tensors = [("loss", TensorData(shape: [losses.count], floats: losses))]
    func add(_ name: String, _ shape: [Int], _ floats: [Float]) {
      tensors.append((name, TensorData(shape: shape, floats: floats)))
    }
    let gradients: [Float] = try session.read("gradients")
    let state = try session.state()
    for parameter in session.plan.parameters {
      let range = parameter.offsetInElements..<parameter.offsetInElements + parameter.count
      add("grad/\(parameter.name)", parameter.shape, gradients[range].map { $0 / scale })
      guard optimizer != nil else { continue }
      add("param/\(parameter.name)", parameter.shape, Array(state.weights[range]))
      for (i, moment) in state.moments.enumerated() {
        add("state/moment.\(i)/\(parameter.name)", parameter.shape, Array(moment[range]))
      }
    }
    for buffer in session.plan.buffers where !state.buffers.isEmpty {
      add(
        "state/\(buffer.name)", buffer.shape,
        Array(state.buffers[buffer.offsetInElements..<buffer.offsetInElements + buffer.count]))
    }
    try SafetensorsWriter.write(tensors, to: output)
  }

  private func limits(_ text: String) throws -> RenormLimits {
    let values = text.split(separator: ",").compactMap { Double($0) }
    guard values.count == 2, values[0] >= 1, values[1] >= 0 else {
      throw UserError("--renorm-limits \(text): expected rmax,dmax with rmax at least 1 and dmax at least 0")
    }
    return RenormLimits(rMax: values[0], dMax: values[1])
  }

  private func optimizerSettings() throws -> OptimizerSettings {
    guard let optimizer else { return OptimizerSettings() }
    guard OptimizerChoice.names.contains(optimizer) else {
      throw UserError("--optimizer \(optimizer): expected \(OptimizerChoice.names.joined(separator: ", "))")
    }
    var choice = OptimizerChoice()
    choice.name = optimizer
    choice.learningRate = learningRate
    choice.weightDecay = weightDecay
    choice.beta1 = beta1 ?? choice.beta1
    choice.beta2 = beta2 ?? choice.beta2
    choice.epsilon = adamEpsilon ?? choice.epsilon
    choice.clipNorm = clipNorm ?? 0
    let ranges = [
      ("--learning-rate", learningRate, true), ("--weight-decay", weightDecay, true),
      ("--beta1", choice.beta1, choice.beta1 < 1), ("--beta2", choice.beta2, choice.beta2 < 1),
      ("--adam-epsilon", choice.epsilon, true), ("--clip-norm", choice.clipNorm, true),
    ]
    for (name, value, isBelow) in ranges where !(value >= 0 && value.isFinite && isBelow) {
      throw UserError("\(name) \(value): expected a number from 0 on\(name.hasPrefix("--beta") ? " and below 1" : "")")
    }
    let settings = choice.settings
    return settings
  }

  private func microBatches(_ file: SafetensorsFile, _ graph: Graph, _ loss: Loss) throws -> [MicroBatch] {
    let input = try file.floats("input")
    let perBatch = graph.inputShape.count
    let out = graph.outputShape
    let voxels = out.batch * out.extent.count
    let found = file.info("target")?.shape ?? []
    let expected =
      loss.sigmoid
      ? [out.batch * accumulate, out.channels] + out.extent.axes
      : [out.batch * accumulate] + out.extent.axes
    guard found == expected else { throw UserError("\(batch): target has shape \(found), expected \(expected)") }
    if loss.sigmoid {
      let target = try file.floats("target")
      return (0..<accumulate).map { k in
        MicroBatch(
          input: Array(input[k * perBatch..<(k + 1) * perBatch]),
          target: .channels(Array(target[k * out.count..<(k + 1) * out.count])))
      }
    }
    let target = try file.int32s("target")
    if let bad = target.first(where: { $0 >= Int32(out.channels) && Int($0) != loss.ignoredLabel }) {
      throw UserError("\(batch): target holds class \(bad), the network has \(out.channels) classes")
    }
    return (0..<accumulate).map { k in
      MicroBatch(
        input: Array(input[k * perBatch..<(k + 1) * perBatch]),
        target: .classes(Array(target[k * voxels..<(k + 1) * voxels])))
    }
  }
}
