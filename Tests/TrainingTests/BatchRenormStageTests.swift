import CPUBackend
import ExecutionPlan
import GraphCompiler
import LayerGraph
import Testing

@testable import Training

/// The limits of batch renorm as a stage sets them, down to the words on the device.
@Suite struct BatchRenormStageTests {
  private func run(_ recipe: Recipe, _ folder: String, onStep: (TrainingRun) throws -> Void = { _ in }) throws
    -> TrainingRun
  {
    let run = try TrainingRun(
      recipe, options: RunOptions(folder: folder), dataset: Dataset(recipe), device: CPUDevice(), clock: { 0 },
      observer: { _ in })
    _ = try run.run(stop: {
      if run.step > 0 { try? onStep(run) }
      return nil
    })
    return run
  }

  private func recipe(_ workspace: Workspace, _ more: [String]) throws -> Recipe {
    try workspace.recipe(
      ["model.norm=renorm", "schedule=null", "data.split=null", "training={steps: 6, validateEvery: 0}"] + more)
  }

  @Test func limitsReachTheDeviceAndChangeTheResult() throws {
    let workspace = try Workspace()
    try workspace.makePhantoms(3)
    let staged = try recipe(
      workspace,
      [
        """
        training={validateEvery: 0, steps: null, stages: [{steps: 3, learningRate: 1e-3},
          {steps: 3, learningRate: 1e-4, batchRenorm: {rMax: [1.5, 3], dMax: 0.5}}]}
        """
      ])
    var words: [[Float]] = []
    var weights: [[Float]] = []
    func record(_ run: TrainingRun) throws {
      let scalars: [UInt32] = try run.session.read("scalars")
      words.append([Scalar.learningRate, .renormRMax, .renormDMax].map { Float(bitPattern: scalars[$0.rawValue]) })
      weights.append(try run.session.state().weights)
    }
    _ = try run(staged, workspace.file("staged"), onStep: record)
    let expected: [[Float]] = [
      [1e-3, 1, 0], [1e-3, 1, 0], [1e-3, 1, 0], [1e-4, 1.5, 0.5], [1e-4, 2, 0.5],
    ]
    #expect(words == expected)

    // The same without limits: alike until the stage that has some.
    var plain = staged
    plain.training.stages[1].renorm = nil
    let before = weights
    weights = []
    _ = try run(plain, workspace.file("plain"), onStep: record)
    #expect(before[2] == weights[2])
    #expect(before[3] != weights[3])
  }

  @Test func limitsOfOneAndNoughtAreBatchNormBitForBit() throws {
    let workspace = try Workspace()
    try workspace.makePhantoms(3)
    let renormed = try run(
      recipe(workspace, ["training={steps: null, stages: [{steps: 6, batchRenorm: {rMax: 1, dMax: 0}}]}"]),
      workspace.file("renorm"))
    let normed = try run(recipe(workspace, ["model.norm=batch"]), workspace.file("batch"))
    let state = try renormed.session.state()
    #expect(state.weights == (try normed.session.state().weights))
    #expect(state.moments == (try normed.session.state().moments))
  }

  /// Loss Σ w·y / n of y = γ·((x − μ_B)/σ_B·r + d) + β, with r and d of Ioffe's formulas in double precision.
  @Test(arguments: [(1.0, 0.0), (1.1, 0.05), (1.5, 0.4), (3.0, 5.0), (100.0, 100.0)])
  func theResultFollowsTheFormula(_ rMax: Double, _ dMax: Double) throws {
    let (channels, epsilon) = (2, 1e-3)
    let graph = try Graph("renormed", input: Shape(batch: 2, channels: 1, extent: Extent(3, 4, 5))) { _, x in
      x.conv(channels, kernel: 1).norm(Normalisation(.batchRenorm, epsilon: epsilon, momentum: 0.1))
    }
    var options = CompilerOptions()
    let linear = try #require(LossCatalog.named("linear"))
    options.training = TrainingOptions(loss: linear, optimizer: OptimizerSettings().kind)
    let device = try CPUDevice()
    let session = try TrainingSession(
      device.load(compile(graph, options: options, device: device.description).plan),
      parameters: [0.7, -1.3, 0.2, 0.4, 1.2, 0.8, -0.1, 0.3], optimizer: OptimizerSettings())
    session.renormLimits = RenormLimits(rMax: rMax, dMax: dMax)
    let count = 60
    var clamped = 0
    for step in 0..<3 {
      let input = (0..<2 * count).map { Float(($0 * 37 + step * 11) % 23) / 9 - Float(step) }
      let target = (0..<2 * channels * count).map { Float(($0 * 17) % 13) / 6 - 1 }
      let buffers = try session.state().buffers.map(Double.init)
      let w = try session.state().weights.map(Double.init)
      var expected = 0.0
      for c in 0..<channels {
        let (gamma, beta) = (w[2 * channels + c], w[3 * channels + c])
        let x: [Double] = input.map { Double($0) * w[c] + w[channels + c] }
        let mean = x.reduce(0, +) / Double(x.count)
        let variance = x.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(x.count)
        let deviation = (variance + epsilon).squareRoot()
        let (runningMean, runningDeviation) = (buffers[c], buffers[channels + c])
        let (ratio, shift) = (deviation / runningDeviation, (mean - runningMean) / runningDeviation)
        let (r, d) = (min(max(ratio, 1 / rMax), rMax), min(max(shift, -dMax), dMax))
        clamped += r != ratio || d != shift ? 1 : 0
        for n in 0..<2 {
          for v in 0..<count {
            let normalised = (x[n * count + v] - mean) / deviation
            let y = gamma * (normalised * r + d) + beta
            expected += y * Double(target[(n * channels + c) * count + v])
          }
        }
      }
      expected /= Double(target.count)
      try session.accumulate(MicroBatch(input: input, target: .channels(target)), index: 0, of: 1, step: step)
      let found = Double(try session.result().loss)
      #expect(abs(found - expected) < 2e-6 * max(1, abs(expected)), "step \(step): \(found), expected \(expected)")
    }
    // The narrow limits bind and the wide ones do not: neither case stands for the other.
    #expect(rMax < 2 ? clamped > 0 : rMax < 50 || clamped == 0)
  }
}
