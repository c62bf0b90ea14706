import ExecutionPlan
import GraphCompiler
import LayerGraph
import Testing
import Training

/// Mixed precision's loss scale, moved on the device.
@Suite struct LossScaleTests {
  @Test func anInfiniteGradientSkipsTheStepAndHalvesTheScale() throws {
    let graph = try TestNetworks.plain()
    let session = try session(graph, initialScale: 65_536)
    let batch = TestNetworks.batch(for: graph)
    let first = try session.step([batch], step: 0)
    #expect(!first.wasSkipped && first.gradientNorm > 0 && first.lossScale == 65_536)
    let before = try session.state()
    #expect(before.moments.allSatisfy { $0.contains { $0 != 0 } })

    // Activations beyond the largest half, 65,504.
    var extreme = batch
    extreme.input = batch.input.map { $0 * 1e8 }
    let skipped = try session.step([extreme], step: 1)
    #expect(skipped.wasSkipped)
    #expect(skipped.lossScale == 32_768)
    let after = try session.state()
    #expect(after.weights == before.weights)
    #expect(after.moments == before.moments)
    // Adam's count of steps stands still too.
    let updates = Scalar.updates.rawValue - Scalar.lossScale.rawValue
    #expect(after.deviceScalars[updates] == before.deviceScalars[updates])

    let next = try session.step([batch], step: 2)
    #expect(!next.wasSkipped && next.lossScale == 32_768)
    #expect(try session.state().weights != before.weights)
  }

  @Test func goodStepsDoubleTheScaleAfterTheInterval() throws {
    let graph = try TestNetworks.plain()
    var settings = LossScaleSettings()
    settings.interval = 3
    let session = try session(graph, initialScale: 1_024, settings)
    let batch = TestNetworks.batch(for: graph)
    let scales = try (0..<6).map { try session.step([batch], step: $0).lossScale }
    #expect(scales == [1_024, 1_024, 2_048, 2_048, 2_048, 4_096])
  }

  /// What is reported has no scale in it.
  @Test func lossAndNormAreUnscaled() throws {
    let graph = try TestNetworks.plain()
    let batch = TestNetworks.batch(for: graph)
    let (small, large) = (
      try session(graph, initialScale: 1_024).step([batch], step: 0),
      try session(graph, initialScale: 65_536).step([batch], step: 0)
    )
    #expect(small.loss == large.loss)
    #expect(abs(small.gradientNorm - large.gradientNorm) <= 1e-2 * large.gradientNorm)
  }

  private func session(
    _ graph: Graph, initialScale: Double, _ settings: LossScaleSettings = LossScaleSettings()
  ) throws -> TrainingSession {
    let options = try TestNetworks.training("cross-entropy") {
      $0.precision = .mixed
      $0.training?.dynamicLossScale = true
    }
    return try TestNetworks.session(graph, options, initialScale: initialScale, scaleSettings: settings)
  }
}
