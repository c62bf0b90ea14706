import ExecutionPlan
import GraphCompiler
import LayerGraph
import Testing
import Training

/// Ten steps of every optimizer on given gradients against PyTorch in float64: the parameters after each step and
/// the state after the last. The program `update` runs alone, on gradients that the host writes.
@Suite(.serialized) struct OptimizerTests {
  static let cases = ReferenceCase.all(.optimizers)

  /// Two of each; `VOXCL_MATRIX` runs all.
  static let openCLCases = cases.filter {
    Environment.runsMatrix || $0.name.hasSuffix("_2") || $0.name.hasSuffix("_3")
  }

  @Test func valuesAreThere() { #expect(Self.cases.count >= 36) }

  @Test(arguments: cases) func onTheCPU(_ reference: ReferenceCase) throws { try check(reference, .cpu) }

  @Test(.enabled(if: TestDevice.hasOpenCL, TestDevice.noOpenCL), arguments: openCLCases)
  func onOpenCL(_ reference: ReferenceCase) throws { try check(reference, .openCL) }

  private func check(_ reference: ReferenceCase, _ kind: TestDevice) throws {
    let values = try reference.open()
    let settings = try Self.settings(values)
    let elements = try values.integer("elements")
    let graph = try Graph("parameters", input: Shape(batch: 1, channels: elements, extent: 1)) { _, x in
      x.conv(1, kernel: 1, bias: false)
    }
    var options = CompilerOptions()
    options.predicts = false
    options.training = TrainingOptions(loss: Loss(), optimizer: settings.kind)
    let device = try kind.open()
    let plan = try compile(graph, options: options, device: device.description).plan
    let start = try values.floats("parameter")
    let session = try TrainingSession(device.load(plan), parameters: start, optimizer: settings)

    let gradients = try values.floats("gradients")
    let after = try values.doubles("parameterAfterStep")
    for step in 0..<(try values.integer("steps")) {
      let row = step * elements..<(step + 1) * elements
      try session.write(Array(gradients[row]), to: "gradients")
      try session.loaded.run(.update)
      // How far the parameters moved, so that their size does not hide an error.
      let expected = zip(after[row], start).map { $0 - Double($1) }
      let found = zip(try session.state().weights, start).map { Float(Double($0) - Double($1)) }
      // Each step rounds the parameters once; decoupled decay does so before it.
      let roundings = settings.decoupledDecay > 0 ? 2 : 1
      let rounding = Double(roundings * (step + 1)) * 0x1p-24 * Comparison.norm(Array(after[row]))
      Comparison.expectClose(
        found, expected, scale: Comparison.norm(expected) + rounding / Comparison.fp32,
        tolerance: Comparison.fp32, "movement after step \(step + 1)")
    }
    let moments = try session.state().moments
    for (index, name) in ["state.mean", "state.variance"].enumerated() where values.has(name) {
      Comparison.expectClose(moments[index], try values.doubles(name), tolerance: Comparison.fp32, name)
    }
    if values.has("state.momentum") {
      Comparison.expectClose(
        moments[0], try values.doubles("state.momentum"), tolerance: Comparison.fp32, "state.momentum")
    }
  }

  private static func settings(_ values: ReferenceValues) throws -> OptimizerSettings {
    var settings = OptimizerSettings()
    settings.learningRate = try values.number("learningRate")
    settings.clipNorm = try values.number("clipNorm")
    let op = try values.op
    let decay = try values.number("weightDecay")
    if op == "adamw" { settings.decoupledDecay = decay } else { settings.coupledDecay = decay }
    switch op {
    case "sgd", "momentum", "nesterov":
      settings.kind = op == "nesterov" ? .nesterov : .momentum
      settings.beta1 = try values.number("momentum")
    case "adam", "adamKeras", "adamw":
      settings.beta1 = try values.number("beta1")
      settings.beta2 = try values.number("beta2")
      settings.epsilon = try values.number("epsilon")
      settings.hasKerasEpsilon = op == "adamKeras"
    default: throw UnknownOperation(name: op)
    }
    return settings
  }
}
