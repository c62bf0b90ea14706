import ExecutionPlan
import GraphCompiler
import LayerGraph
import Testing
import Training

/// Every loss against PyTorch in float64: its value and its gradient with respect to the logits. The network is a
/// crop to the whole extent, which hands its input on as logits.
@Suite(.serialized) struct LossTests {
  static let cases = ReferenceCase.all(.losses)
  /// One of each loss; `VOXCL_MATRIX` runs all.
  static let openCLCases = cases.filter { Environment.runsMatrix || $0.name.hasSuffix("_01") }

  @Test func valuesAreThere() {
    #expect(Self.cases.count >= 75)
    #expect(Self.openCLCases.count >= LossCatalog.all.count)
  }

  @Test func everyLossHasValues() throws {
    let names = Set(try Self.cases.map { try $0.open().op })
    #expect(names == Set(LossCatalog.all.map(\.name)))
  }

  @Test(arguments: cases) func onTheCPU(_ reference: ReferenceCase) throws { try check(reference, .cpu) }

  @Test(.enabled(if: TestDevice.hasOpenCL, TestDevice.noOpenCL), arguments: openCLCases)
  func onOpenCL(_ reference: ReferenceCase) throws { try check(reference, .openCL) }

  private func check(_ reference: ReferenceCase, _ kind: TestDevice) throws {
    let values = try reference.open()
    let loss = try Loss(values)
    let graph = try Graph("logits", input: values.volume("input")) { _, x in x.crop(to: x.extent) }
    var options = CompilerOptions()
    options.predicts = false
    options.training = TrainingOptions(loss: loss)
    options.training?.differentiatesInput = true
    let device = try kind.open()
    let plan = try compile(graph, options: options, device: device.description).plan
    let session = try TrainingSession(
      device.load(plan), parameters: [0], optimizer: OptimizerSettings(), classWeights: loss.classWeights)
    try session.accumulate(
      MicroBatch(input: values.floats("input"), target: values.target(loss)), index: 0, of: 1, step: 0)
    Comparison.expectClose(
      try session.result().loss, try values.doubles("loss")[0], tolerance: Comparison.forward, "loss")
    Comparison.expectClose(
      try session.read("inputGradient"), try values.doubles("gradient.input"), tolerance: Comparison.fp32,
      "gradient")
  }
}

extension Loss {
  /// The loss that a case names, with the case's options.
  init(_ values: ReferenceValues, nameKey: String = "op") throws {
    let attributes = values.attributes
    self = try #require(LossCatalog.named(try values.text(nameKey)))
    if attributes["classWeights"] != nil { classWeights = try values.numbers("classWeights") }
    entropyWeight = attributes["lambda"]?.doubleValue ?? entropyWeight
    regionWeight = attributes["regionWeight"]?.doubleValue ?? regionWeight
    epsilon = attributes["epsilon"]?.doubleValue ?? epsilon
    alpha = attributes["alpha"]?.doubleValue ?? alpha
    beta = attributes["beta"]?.doubleValue ?? beta
    focus = attributes["gamma"]?.doubleValue ?? focus
    ignoredLabel = attributes["ignoreLabel"]?.integerValue ?? ignoredLabel
    isSquared = attributes["squared"]?.boolValue ?? isSquared
    includesBackground = attributes["background"]?.boolValue ?? includesBackground
    isOverBatch = attributes["batch"]?.boolValue ?? isOverBatch
    isMeanOverVoxels = attributes["meanOverVoxels"]?.boolValue ?? isMeanOverVoxels
  }
}

extension ReferenceValues {
  /// The target as the loss takes it.
  func target(_ loss: Loss) throws -> Target {
    loss.sigmoid ? .channels(try floats("target")) : .classes(try int32s("target"))
  }
}
