import ExecutionPlan
import GraphCompiler
import LayerGraph
import Testing
import Training

/// Every operation against PyTorch in float64: output, loss, gradients of inputs and parameters, running statistics.
///
/// The values' loss is Σ output·w. Here it is M times the mean binary cross-entropy (M elements) against the target
/// t = σ(y) − w, y being PyTorch's output: its gradient with respect to the logits is σ(logits) − t = w. No w
/// is above 0, because a target below 0 counts nowhere.
@Suite(.serialized) struct OpTests {
  static let cases = ReferenceCase.all(.ops)
  /// Every kernel family, mostly on tensors of more than 16 channels: PoCL compiles a specialisation in about a
  /// second. `VOXCL_MATRIX` runs all.
  static let openCLCases = cases.filter { chosen.contains($0.name) }
  private static let chosen: Set<String> = [
    "add_random_00", "averagePool3d_random_00", "batchNorm_train_wide", "batchRenorm_random_00",
    "concatWithCrop_random_00", "conv3d_k333_s111_same_wide", "conv3d_k333_s222_same_odd", "conv3d_random_00",
    "convTranspose3d_random_00", "groupNorm_random_00", "gelu_random_00", "instanceNorm_wide", "maxPool3d_w222",
    "maxPool3d_random_00", "multiply_random_00", "pad_random_00", "prelu_random_00", "resize_random_00",
    "softmax_random_00", "upsample_trilinear_f222",
  ]
  /// More logits than a block has channels, from a transposed convolution.
  static let wideLogits = cases.filter { $0.name == "convTranspose3d_k222_s222_nobias" }

  @Test func valuesAreThere() {
    #expect(Self.cases.count >= 390)
    #expect(Self.openCLCases.count == Self.chosen.count)
    #expect(Self.wideLogits.count == 1)
  }

  @Test(arguments: cases, [Surroundings.alone, .betweenConvolutions])
  func onTheCPU(_ reference: ReferenceCase, _ surroundings: Surroundings) throws {
    try check(reference, surroundings, .cpu)
  }

  private static let ofWinograd = cases.filter { test in
    ["conv3d_k333_s111", "conv3d_k333_s222", "convTranspose3d_k444_s222", "convTranspose3d_k144_s122"]
      .contains { test.name.hasPrefix($0) }
  }

  @Test(arguments: ofWinograd, [ConvolutionAlgorithm.direct, .winograd])
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

  @Test(
    .enabled(if: TestDevice.hasOpenCL && Environment.runsMatrix, "all cases on OpenCL: VOXCL_MATRIX=1"),
    arguments: cases, [Surroundings.alone, .betweenConvolutions])
  func allOnOpenCL(_ reference: ReferenceCase, _ surroundings: Surroundings) throws {
    try check(reference, surroundings, .openCL)
  }

  private func check(
    _ reference: ReferenceCase, _ surroundings: Surroundings, _ kind: TestDevice,
    _ algorithm: ConvolutionAlgorithm = .automatic
  ) throws {
    let values = try reference.open()
    let opCase = try OpCase(values, surroundings)
    let hasRunningStatistics = values.has("state.runningMean")
    let usesBatch = hasRunningStatistics ? try values.flag("training") : false
    let isDifferentiated = usesBatch || !hasRunningStatistics

    var loss = Loss()
    loss.sigmoid = true
    loss.entropyWeight = Double(opCase.graph.outputShape.count)
    var options = CompilerOptions()
    options.algorithm = algorithm
    if isDifferentiated {
      options.training = TrainingOptions(loss: loss)
      options.training?.differentiatesInput = true
    }
    let device = try kind.open()
    let plan = try compile(opCase.graph, options: options, device: device.description).plan
    let session = try TrainingSession(
      device.load(plan), parameters: opCase.parameters.isEmpty ? [0] : opCase.parameters,
      optimizer: OptimizerSettings())

    if hasRunningStatistics { try session.write(statistics(values, "state"), to: "buffers") }
    if !usesBatch {
      Comparison.expectClose(
        try session.predict(opCase.input), try values.doubles("output"), tolerance: Comparison.forward, "output")
    }
    guard isDifferentiated else { return }
    if let rMax = values.attributes["rMax"]?.doubleValue {
      session.renormLimits = RenormLimits(rMax: rMax, dMax: try values.number("dMax"))
    }
    try checkTraining(session, values, opCase)
    if usesBatch {
      Comparison.expectClose(
        try session.read("buffers"), try statistics(values, "stateAfter").map(Double.init),
        tolerance: Comparison.forward, "running statistics")
    }
  }

  /// Running mean and variance (or standard deviation), as the plan holds them.
  private func statistics(_ values: ReferenceValues, _ when: String) throws -> [Float] {
    let spread = values.has("\(when).runningVariance") ? "runningVariance" : "runningDeviation"
    return try values.floats("\(when).runningMean") + values.floats("\(when).\(spread)")
  }

  /// Loss and gradients of one micro-batch.
  private func checkTraining(_ session: TrainingSession, _ values: ReferenceValues, _ opCase: OpCase) throws {
    let output = try values.doubles("output")
    let target = output.enumerated().map { Float(sigmoid($1) - lossWeight($0)) }
    try session.accumulate(
      MicroBatch(input: opCase.input, target: .channels(target)), index: 0, of: 1, step: 0)
    var expected = 0.0
    var size = 0.0
    for (y, t) in zip(output, target) {
      expected += softplus(y) - Double(t) * y
      size += abs(softplus(y)) + abs(Double(t) * y)
    }
    let lossError = abs(Double(try session.result().loss) - expected)
    #expect(lossError <= Comparison.forward * size, "loss: error \(lossError), terms \(size)")

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
  }

  /// `loss_weights` of tools/reference/values_file.py: Murmur3's finaliser of the element's index, −1 to −1/4096.
  private func lossWeight(_ index: Int) -> Double {
    var hash = UInt32(index + 1)
    hash = (hash ^ hash >> 16) &* 0x85EB_CA6B
    hash = (hash ^ hash >> 13) &* 0xC2B2_AE35
    hash ^= hash >> 16
    return -Double((hash >> 20) + 1) / 4096
  }
}
