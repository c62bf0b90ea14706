import ExecutionPlan
import GraphCompiler
import LayerGraph
import Testing
import Training

/// Deep supervision against PyTorch in float64: the weighted sum of three heads' losses, and every gradient.
@Suite(.serialized) struct SupervisionTests {
  static let cases = ReferenceCase.all(.supervision)
  /// `VOXCL_MATRIX` runs all.
  static let openCLCases = cases.filter { Environment.runsMatrix || $0.name == "dice-ce_2" }

  @Test func valuesAreThere() {
    #expect(Self.cases.count >= 8)
    #expect(!Self.openCLCases.isEmpty)
  }

  @Test(arguments: cases) func onTheCPU(_ reference: ReferenceCase) throws { try check(reference, .cpu) }

  @Test(.enabled(if: TestDevice.hasOpenCL, TestDevice.noOpenCL), arguments: openCLCases)
  func onOpenCL(_ reference: ReferenceCase) throws { try check(reference, .openCL) }

  private func check(_ reference: ReferenceCase, _ kind: TestDevice) throws {
    let values = try reference.open()
    let loss = try Loss(values)
    let graph = try Self.graph(values)
    let parameters = try values.parameters()
    try #require(parameters.map(\.count) == graph.parameters.map(\.count))
    var options = CompilerOptions()
    options.predicts = false
    options.training = TrainingOptions(loss: loss)
    let device = try kind.open()
    let plan = try compile(graph, options: options, device: device.description).plan
    let session = try TrainingSession(
      device.load(plan), parameters: parameters.flatMap { $0 }, optimizer: OptimizerSettings())
    try session.accumulate(
      MicroBatch(input: values.floats("input"), target: values.target(loss)), index: 0, of: 1, step: 0)
    Comparison.expectClose(
      try session.result().loss, try values.doubles("loss")[0], tolerance: Comparison.forward, "loss")

    let gradients = try session.gradients()
    let wanted = try values.parameters(prefix: "gradient.parameter.").map { $0.map(Double.init) }
    for node in graph.nodes {
      let largest = node.parameters.map { Comparison.norm(wanted[$0]) }.max() ?? 0
      for index in node.parameters {
        let record = session.plan.parameters[index]
        Comparison.expectClose(
          Array(gradients[record.offsetInElements..<record.offsetInElements + record.count]), wanted[index],
          scale: largest, tolerance: Comparison.fp32, record.name)
      }
    }
  }

  /// `run` of tools/reference/supervision_cases.py.
  private static func graph(_ values: ReferenceValues) throws -> Graph {
    let (widths, weights) = (try values.integers("widths"), try values.numbers("weights"))
    let classes = try values.integer("classes")
    let factors = try #require(values.attributes["factors"]?.arrayValue).map { axes in
      Extent(try #require(axes.arrayValue).map { try #require($0.integerValue) })
    }
    return try Graph("supervised", input: values.volume("input")) { net, x in
      var levels: [Tensor] = []
      for level in 0..<3 {
        let finer = levels.last.map { $0.averagePool(factors[level - 1]) } ?? x
        levels.append(finer.conv(widths[level]).silu())
      }
      net.outputWeight = weights[0]
      for level in [2, 1] { net.supervise(levels[level].conv(classes, kernel: 1), weight: weights[level]) }
      return levels[0].conv(classes, kernel: 1)
    }
  }
}
