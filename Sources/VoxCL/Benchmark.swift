import ExecutionPlan
import GraphCompiler
import LayerGraph
import Training

/// Wall-clock times of a network's training step or forward pass.
public struct StepBenchmark: Codable, Sendable {
  public var model, mode, precision, device: String
  public var input: [Int]
  /// From the compiler's start to the end of the first step: plan, kernels from the caches or the driver, one step.
  public var firstStepSeconds: Double
  /// Median over the repeats.
  public var secondsPerStep: Double
  /// Median of the kernels' own seconds; the rest of a step is the host's.
  public var kernelSeconds: Double
  /// The host's part of a step, both at their fastest: 0 … 1, or below 0 by noise.
  public var hostShare: Double
  /// The optimizer's part of the kernels' seconds, which does not grow with the input; 0 for a forward pass.
  public var updateSeconds: Double
  /// All that the device allocates.
  public var bytes: Int

  /// - Parameter options: With `training` for a step; without, a forward pass.
  public static func run(
    _ graph: Graph, options: CompilerOptions, on device: any Device, repeats: Int
  ) throws -> StepBenchmark {
    let clock = ContinuousClock()
    func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }
    func seconds(_ body: () throws -> Void) rethrows -> Double { try clock.measure(body) / .seconds(1) }
    var running: BenchmarkRun?
    let first = try seconds {
      let compilation = try compile(graph, options: options, device: device.description)
      let run = try BenchmarkRun(compilation, graph: graph, on: device)
      try run.step()
      running = run
    }
    let run = running!
    // In turn: what slows the machine down for a while slows both.
    var wall: [Double] = []
    var profiles: [[Double]] = []
    for _ in 0..<repeats {
      wall.append(try seconds { try run.step() })
      profiles.append(try run.profile())
    }
    let kernels = profiles.map { $0.reduce(0, +) }
    let updates = run.loaded.plan.program(.update)?.calls.count ?? 0
    return StepBenchmark(
      model: graph.name, mode: run.trains ? "train" : "predict", precision: options.precision.rawValue,
      device: device.description.id, input: graph.inputShape.axes, firstStepSeconds: first,
      secondsPerStep: median(wall), kernelSeconds: median(kernels), hostShare: 1 - kernels.min()! / wall.min()!,
      updateSeconds: median(profiles.map { $0.suffix(updates).reduce(0, +) }), bytes: run.loaded.allocatedBytes)
  }
}

/// A convolution as it stands in a network: it reads a lazy instance norm and leaky ReLU, and a norm follows.
public struct ConvolutionBenchmark: Codable, Sendable {
  public var batch, inputs, outputs: Int
  /// [D, H, W], as `kernel` and `stride`.
  public var extent, kernel, stride: [Int]

  public init(batch: Int, inputs: Int, outputs: Int, extent: [Int], kernel: [Int], stride: [Int]) {
    (self.batch, self.inputs, self.outputs) = (batch, inputs, outputs)
    (self.extent, self.kernel, self.stride) = (extent, kernel, stride)
  }

  public struct Times: Codable, Sendable {
    public var convolution: ConvolutionBenchmark
    public var device, precision: String
    /// Seconds of the forward pass, its weight transform and the statistics of the norm behind it.
    public var forwardSeconds: Double
    /// Seconds of the data gradient with its weight transform; 0 for a network's first layer (one input channel).
    public var dataGradientSeconds: Double
    /// Seconds of the weight gradient with its reduction.
    public var weightGradientSeconds: Double
    /// Multiply-adds of the direct algorithm, counted as two, of one of the three.
    public var flops: Int
    /// Each call of the three, in order.
    public var calls: [TimedCall]
  }

  public struct TimedCall: Codable, Sendable {
    public var label: String
    public var seconds: Double
  }

