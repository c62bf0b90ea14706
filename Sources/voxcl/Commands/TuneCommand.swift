import ArgumentParser
import VoxCL

struct TuneCommand: ReportingCommand {
  static let configuration = CommandConfiguration(
    commandName: "tune", abstract: "Measures which tiles of a network's convolutions a device runs fastest.",
    discussion: """
      Runs steps of the network with different register blocks and tiles and keeps the fastest in the cache folder, for
      this device, driver and version of the kernels; every later command uses them. Results do not change by a bit: only
      what gives the same bits is tried, and what does not is thrown away. Without tuning, a model of the device decides.
      SIGINT and SIGTERM end it after the round that runs, with what was found until then. voxcl train does the same
      before a long run.
      """)

  @Argument(help: "Built-in model, recipe or ONNX file.") var graph: String
  @Option(help: "train or predict.") var mode = "train"
  @Option(help: "N×C×D×H×W; default: the model's own.") var input: InputShape?
  @Option(help: "fp32 or mixed.") var precision: Precision?
  @OptionGroup var device: DeviceOption
  @Option(help: "Tiles to try for each convolution.") var candidates = 6
  @Option(help: "Be done after so many seconds.") var seconds = 300.0
  @Flag(help: "Print JSON.") var json = false

  func perform() throws {
    guard candidates > 1 else { throw UserError("--candidates \(candidates): expected 2 or more") }
    guard seconds > 0 else { throw UserError("--seconds \(seconds): expected more than 0") }
    let network = try CommandNetwork(graph, input: input?.shape)
    var options = CompilerOptions()
    options.precision = precision ?? network.recipe?.precision ?? .fp32
    try options.time(network.graph, mode: mode)
    let device = try device.choose()
    guard Devices.keep(TuningTable(), of: device) else {
      throw UserError("--device \(device.description.id): the CPU backend has nothing to tune, expected an OpenCL device")
    }
    let line = ProgressLine("tuning", unit: "rounds")
    let tuner = try Tuner(network.graph, options: options, device: device, candidates: candidates)
    StopSignal.install()
    let result = try tuner.run(limit: { _ in seconds }, stop: { StopSignal.received != nil }) { line.show($0, of: $1) }
    line.end()
    _ = Devices.keep(result.table, of: device)
    if json { return try printJSON(result) }
    print("\(result.changed) of \(result.convolutions) convolutions run faster with another tile (\(result.rounds) rounds)")
    if result.rejected > 0 {
      print("\(result.rejected) rounds gave other bits and were thrown away: voxcl selftest shows what is miscompiled")
    }
    print("kernels of a step: \(decimals(result.secondsBefore, 3)) s before, \(decimals(result.secondsAfter, 3)) s now")
  }
}
