import CPUBackend
import ExecutionPlan
import KernelCatalog
import Testing

@Suite struct LossTests {
  static let problems: [LossProblem] = LossProblem.Region.allCases.flatMap { region in
    [
      LossProblem(region: region),
      LossProblem(n: 3, classes: 5, voxels: 16, chunk: 16, weighted: true, batch: true, region: region,
          firstClass: 1),
      LossProblem(n: 1, classes: 2, voxels: 23, chunk: 7, dense: true, weighted: true, region: region),
      LossProblem(classes: 3, voxels: 41, chunk: 20, sigmoid: true, region: region),
      LossProblem(classes: 1, voxels: 5, chunk: 100, sigmoid: true, dense: true, batch: true, region: region),
    ]
  }

  /// Sums, value, coefficients and gradient in a row; the gradient against finite differences of the value.
  @Test(arguments: problems)
  func gradientIsTheSlopeOfTheValue(_ given: LossProblem) throws {
    var p = given
    p.fill(12)
    let chunks = (p.voxels + p.chunk - 1) / p.chunk
    let expected = (0..<p.n).flatMap { n in
      (0..<chunks).flatMap { p.sums(p.logits, n, $0 * p.chunk..<min(p.voxels, ($0 + 1) * p.chunk)) }
    }
    var call = try KernelCall("loss_sums")
    p.add(to: &call)
    call.set("logits", call.floats(p.logits))
    let partials = call.poisoned(expected.count)
    call.set("partials", partials)
    let h = 1e-5, scale = 8.0, share = 0.25
    let slopes = p.logits.indices.map { i in
      var up = p.logits, down = p.logits
      up[i] += h
      down[i] -= h
      return (p.value(up) - p.value(down)) / (2 * h) * scale * share
    }
    try call.runEverywhere { after in
      #expect(deviation(after.doubles(partials), expected) < 1e-5, "\(p)")
      for microBatch in [0, 1] {
        var finalise = try KernelCall("loss_finalise")
        finalise.define("KIND", p.region.rawValue)
        finalise.set("partials", finalise.floats(after.floats(partials)))
        let coefficients = finalise.poisoned(2 * p.n * p.classes + 1)
        let scalars = finalise.floats(scalarArray(
          [(.lossScale, Float(scale)), (.microBatchWeight, Float(share)), (.loss, 100)],
          integers: [(.microBatch, Int32(microBatch))]))
        finalise.set("coefficients", coefficients)
        finalise.set("scalars", scalars)
        finalise.set(
          ["N", "C", "voxels", "chunkVoxels", "firstClass", "batch"],
          [p.n, p.classes, p.voxels, p.chunk, p.firstClass, p.batch ? 1 : 0])
        finalise.set("first", 1)
        finalise.set("alphaBits", 0.5)
        finalise.set("betaBits", 0.5)
        finalise.set("regionWeightBits", p.regionWeight)
        finalise.set("entropyWeightBits", p.entropyWeight)
        finalise.set("epsilonBits", p.epsilon)
        try finalise.runEverywhere { finalised in
          let loss = finalised.doubles(scalars)[Scalar.loss.rawValue]
          #expect(deviation([loss], [p.value(p.logits) * share + (microBatch == 0 ? 0 : 100)]) < 1e-5, "\(p)")
          var gradient = try KernelCall("loss_gradient")
          p.add(to: &gradient)
          let g = gradient.floats(p.logits)  // in place
          gradient.set("g", g)
          gradient.set("logits", g)
          gradient.set("coefficients", gradient.floats(finalised.floats(coefficients)))
          try gradient.runEverywhere { #expect(deviation($0.doubles(g), slopes) < 1e-5, "\(p)") }
        }
      }
    }
  }

  @Test func extremeLogitsStayFinite() throws {
    var p = LossProblem(n: 1, classes: 2, voxels: 3, chunk: 3)
    p.logits = [-1e4, 1e4, 0, 1e4, -1e4, 0]
    p.labels = [0, 0, 1]
    var call = try KernelCall("loss_sums")
    p.add(to: &call)
    call.set("logits", call.floats(p.logits))
    let partials = call.poisoned(8)
    call.set("partials", partials)
    try call.runEverywhere {
      #expect(deviation($0.doubles(partials), [1, 1.5, 2, 0.5, 1.5, 1, 20_000 + 0.6931472, 3]) < 1e-6)
    }
  }

  @Test func nothingLabelledGivesNoEntropy() throws {
    var p = LossProblem(n: 1, classes: 2, voxels: 9, chunk: 4, region: .none)
    p.fill(1)
    p.labels = p.labels.map { _ in -1 }
    var finalise = try KernelCall("loss_finalise")
    finalise.define("KIND", 0)
    finalise.set("partials", finalise.floats([Float](repeating: 0, count: 24)))
    let coefficients = finalise.poisoned(5)
    let scalars = finalise.floats(scalarArray([(.lossScale, 2), (.microBatchWeight, 1), (.loss, 5)]))
    finalise.set("coefficients", coefficients)
    finalise.set("scalars", scalars)
    finalise.set(["N", "C", "voxels", "chunkVoxels", "firstClass", "batch"], [1, 2, 9, 4, 0, 0])
    finalise.set("first", 1)
    for name in ["regionWeightBits", "entropyWeightBits", "epsilonBits", "alphaBits", "betaBits"] {
      finalise.set(name, 1.0)
    }
    try finalise.runEverywhere {
      #expect($0.floats(coefficients) == [0, 0, 0, 0, 0])
      #expect($0.floats(scalars)[Scalar.loss.rawValue] == 0)
    }
  }

  @Test(arguments: [(1, 1), (2, 16), (7, 37)], [false, true])
  func probabilities(_ shape: (classes: Int, voxels: Int), sigmoid: Bool) throws {
    var p = LossProblem(n: 2, classes: shape.classes, voxels: shape.voxels, sigmoid: sigmoid)
    p.fill(3)
    let expected = (0..<p.logits.count).map { i in
      p.probability(p.logits, i / p.voxels / p.classes, i / p.voxels % p.classes, i % p.voxels)
    }
    var call = try KernelCall("probabilities")
    call.define("SIGMOID", sigmoid ? 1 : 0)
    let values = call.floats(p.logits)
    call.set("out", values)
    call.set("logits", values)
    call.set(["N", "C", "voxels"], [p.n, p.classes, p.voxels])
    try call.runEverywhere { #expect(deviation($0.doubles(values), expected) < 1e-6) }
  }
}
