import CPUBackend
import ExecutionPlan
import GraphCompiler
import LayerGraph
import Testing
import Training
import Volumes

/// A network with weights and a batch, and its loss as a function of the weights, all in double precision.
struct GradientProblem {
  let session: TrainingSession
  let loaded: LoadedCPUPlan
  let weights: [Double]
  let batch: MicroBatch

  init(_ graph: Graph, loss name: String, _ change: (inout CompilerOptions) -> Void = { _ in }) throws {
    let options = try TestNetworks.training(name, dropout: true, change)
    let device = try CPUDevice(instructionSet: .real64)
    let plan = try compile(graph, options: options, device: device.description).plan
    let start = Self.start(graph)
    weights = start.map(Double.init)
    loaded = try #require(try device.load(plan) as? LoadedCPUPlan)
    session = try TrainingSession(loaded, parameters: start, optimizer: OptimizerSettings(), seed: 11)
    // Batch renorm's r and d are constants for the gradient: statistics so far away that both stay at their limits.
    session.renormLimits = RenormLimits(rMax: 1.5, dMax: 0.2)
    if !plan.buffers.isEmpty {
      try session.write(
        plan.buffers.flatMap { record in
          [Float](repeating: record.name.hasSuffix("running_mean") ? -90 : 0.01, count: record.count)
        }, to: "buffers")
    }
    batch = Self.batch(graph, isSigmoid: try #require(options.training).loss.sigmoid)
  }

  /// Away from the points where relu has no derivative most of the time: larger weights than usual.
  static func start(_ graph: Graph) -> [Float] {
    var random = SampleRandom(seed: 7, stream: .noise, sample: 1)
    return initialParameters(of: graph, seed: 3).map { 1.5 * $0 + Float(0.1 * random.normal()) }
  }

  /// Normal inputs and random targets, with voxels that do not count among the classes.
  static func batch(_ graph: Graph, isSigmoid: Bool) -> MicroBatch {
    var random = SampleRandom(seed: 7, stream: .noise, sample: 2)
    let out = graph.outputShape
    let target: Target =
      isSigmoid
      ? .channels((0..<out.count).map { _ in random.chance(0.4) ? 1 : 0 })
      : .classes((0..<out.batch * out.extent.count).map { _ in Int32(random.integer(below: out.channels + 1)) - 1 })
    return MicroBatch(input: (0..<graph.inputShape.count).map { _ in Float(random.normal()) }, target: target)
  }

  func gradient() throws -> [Double] {
    _ = try loss(weights)
    return try loaded.doubles("gradients")
  }

  /// Central difference along a direction of length 1. `h` is small, so that no value crosses a kink of relu or max-pool on
  /// the way.
  func slope(along direction: [Double], h: Double = 1e-6) throws -> Double {
    func moved(_ sign: Double) -> [Double] { zip(weights, direction).map { $0 + sign * h * $1 } }
    return (try loss(moved(1)) - loss(moved(-1))) / (2 * h)
  }

  private func loss(_ parameters: [Double]) throws -> Double {
    try loaded.write(doubles: parameters, to: "weights")
    try session.accumulate(batch, index: 0, of: 1, step: 0)
    return try loaded.doubles("scalars")[Scalar.loss.rawValue]
  }
}
