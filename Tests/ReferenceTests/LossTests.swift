import ExecutionPlan
import GraphCompiler
import LayerGraph
import Testing
import Training

/// Every loss against PyTorch in float64: its value and its gradient with respect to the logits. The network is a
/// crop to the whole extent, which hands its input on as logits.
@Suite(.serialized) struct LossTests {
  static let cases = ReferenceCase.all(.losses)

  @Test func valuesAreThere() { #expect(Self.cases.count >= 12) }

  @Test(arguments: cases) func onTheCPU(_ reference: ReferenceCase) throws { try check(reference, .cpu) }

  @Test(.enabled(if: TestDevice.hasOpenCL, TestDevice.noOpenCL), arguments: cases)
  func onOpenCL(_ reference: ReferenceCase) throws { try check(reference, .openCL) }

  private func check(_ reference: ReferenceCase, _ kind: TestDevice) throws {
    let values = try reference.open()
    let loss = try Self.loss(values)
    let shape = Shape(
      batch: 2, channels: try values.integer("classes"), extent: try values.extent("extent"))
    let graph = try Graph("logits", input: shape) { _, x in x.crop(to: x.extent) }
    var options = CompilerOptions()
    options.predicts = false
    options.training = TrainingOptions(loss: loss)
    options.training?.differentiatesInput = true
    let device = try kind.open()
    let plan = try compile(graph, options: options, device: device.description).plan
    let session = try TrainingSession(
      device.load(plan), parameters: [0], optimizer: OptimizerSettings(), classWeights: loss.classWeights)
    let target: Target =
      loss.sigmoid ? .channels(try values.floats("target")) : .classes(try values.file.int32s("target"))
    try session.accumulate(
      MicroBatch(input: values.floats("input"), target: target), index: 0, of: 1, step: 0)
    Comparison.expectClose(
      try session.result().loss, try values.doubles("loss")[0], tolerance: Comparison.fp32, "loss")
    Comparison.expectClose(
      try session.read("inputGradient"), try values.doubles("gradient.input"), tolerance: Comparison.fp32,
      "gradient")
  }

  private static func loss(_ values: ReferenceValues) throws -> Loss {
    let attributes = values.attributes
    var loss = try #require(LossCatalog.named(try values.op))
    if let weights = attributes["classWeights"]?.arrayValue {
      loss.classWeights = try weights.map { try #require($0.doubleValue) }
    }
    if let factor = attributes["lambda"]?.doubleValue { loss.entropyWeight = factor }
    if let epsilon = attributes["epsilon"]?.doubleValue { loss.epsilon = epsilon }
    if let background = attributes["background"]?.boolValue { loss.includesBackground = background }
    if let ignored = attributes["ignoreLabel"]?.integerValue { loss.ignoredLabel = ignored }
    if loss.region != .none { loss.isOverBatch = try values.flag("batch") }
    return loss
  }
}
