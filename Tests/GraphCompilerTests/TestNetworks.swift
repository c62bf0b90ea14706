import CPUBackend
import ExecutionPlan
import GraphCompiler
import LayerGraph
import Models
import Testing
import Training
import Volumes

/// Small networks for tests of the compiler, and what they are trained on.
enum TestNetworks {
  /// Two levels with instance norm, dropout and a concat; 20 channels make two blocks, the second one padded.
  static func unet(
    batch: Int = 2, dropout: Double = 0, extent: Extent = Extent(8, 8, 12)
  ) throws -> Graph {
    var unet = UNet3D()
    unet.widths = [12, 20]
    unet.classes = 3
    unet.dropout = dropout
    let fixed = unet
    return try Graph("unet3d", input: Shape(batch: batch, channels: 1, extent: extent)) { fixed($0, $1) }
  }

  /// No norm, so that large inputs stay large.
  static func plain() throws -> Graph {
    try Graph("plain", input: Shape(batch: 1, channels: 1, extent: Extent(4, 5, 6))) { _, x in
      x.conv(16).relu().conv(17).relu().conv(2)
    }
  }

  static func training(
    _ loss: String, dropout: Bool = false, _ change: (inout CompilerOptions) -> Void = { _ in }
  ) throws -> CompilerOptions {
    var options = CompilerOptions()
    options.predicts = false
    var training = TrainingOptions(loss: try #require(LossCatalog.named(loss)))
    training.dropout = dropout
    options.training = training
    change(&options)
    return options
  }

  static func session(
    _ graph: Graph, _ options: CompilerOptions, initialScale: Double = 1,
    scaleSettings: LossScaleSettings = LossScaleSettings()
  ) throws -> TrainingSession {
    let device = try CPUDevice()
    let plan = try compile(graph, options: options, device: device.description).plan
    return try TrainingSession(
      device.load(plan), parameters: initialParameters(of: graph, seed: 3), optimizer: OptimizerSettings(),
      lossScale: scaleSettings, initialScale: initialScale, seed: 5)
  }

  /// A normal image whose brightness tells the class: gradients that do not cancel, as those of random classes do.
  static func batch(for graph: Graph, seed: UInt64 = 1) -> MicroBatch {
    var random = SampleRandom(seed: seed, stream: .noise, sample: 0)
    let input = (0..<graph.inputShape.count).map { _ in Float(random.normal()) }
    let highest = Float(graph.outputShape.channels - 1)
    let voxels = graph.inputShape.extent.count
    var classes: [Int32] = []
    for n in 0..<graph.inputShape.batch {
      let first = n * graph.inputShape.channels * voxels
      classes += input[first..<first + voxels].map { Int32(min(max($0 + 1, 0), highest)) }
    }
    return MicroBatch(input: input, target: .classes(classes))
  }

  /// Loss and gradients of one pass over one batch.
  static func gradients(_ session: TrainingSession, _ batch: MicroBatch) throws -> (loss: Float, values: [Float]) {
    try session.accumulate(batch, index: 0, of: 1, step: 0)
    return (try session.result().loss, try session.gradients())
  }

  /// Norm of the difference over the norm of `b`.
  static func error(_ a: [Float], _ b: [Float]) -> Double {
    var difference = 0.0
    var size = 0.0
    for (x, y) in zip(a, b) {
      difference += (Double(x) - Double(y)) * (Double(x) - Double(y))
      size += Double(y) * Double(y)
    }
    return (difference / size).squareRoot()
  }
}
