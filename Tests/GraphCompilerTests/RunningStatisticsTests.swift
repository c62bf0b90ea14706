import CPUBackend
import ExecutionPlan
import GraphCompiler
import LayerGraph
import Testing
import Training

/// Batch norm's running statistics follow PyTorch: r ← r + m·(batch − r), with the unbiased variance, and the mean
/// of what the convolution puts out with its bias, although the plan never adds it.
@Suite struct RunningStatisticsTests {
  static let momentum = 0.3
  static let channels = 18

  @Test func followTheFormula() throws {
    let shape = Shape(batch: 2, channels: 2, extent: Extent(3, 4, 5))
    let graph = try Graph("normed", input: shape) { _, x in
      x.conv(Self.channels).norm(Normalisation(.batch, momentum: Self.momentum)).relu().conv(2)
    }
    let session = try TestNetworks.session(graph, TestNetworks.training("cross-entropy"))
    #expect(session.plan.buffers.map(\.name) == ["norm.0/running_mean", "norm.0/running_var"])
    #expect(session.plan.parameters[1].hasZeroGradient)
    let start = try session.state().buffers
    #expect(start == Array(repeating: 0, count: Self.channels) + Array(repeating: 1, count: Self.channels))

    // The same convolution alone, bias and all.
    let alone = try Graph("alone", input: shape) { _, x in x.conv(Self.channels) }
    let device = try CPUDevice()
    let plan = try compile(alone, options: CompilerOptions(), device: device.description).plan
    let weights = try session.state().weights
    let convolution = try TrainingSession(
      device.load(plan), parameters: Array(weights.prefix(alone.parameterCount)), optimizer: OptimizerSettings())

    var expected = start.map(Double.init)
    for seed in 1...3 as ClosedRange<UInt64> {
      let batch = TestNetworks.batch(for: graph, seed: seed)
      try session.accumulate(batch, index: 0, of: 1, step: 0)
      let moments = Self.moments(try convolution.predict(batch.input), batch: 2)
      for c in 0..<Self.channels {
        expected[c] += Self.momentum * (moments.mean[c] - expected[c])
        let variance = Self.channels + c
        expected[variance] += Self.momentum * (moments.variance[c] - expected[variance])
      }
      let found = try session.state().buffers
      for (x, y) in zip(found, expected) { #expect(abs(Double(x) - y) <= 1e-5 * max(abs(y), 0.1)) }
    }
  }

  /// Mean and unbiased variance of each channel over batch and voxels.
  private static func moments(_ z: [Float], batch: Int) -> (mean: [Double], variance: [Double]) {
    let voxels = z.count / (batch * channels)
    let values = (0..<channels).map { c in
      (0..<batch).flatMap { n in
        let first = (n * channels + c) * voxels
        return z[first..<first + voxels].map(Double.init)
      }
    }
    let mean = values.map { $0.reduce(0, +) / Double($0.count) }
    let variance = zip(values, mean).map { channel, mean in
      channel.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(channel.count - 1)
    }
    return (mean, variance)
  }
}
