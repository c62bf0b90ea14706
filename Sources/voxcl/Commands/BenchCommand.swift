import ArgumentParser
import FoundationEssentials
import VoxCL

struct BenchCommand: ReportingCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench", abstract: "Times a network's step, or one convolution.",
    discussion: """
      `voxcl bench S3` times training steps (--mode predict: forward passes) by the clock, and says which part of them
      the kernels take; the first step's seconds hold planning and compiling too. `voxcl bench conv3d --channels 32
      --extent 96x96x96` times a convolution inside a network: forward with the norm and activation that it applies as
      it reads, the weights' transform and the statistics of the norm behind it; the data gradient; the weight gradient.
      `voxcl bench augmentation` times one patch of one channel on one core: each transform of nnU-Net's list and an
      elastic deformation forced on, alone and all together. Medians over --repeats.
      """)

  @Argument(help: "Built-in model, recipe, conv3d or augmentation.") var subject: String
  @Option(help: "train or predict.") var mode = "train"
  @Option(help: "N×C×D×H×W of a network.") var input: InputShape?
  @Option(help: "fp32 or mixed.") var precision: Precision?
  @OptionGroup var device: DeviceOption
  @Option(help: "automatic, direct or winograd.") var algorithm = ConvolutionAlgorithm.automatic
  @Option(help: "Timed steps.") var repeats = 3
  @Option(help: "Bytes that the step may take, such as 2.5GiB: what does not fit is made again.")
  var memoryBudget: ByteCount?
  @Option(help: "conv3d: input channels; 1 makes it a network's first layer.") var channels = 32
  @Option(help: "conv3d: output channels (default: as many as input channels).") var outputs: Int?
  @Option(help: "conv3d: samples.") var batch = 1
  @Option(help: "conv3d: D×H×W.") var extent = Axes(96)
  @Option(help: "conv3d: D×H×W.") var kernel = Axes(3)
  @Option(help: "conv3d: D×H×W.") var stride = Axes(1)
  @Option(help: "augmentation: voxels of the patch, x×y×z.") var patch = Axes(128)
  @Option(help: "augmentation: NIfTI volume from which the patch is cut (default: noise).") var volume: String?
  @Flag(help: "conv3d: also each kernel's time.") var calls = false
  @Flag(help: "Print JSON.") var json = false

  func perform() throws {
    guard repeats > 0 else { throw UserError("--repeats \(repeats): expected 1 or more") }
    if subject == "augmentation" { return try timeAugmentation() }
    var options = CompilerOptions()
    options.algorithm = algorithm
    if subject == "conv3d" { try timeConvolution(&options) } else { try timeNetwork(&options) }
  }

  private func timeConvolution(_ options: inout CompilerOptions) throws {
    for (name, value) in [("channels", channels), ("outputs", outputs ?? channels), ("batch", batch)] where value < 1 {
      throw UserError("--\(name) \(value): expected 1 or more")
    }
    options.precision = precision ?? .fp32
    let benchmark = ConvolutionBenchmark(
      batch: batch, inputs: channels, outputs: outputs ?? channels, extent: extent.axes, kernel: kernel.axes,
      stride: stride.axes)
    let times = try benchmark.measure(on: try device.choose(), options: options, repeats: repeats)
    if json { return try printJSON(times) }
    printTable(
      ["pass", "ms", "GFLOP/s"],
      [
        ("forward", times.forwardSeconds), ("data gradient", times.dataGradientSeconds),
        ("weight gradient", times.weightGradientSeconds),
      ].filter { $0.1 > 0 }.map {
        [$0.0, decimals(1000 * $0.1, 2), decimals(Double(times.flops) / $0.1 / 1e9, 0)]
      }, right: [1, 2])
    if calls { printTable(["call", "ms"], times.calls.map { [$0.label, decimals(1000 * $0.seconds, 2)] }, right: [1]) }
  }

  private func timeAugmentation() throws {
    let size = SIMD3(patch.axes[0], patch.axes[1], patch.axes[2])
    guard patch.axes.allSatisfy({ $0 <= 2048 }), patch.axes.reduce(1, *) <= 1 << 27 else {
      throw UserError("--patch \(patch.defaultValueDescription): expected at most 2^27 voxels")
    }
    let image = try volume.map { try NiftiFile.read($0).volume }
    let times = try AugmentationBenchmark.run(patch: size, volume: image, repeats: repeats)
    if json { return try printJSON(times) }
    printTable(
      ["transform", "ms"],
      [["crop alone", decimals(times.cropMilliseconds, 1)]]
        + times.parts.map { [$0.name, decimals($0.milliseconds, 1)] }
        + [["all together", decimals(times.totalMilliseconds, 1)]], right: [1])
  }

  private func timeNetwork(_ options: inout CompilerOptions) throws {
    let network = try CommandNetwork(subject, input: input?.shape)
    let (graph, recipe) = (network.graph, network.recipe)
    options.precision = precision ?? recipe?.precision ?? .fp32
    try options.time(graph, mode: mode)
    let device = try device.choose()
    options.memoryBudget = min(memoryBudget?.bytes ?? recipe?.memoryBudget ?? .max, device.description.memoryBytes)
    let result = try StepBenchmark.run(graph, options: options, on: device, repeats: repeats)
    if json { return try printJSON(result) }
    let shape = result.input.map(String.init).joined(separator: "×")
    let what = mode == "train" ? "step" : "forward pass"
    print("\(result.model), \(shape), \(result.precision), \(result.device)")
    print("first \(what) \(decimals(result.firstStepSeconds, 2)) s, with planning and compiling")
    print("\(what) \(decimals(result.secondsPerStep, 3)) s, of which kernels \(decimals(result.kernelSeconds, 3)) s")
    print("bytes \(result.bytes) (\(byteText(result.bytes)))")
  }
}

extension CompilerOptions {
  /// A training step with a plain loss, or a forward pass.
  mutating func time(_ graph: Graph, mode: String) throws {
    guard ["train", "predict"].contains(mode) else { throw UserError("--mode \(mode): expected train or predict") }
    guard mode == "train" else { return }
    training = TrainingOptions(loss: LossCatalog.named(graph.endsInSigmoid ? "bce" : "cross-entropy")!)
    predicts = false
  }
}

/// Three numbers D×H×W from 1 on, or one for all.
struct Axes: ExpressibleByArgument {
  var axes: [Int]
  init(_ value: Int) { axes = [value, value, value] }

  init?(argument: String) {
    let numbers = argument.lowercased().split(separator: "x", omittingEmptySubsequences: false).map { Int($0) ?? 0 }
    guard [1, 3].contains(numbers.count), numbers.allSatisfy({ $0 > 0 }) else { return nil }
    axes = numbers.count == 1 ? [numbers[0], numbers[0], numbers[0]] : numbers
  }
  var defaultValueDescription: String { axes.map(String.init).joined(separator: "x") }
}
