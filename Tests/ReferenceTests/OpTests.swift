import ExecutionPlan
import GraphCompiler
import LayerGraph
import Testing
import Training

/// Every operation against PyTorch in float64: output, loss, gradients of inputs and parameters, running statistics.
///
/// The values' loss is Σ output·w. Here it is M times the mean binary cross-entropy (M elements) against the target
/// t = σ(y) − w, y being PyTorch's output: its gradient with respect to the logits is σ(logits) − t = w.
@Suite(.serialized) struct OpTests {
  static let cases = ReferenceCase.all(.ops)
  /// Every kernel family once, mostly on tensors of more than 16 channels: PoCL compiles a specialisation in about
  /// a second, and ConformanceTests go through the others.
  static let openCLCases = cases.filter { chosen.contains($0.name) }
  private static let chosen: Set<String> = [
    "add_wide", "batchNorm_train_wide", "concatWithCrop_centre", "conv3d_k333_s111_same_wide",
    "conv3d_k333_s222_same_odd", "instanceNorm_wide", "maxPool3d_w222", "softmax_wide", "upsample_trilinear_f222",
  ]
  /// More logits than a block has channels, from a transposed convolution.
  static let wideLogits = cases.filter { $0.name == "convTranspose3d_k222_s222_nobias" }

  @Test func valuesAreThere() {
    #expect(Self.cases.count >= 70)
    #expect(Self.openCLCases.count == Self.chosen.count)
    #expect(Self.wideLogits.count == 1)
  }

  @Test(arguments: cases, [Surroundings.alone, .betweenConvolutions])
  func onTheCPU(_ reference: ReferenceCase, _ surroundings: Surroundings) throws {
    try check(reference, surroundings, .cpu)
  }

  @Test(arguments: cases.filter { $0.name.hasPrefix("conv3d_k333_s111") }, [ConvolutionAlgorithm.direct, .winograd])
  func byAlgorithm(_ reference: ReferenceCase, _ algorithm: ConvolutionAlgorithm) throws {
    try check(reference, .betweenConvolutions, .cpu, algorithm)
  }

  @Test(.enabled(if: TestDevice.hasOpenCL, TestDevice.noOpenCL), arguments: openCLCases)
  func onOpenCL(_ reference: ReferenceCase) throws {
    try check(reference, .betweenConvolutions, .openCL)
  }

  @Test(.enabled(if: TestDevice.hasOpenCL, TestDevice.noOpenCL), arguments: wideLogits)
  func wideLogitsOnOpenCL(_ reference: ReferenceCase) throws {
    try check(reference, .alone, .openCL)
  }

  private func check(
    _ reference: ReferenceCase, _ surroundings: Surroundings, _ kind: TestDevice,
    _ algorithm: ConvolutionAlgorithm = .automatic
  ) throws {
    let values = try reference.open()
    // A network's softmax is its last layer, in training a part of the loss: LossTests differentiate it.
    let isSoftmax = try values.op == "softmax"
    let isBatchNorm = try values.op == "batchNorm"
    let usesBatch = isBatchNorm ? try values.flag("training") : false
    let opCase = try OpCase(values, isSoftmax ? .alone : surroundings)
    let count = opCase.graph.outputShape.count

    var loss = Loss()
    loss.sigmoid = true
    loss.entropyWeight = Double(count)
    var options = CompilerOptions()
    options.algorithm = algorithm
    if !isSoftmax && (!isBatchNorm || usesBatch) {
      options.training = TrainingOptions(loss: loss)
      options.training?.differentiatesInput = true
    }
    let device = try kind.open()
    let plan = try compile(opCase.graph, options: options, device: device.description).plan
    let session = try TrainingSession(
      device.load(plan), parameters: opCase.parameters.isEmpty ? [0] : opCase.parameters,
      optimizer: OptimizerSettings())
    let output = try values.doubles("output")

    if isBatchNorm {
      try session.write(values.floats("state.runningMean") + values.floats("state.runningVariance"), to: "buffers")
    }
    if !usesBatch {
      Comparison.expectClose(try session.predict(opCase.input), output, tolerance: Comparison.fp32, "output")
    }
    guard options.training != nil else { return }

    let weights = try values.doubles("lossWeights")
    let target = zip(output, weights).map { Float(sigmoid($0) - $1) }
    try session.accumulate(
      MicroBatch(input: opCase.input, target: .channels(target)), index: 0, of: 1, step: 0)
    var expected = 0.0
    var size = 0.0
    for (y, t) in zip(output, target) {
      expected += softplus(y) - Double(t) * y
      size += abs(softplus(y)) + abs(Double(t) * y)
    }
    let lossError = abs(Double(try session.result().loss) - expected)
    #expect(lossError <= 0.1 * Comparison.fp32 * size, "loss: error \(lossError), terms \(size)")

    for (name, gradient) in opCase.inputGradients(try session.read("inputGradient")) {
      Comparison.expectClose(
        gradient, try values.doubles("gradient.\(name)"), tolerance: Comparison.fp32, "gradient of \(name)")
    }
    let gradients = try session.gradients()
    let wanted = try opCase.ownParameters.indices.map {
      try values.doubles("gradient.parameter.\(ReferenceValues.index($0))")
    }
    let largest = wanted.map(Comparison.norm).max() ?? 0
    for (index, range) in opCase.ownParameters.enumerated() {
      Comparison.expectClose(
        Array(gradients[range]), wanted[index], scale: largest, tolerance: Comparison.fp32,
        "gradient of parameter \(index)")
    }
    if usesBatch {
      let after = try values.doubles("stateAfter.runningMean") + values.doubles("stateAfter.runningVariance")
      Comparison.expectClose(try session.read("buffers"), after, tolerance: Comparison.fp32, "running statistics")
    }
  }
}
