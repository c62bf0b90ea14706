import ExecutionPlan
import GraphCompiler
import LayerGraph
import RealModule
import Testing
import Training

/// Whole networks against PyTorch in float64: output, loss, every gradient, and the losses of ten Adam steps.
@Suite(.serialized) struct NetworkTests {
  static let cases = ReferenceCase.all(.networks)
  /// One, because PoCL takes a minute for a network's kernels: batch norm, strides, trilinear maps, residual sums.
  static let openCLCases = cases.filter { $0.name == "unet3d_batch_residual" }

  /// These are so small that halves tell: a ReLU near 0 flips, and S3's deepest norm has six voxels. Halves in the
  /// same places move PyTorch's own gradients by up to 7.6e-2 (S3) and 8.8e-2 of a layer's norm, those of the other
  /// networks by less than 2e-3.
  private static let coarseInHalves: Set<String> = ["S3", "unet3d_anisotropic"]
  /// For the same reason fresh values hold networks in fp32 alone; operations they hold in both.
  private static let precisions: [Precision] = Environment.hasFreshValues ? [.fp32] : [.fp32, .mixed]

  @Test func valuesAreThere() {
    #expect(Self.cases.count >= 11)
    #expect(Self.openCLCases.count == 1)
  }

  @Test(arguments: cases, precisions)
  func onTheCPU(_ reference: ReferenceCase, _ precision: Precision) throws {
    try check(reference, precision, .cpu)
  }

  @Test(
    .enabled(if: TestDevice.hasOpenCL, TestDevice.noOpenCL), arguments: openCLCases, precisions)
  func onOpenCL(_ reference: ReferenceCase, _ precision: Precision) throws {
    try check(reference, precision, .openCL)
  }

  private func check(_ reference: ReferenceCase, _ precision: Precision, _ kind: TestDevice) throws {
    let values = try reference.open()
    let network = try ReferenceNetwork(values)
    let graph = network.graph
    let parameters = try values.parameters()
    try #require(parameters.map(\.count) == graph.parameters.map(\.count))

    var options = CompilerOptions()
    options.precision = precision
    let loss = try Loss(values, nameKey: "loss")
    var training = TrainingOptions(loss: loss)
    training.dropout = false
    options.training = training
    let device = try kind.open()
    let plan = try compile(graph, options: options, device: device.description).plan
    var settings = OptimizerSettings()
    settings.learningRate = try values.number("learningRate")
    // Jaccard's factor of 100 would take the first scale beyond what halves hold; training would find that out.
    let scale = LossScaleSettings().initial / Swift.max(1, loss.regionWeight)
    let session = try TrainingSession(
      device.load(plan), parameters: parameters.flatMap { $0 }, optimizer: settings,
      initialScale: precision == .mixed ? scale : 1, classWeights: loss.classWeights)
    let tolerance = precision == .mixed ? Comparison.mixed : Comparison.fp32
    let batch = MicroBatch(
      input: try values.floats("input"), target: try values.target(loss))

    if !network.usesBatchNorm {
      try checkOutput(try session.predict(batch.input), values, network, tolerance)
    }
    try session.accumulate(batch, index: 0, of: 1, step: 0)
    let isCoarse = precision == .mixed && Self.coarseInHalves.contains(reference.name)
    try checkGradients(session, values, graph, isCoarse ? 0.1 : tolerance)

    for (step, expected) in try values.doubles("losses").enumerated() {
      let result = try session.step([batch], step: step)
      #expect(!result.wasSkipped)
      Comparison.expectClose(result.loss, expected, tolerance: tolerance, "loss of step \(step + 1)")
    }
  }

  /// Logits at every `outputStride`-th voxel; where the network ends in softmax, its probabilities.
  private func checkOutput(
    _ output: [Float], _ values: ReferenceValues, _ network: ReferenceNetwork, _ tolerance: Double
  ) throws {
    let shape = network.graph.outputShape
    let stride = try values.extent("outputStride")
    var found: [Float] = []
    for channel in 0..<shape.batch * shape.channels {
      for d in Swift.stride(from: 0, to: shape.extent.d, by: stride.d) {
        for h in Swift.stride(from: 0, to: shape.extent.h, by: stride.h) {
          let row = ((channel * shape.extent.d + d) * shape.extent.h + h) * shape.extent.w
          found += Swift.stride(from: row, to: row + shape.extent.w, by: stride.w).map { output[$0] }
        }
      }
    }
    var expected = try values.doubles("output")
    if network.endsInSoftmax { expected = softmax(expected, batch: shape.batch, channels: shape.channels) }
    Comparison.expectClose(found, expected, tolerance: tolerance, "output")
  }

  private func softmax(_ logits: [Double], batch: Int, channels: Int) -> [Double] {
    let voxels = logits.count / (batch * channels)
    var result = logits
    for sample in 0..<batch {
      for voxel in 0..<voxels {
        let places = (0..<channels).map { (sample * channels + $0) * voxels + voxel }
        let total = places.reduce(0) { $0 + Double.exp(logits[$1]) }
        for place in places { result[place] = Double.exp(logits[place]) / total }
      }
    }
    return result
  }

  /// An error is measured in the largest gradient norm of its layer; of a large gradient the values hold the norm.
  private func checkGradients(
    _ session: TrainingSession, _ values: ReferenceValues, _ graph: Graph, _ tolerance: Double
  ) throws {
    let gradients = try session.gradients()
    let norms = try values.doubles("gradientNorms")
    try #require(norms.count == graph.parameters.count)
    for node in graph.nodes {
      let largest = node.parameters.map { norms[$0] }.max() ?? 0
      for index in node.parameters {
        let record = session.plan.parameters[index]
        let found = Array(gradients[record.offsetInElements..<record.offsetInElements + record.count])
        let key = "gradient.parameter.\(ReferenceValues.index(index))"
        if values.has(key) {
          Comparison.expectClose(
            found, try values.doubles(key), scale: largest, tolerance: tolerance, record.name)
        } else if norms[index] == 0 {
          #expect(record.hasZeroGradient && found.allSatisfy { $0 == 0 }, "\(record.name)")
        } else {
          Comparison.expectClose(
            Float(Comparison.norm(found.map(Double.init))), norms[index], tolerance: tolerance,
            "norm of \(record.name)")
        }
      }
    }
  }
}
