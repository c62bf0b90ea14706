import ExecutionPlan
import GraphCompiler
import LayerGraph
import Testing
import Training

/// Ten steps of every optimizer on given gradients against PyTorch in float64: the parameters after each step and
/// the state after the last. The program `update` runs alone, on gradients that the host writes.
@Suite(.serialized) struct OptimizerTests {
  static let cases = ReferenceCase.all(.optimizers)

  @Test func valuesAreThere() { #expect(Self.cases.count >= 7) }

  @Test(arguments: cases) func onTheCPU(_ reference: ReferenceCase) throws { try check(reference, .cpu) }

  @Test(.enabled(if: TestDevice.hasOpenCL, TestDevice.noOpenCL), arguments: cases)
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
      // Each step rounds the parameters once.
      let rounding = Double(step + 1) * 0x1p-24 * Comparison.norm(Array(after[row]))
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
    let decay = try values.number("weightDecay")
    if try values.flag("coupled") { settings.coupledDecay = decay } else { settings.decoupledDecay = decay }
    if try values.op == "sgd" {
      settings.kind = try values.flag("nesterov") ? .nesterov : .momentum
      settings.beta1 = try values.number("momentum")
    } else {
      settings.beta1 = try values.number("beta1")
      settings.beta2 = try values.number("beta2")
      settings.epsilon = try values.number("epsilon")
    }
    return settings
  }
}
