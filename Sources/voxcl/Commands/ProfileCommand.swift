import ArgumentParser
import FoundationEssentials
import VoxCL

struct ProfileCommand: ReportingCommand {
  static let configuration = CommandConfiguration(
    commandName: "profile", abstract: "Shows the memory (and with --run the time) of each layer.",
    discussion: "Without --device and --run it touches no device.")

  @Argument(help: "Built-in model, recipe or ONNX file.") var graph: String
  @Option(help: "train or predict.") var mode = "train"
  @Option(help: "N×C×D×H×W, such as 2x1x128x128x64.") var input: InputShape?
  @Option(help: "fp32 or mixed.") var precision: Precision?
  @OptionGroup var device: DeviceOption
  @Flag(help: "Run one step on the device: allocated bytes and seconds.") var run = false
  @Flag(help: "Print JSON.") var json = false
  @Flag(help: "With --run: also the slowest calls (--json: all of them).") var calls = false
  @Option(help: "adam, sgd or momentum: decides the moments' bytes.") var optimizer = "adam"
  @Option(help: "automatic, direct or winograd.") var algorithm = ConvolutionAlgorithm.automatic
  @Option(help: "Bytes that the step may take, such as 2.5GiB: what does not fit is made again.")
  var memoryBudget: ByteCount?
  @Option(help: "The largest patch that fits, such as 8GiB, of the network's (or --input's) proportions.")
  var fit: ByteCount?
  @Flag(help: "Also the memory–time curve: what less memory would cost.") var curve = false
  @Option(help: "Write the placement as id,lower,upper,size,offset.") var dumpMemory: String?
  @Option(help: "Write a page: arena map, bytes alive, layers.") var html: String?

  func perform() throws {
    guard ["train", "predict"].contains(mode) else { throw UserError("--mode \(mode): expected train or predict") }
    let network = try CommandNetwork(self.graph, input: input?.shape)
    let (graph, recipe) = (network.graph, network.recipe)
    var options = CompilerOptions()
    options.precision = precision ?? recipe?.precision ?? .fp32
    options.algorithm = algorithm
    options.memoryBudget = memoryBudget?.bytes ?? recipe?.memoryBudget
    if mode == "train" {
      let kinds: [String: OptimizerKind] = ["adam": .adam, "sgd": .nesterov, "momentum": .momentum]
      guard let kind = kinds[optimizer] else {
        throw UserError("--optimizer \(optimizer): expected adam, sgd or momentum")
      }
      let loss = LossCatalog.named(graph.endsInSigmoid ? "bce" : "cross-entropy")!
      options.training = TrainingOptions(loss: loss, optimizer: kind)
      options.predicts = false
    }
    if let fit { return try printFit(fit.bytes, graph, options) }
    let target = run || device.device != nil ? try device.choose() : nil
    if let target, mode == "train" {
      options.memoryBudget = min(options.memoryBudget ?? .max, target.description.memoryBytes)
    }
    let compilation = try compile(
      graph, options: options, device: target?.description ?? Devices.planningDescription)
    var profile = MemoryProfile(compilation, graph: graph, mode: mode)
    if curve || html != nil {
      profile.curve = try MemoryProfile.curve(graph, options, target?.description ?? Devices.planningDescription)
    }
    var timed: [TimedCall] = []
    if run, let target { timed = try profile.measure(compilation, graph: graph, on: target) }
    if calls, run { profile.calls = timed }
    if let dumpMemory { try writePlacement(compilation.memory, to: dumpMemory) }
    if let html { try ProfileReport.write(profile, compilation, to: html) }
    if json { return try printJSON(profile) }
    printProfile(profile, compilation)
    if calls, run { printCalls(timed) }
  }