  /// Medians over `repeats` profiled steps.
  /// - Throws: `GraphError` for a shape that does not fit; what the device throws.
  public func measure(on device: any Device, options: CompilerOptions, repeats: Int) throws -> Times {
    let graph = try graph()
    var options = options
    options.training = TrainingOptions(loss: LossCatalog.named("cross-entropy")!)
    options.predicts = false
    let compilation = try compile(graph, options: options, device: device.description)
    let run = try BenchmarkRun(compilation, graph: graph, on: device)
    try run.step()
    let runs = try (0..<repeats).map { _ in try run.profile() }
    func sum(_ isPart: (Call) -> Bool) -> Double {
      let parts = run.calls.indices.filter { isPart(run.calls[$0]) }
      return runs.map { times in parts.reduce(0) { $0 + times[$1] } }.sorted()[repeats / 2]
    }
    let calls = run.calls.indices.filter { run.calls[$0].layer.hasPrefix("tested/") }.map { call in
      TimedCall(label: run.calls[call].label, seconds: runs.map { $0[call] }.sorted()[repeats / 2])
    }
    return Times(
      convolution: self, device: device.description.id, precision: options.precision.rawValue,
      forwardSeconds: sum { $0.layer.hasPrefix("tested/") && $0.pass == .forward },
      dataGradientSeconds: sum { $0.label.hasPrefix("tested/conv.0 data gradient") },
      weightGradientSeconds: sum { $0.label.hasPrefix("tested/conv.0 weight gradient") },
      flops: run.calls.filter { $0.label == "tested/conv.0 forward" }.reduce(0) { $0 + $1.flops },
      calls: calls)
  }

  private func graph() throws -> Graph {
    let first = inputs == 1
    return try Graph(
      "convolution", input: Shape(batch: batch, channels: 1, extent: Extent(extent))
    ) { [self] net, input in
      let x = first ? input : net.scope("before") { input.conv(inputs, kernel: 1).instanceNorm().leakyReLU() }
      let y = net.scope("tested") {
        x.conv(outputs, kernel: Extent(kernel), stride: Extent(stride), bias: false).instanceNorm()
      }
      return net.scope("after") { y.leakyReLU().conv(2, kernel: 1) }
    }
  }
}

/// A loaded plan with a batch on it.
struct BenchmarkRun {
  let loaded: any LoadedPlan
  let calls: [Call]
  let trains: Bool
  private let session: TrainingSession?
  private let batch: MicroBatch?

  init(_ compilation: Compilation, graph: Graph, on device: any Device) throws {
    let plan = compilation.plan
    loaded = try device.load(plan)
    trains = plan.program(.accumulate) != nil
    // Any finite input will do: time does not depend on values.
    let ramp = (0..<graph.inputShape.count).map { Float($0 % 251) / 125 - 1 }
    guard trains else {
      (session, batch) = (nil, nil)
      calls = plan.program(.predict)!.calls
      try loaded.write(initialParameters(of: graph, seed: 0), to: "weights")
      if plan.tensor("buffers") != nil { try loaded.write(initialBuffers(plan), to: "buffers") }
      try loaded.write(ramp, to: "predict/input")
      return
    }
    calls = plan.program(.accumulate)!.calls + plan.program(.update)!.calls
    session = try TrainingSession(
      loaded, parameters: initialParameters(of: graph, seed: 0), optimizer: OptimizerSettings())
    let out = graph.outputShape
    let target: Target =
      plan.tensor("target")?.type == .float32
      ? .channels((0..<out.count).map { Float($0 / 7 % 2) })
      : .classes((0..<out.batch * out.extent.count).map { Int32($0 / 7 % out.channels) })
    batch = MicroBatch(input: ramp, target: target)
  }

  /// One step, or one forward pass.
  func step() throws {
    guard let session, let batch else { return try loaded.run(.predict) }
    _ = try session.step([batch], step: 0)
  }

  /// Seconds of each call.
  func profile() throws -> [Double] {
    trains ? try loaded.profile(.accumulate) + loaded.profile(.update) : try loaded.profile(.predict)
  }
}
