import ExecutionPlan
import GraphCompiler
import LayerGraph
import Training

/// What one case gave on one device.
struct SelfTestRun {
  /// By name: `output`, `loss`, `gradient`, `input gradient`, `updated weights`, `running statistics`.
  var results: [(name: String, values: [Float])] = []
  /// Bytes outside every tensor that a kernel wrote.
  var touchedGuardBytes = 0

  /// Forward pass, training step and update on a device whose scratch memory held NaN before.
  /// - Throws: The device's errors, `CompilerError`.
  init(
    _ test: SelfTestCase, precision: Precision, on device: any Device, compiledFor target: DeviceDescription, seed: UInt64
  ) throws {
    let graph = try test.graph()
    let loss = Self.loss(test)
    let compilation = try Self.compilation(test, graph, precision, target)
    let plan = compilation.plan
    let loaded = try device.load(plan)

    var random = SelfTestRandom(seed: seed)
    let weights = graph.parameters.flatMap { parameter in
      let fanIn = max(1, parameter.count / max(1, parameter.shape[0]))
      let scale = parameter.shape.count > 1 ? 1.7 / Float(fanIn).squareRoot() : 0.5
      let middle: Float = parameter.initializer == .constant(1) ? 1 : 0
      return (0..<parameter.count).map { _ in middle + scale * random.symmetric() }
    }
    var settings = OptimizerSettings()
    settings.kind = test.optimizer
    settings.learningRate = 0.05
    settings.coupledDecay = 0.01
    let session = try TrainingSession(
      loaded, parameters: weights.isEmpty ? [0] : weights, optimizer: settings, seed: seed)
    session.renormLimits = RenormLimits(rMax: 1.5, dMax: 0.3)
    let input = (0..<graph.inputShape.count).map { _ in 2 * random.symmetric() }
    let out = graph.outputShape
    let target: Target =
      loss.sigmoid
      ? .channels(
        (0..<out.count).map { _ in
          let value = random.symmetric()
          return loss.entropy == .linear ? value : value > 0.3 ? 1 : 0
        })
      : .classes((0..<out.batch * out.extent.count).map { _ in Int32(random.below(out.channels + 1)) - 1 })

    try poison(loaded)
    results.append(("output", try session.predict(input)))
    try poison(loaded)
    try session.accumulate(MicroBatch(input: input, target: target), index: 0, of: 1, step: 0)
    results.append(("loss", [try session.result().loss]))
    if !graph.parameters.isEmpty { results.append(("gradient", try session.gradients())) }
    results.append(("input gradient", try session.read("inputGradient")))
    if plan.tensor("buffers") != nil { results.append(("running statistics", try session.read("buffers"))) }
    if !graph.parameters.isEmpty {
      try loaded.run(.update)
      results.append(("updated weights", try session.read("weights")))
    }
    touchedGuardBytes = try touched(loaded, compilation.memory.tensors)
  }

  private static func loss(_ test: SelfTestCase) -> Loss {
    guard let loss = LossCatalog.named(test.loss) else { preconditionFailure("internal: no loss \(test.loss)") }
    return loss
  }

  static func compilation(
    _ test: SelfTestCase, _ graph: Graph, _ precision: Precision, _ target: DeviceDescription
  ) throws -> Compilation {
    var options = CompilerOptions()
    options.precision = precision
    options.algorithm = test.algorithm
    options.isolatesTensors = true
    options.savesAll = test.savesAll
    options.training = TrainingOptions(loss: loss(test), optimizer: test.optimizer)
    options.training?.differentiatesInput = true
    // One arena, whatever the device grants at once: the cases are small, and all of it is looked at.
    var target = target
    target.maxAllocationBytes = .max
    return try compile(graph, options: options, device: target)
  }

  private static let pattern: UInt8 = 0xff

  /// Fills the scratch arena with bytes that are a NaN as fp32 and as fp16.
  private func poison(_ loaded: any LoadedPlan) throws {
    let bytes = [UInt8](repeating: Self.pattern, count: loaded.plan.arenas[1].sizeInBytes)
    try bytes.withUnsafeBytes { try loaded.write($0, to: ArenaAddress(arena: 1, offsetInBytes: 0)) }
  }

  private func touched(_ loaded: any LoadedPlan, _ tensors: [TensorSpan]) throws -> Int {
    var bytes = [UInt8](repeating: 0, count: loaded.plan.arenas[1].sizeInBytes)
    try bytes.withUnsafeMutableBytes { try loaded.read($0, from: ArenaAddress(arena: 1, offsetInBytes: 0)) }
    for tensor in tensors {
      for at in tensor.offsetInBytes..<tensor.offsetInBytes + tensor.sizeInBytes { bytes[at] = Self.pattern }
    }
    return bytes.reduce(0) { $0 + ($1 == Self.pattern ? 0 : 1) }
  }
}

/// SplitMix64 (Steele, Lea, Flood 2014).
struct SelfTestRandom {
  private var state: UInt64
  init(seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 &+ 1 }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
  /// In [−1, 1), of 24 bits.
  mutating func symmetric() -> Float { Float(next() >> 40) / 8_388_608 - 1 }
  mutating func below(_ bound: Int) -> Int { Int(next() >> 33) % bound }
}