  private func printFit(_ limit: Int, _ graph: Graph, _ options: CompilerOptions) throws {
    let solver = FitSolver(
      start: graph.inputShape, options: options,
      device: try device.device != nil ? device.choose().description : Devices.planningDescription
    ) { try CommandNetwork(self.graph, input: $0).graph }
    let found = try solver.options(limit: limit, precisions: precision.map { [$0] } ?? Precision.allCases)
    guard !found.isEmpty else {
      throw UserError("--fit \(byteText(limit)): not even the smallest patch of \(graph.name) fits")
    }
    if json { return try printJSON(found) }
    print("the largest patches of \(graph.name) that fit \(byteText(limit)), the best first:")
    printTable(
      ["input", "precision", "bytes", "", "more time"],
      found.prefix(3).map {
        [
          $0.input.map(String.init).joined(separator: "×"), $0.precision, String($0.bytes), byteText($0.bytes),
          percent($0.extraTime),
        ]
      }, right: [2, 3, 4])
    print("more time: of what is made again to fit; --memory-budget \(byteText(limit)) gives this plan.")
  }

  private func printProfile(_ profile: MemoryProfile, _ compilation: Compilation) {
    func mib(_ bytes: Int) -> String { decimals(Double(bytes) / 1_048_576, 1) }
    var header = ["layer", "op", "output", "param", "stored", "saved", "work", "at peak", "GFLOP"]
    if run { header += ["fwd ms", "bwd ms", "limit"] }
    printTable(
      header,
      profile.layers.map { layer in
        var row = [
          layer.name, layer.op, layer.shape.map(String.init).joined(separator: "×"), mib(layer.parameterBytes),
          mib(layer.activationBytes), mib(layer.savedBytes), mib(layer.workspaceBytes),
          mib(layer.peakBytesAt), decimals(Double(layer.flops) / 1e9, 2),
        ]
        if run {
          row += [
            decimals(1000 * (layer.forwardSeconds ?? 0), 1), decimals(1000 * (layer.backwardSeconds ?? 0), 1),
            layer.shareOfLimit.map { decimals(100 * $0, 0) + " %" } ?? "–",
          ]
        }
        return row
      }, right: Set(3..<12))
    print("\nMiB; stored by the forward pass, saved for the backward pass, alive at the peak.")
    print(
      "predicted peak \(byteText(profile.predictedPeakBytes)) (state \(byteText(profile.stateBytes))), "
        + "lower bound \(byteText(profile.lowerBoundBytes)), placed by \(compilation.memory.method)")
    if let allocated = profile.allocatedBytes {
      print("allocated on \(profile.device ?? "") \(allocated) bytes, predicted \(profile.predictedPeakBytes)")
    }
    if let again = profile.recompute {
      if !again.remade.isEmpty { print("made again: \(again.remade.joined(separator: ", "))") }
      if !again.overlaid.isEmpty { print("written over their input, in slabs: \(again.overlaid.joined(separator: ", "))") }
      print(
        "to fit: \(percent(again.extraTime)) of the step's time by the model "
          + "(at least \(percent(again.leastExtraTime)) whatever is chosen), \(percent(again.extraFLOPs)) of its operations")
    }
    if curve, let points = profile.curve, !points.isEmpty {
      print("\nless memory, by the model of this device:")
      printTable(
        ["bytes", "", "more time", "more operations"],
        points.map { [String($0.bytes), byteText($0.bytes), percent($0.extraTime), percent($0.extraFLOPs)] },
        right: [0, 1, 2, 3])
    }
    if let limits = profile.limits {
      print(
        "limit: the least time at \(decimals(limits.flopsPerSecond / 1e9, 0)) GFLOP/s and "
          + "\(decimals(limits.bytesPerSecond / 1e9, 1)) GB/s, both measured here, over the time taken; above 100 % where "
          + "Winograd needs fewer operations than are counted or a cache still holds the tensor")
    }
    if let seconds = profile.secondsPerStep { print("one step \(decimals(seconds, 3)) s") }
  }

  private func percent(_ share: Double) -> String { decimals(100 * share, 1) + " %" }

  private func printCalls(_ calls: [TimedCall]) {
    let total = calls.reduce(0) { $0 + $1.seconds }
    print("")
    printTable(
      ["ms", "share", "GFLOP/s", "GB/s", "kernel", "call"],
      calls.sorted { $0.seconds > $1.seconds }.prefix(60).map { call in
        [
          decimals(1000 * call.seconds, 1), decimals(100 * call.seconds / total, 1) + "%",
          decimals(Double(call.flops) / call.seconds / 1e9, 0),
          decimals(Double(call.traffic) / call.seconds / 1e9, 1), call.kernel, call.label,
        ]
      }, right: [0, 1, 2, 3])
  }
}
