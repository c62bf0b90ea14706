import Interchange
import Volumes

extension TrainingSettings {
  private static let mostSteps = 1_000_000_000

  mutating func read(_ node: RecipeNode) {
    var given = 0
    node.integer("steps", into: &given, in: 1...Self.mostSteps)
    readStages(node)
    let sum = stages.reduce(0) { $0 + $1.steps }
    if stages.isEmpty {
      if given > 0 { steps = given }
    } else {
      steps = sum
      if given > 0 && given != sum {
        node.problems.add(
          node.path("steps"), found: "\(given)", expected: "the stages' sum, \(sum), or null: stages say how long")
      }
    }
    node.integer("stepsPerEpoch", into: &stepsPerEpoch, in: 1...Self.mostSteps)
    node.integer("validateEvery", into: &validateEvery, in: 0...Self.mostSteps)
    node.integer("checkpointEvery", into: &checkpointEvery, in: 1...Self.mostSteps)
    readOverfit(node)
    if let child = node.node("earlyStop") {
      var stop = EarlyStop(patience: 0)
      child.integer("patience", into: &stop.patience, in: 1...Self.mostSteps)
      child.number("minimumDelta", into: &stop.minimumDelta, in: 0...1)
      if stop.patience == 0 && child.value("patience") == nil {
        child.problems.add(
          child.path("patience"), found: "nothing", expected: "the validations without improvement that end the run")
      }
      child.finish()
      earlyStop = stop
    }
    readLargestComponent(node)
    node.finish()
  }

  private mutating func readOverfit(_ node: RecipeNode) {
    guard let child = node.node("overfitOnePatch") else { return }
    var patch = OverfitOnePatch(caseName: nil, className: "")
    var name = ""
    child.text("case", into: &name)
    if !name.isEmpty { patch.caseName = name }
    child.text("class", into: &patch.className)
    if patch.className.isEmpty {
      child.problems.add(child.path("class"), found: "nothing", expected: "the name of a class")
    }
    child.range("fraction", into: &patch.fraction, in: 0...1)
    child.finish()
    overfitOnePatch = patch
  }

  /// `"off"`, or the number of neighbours that make voxels one component.
  private mutating func readLargestComponent(_ node: RecipeNode) {
    guard let value = node.value("largestComponent") else { return }
    if value.stringValue == "off" {
      largestComponent = nil
    } else if let connectivity = value.integerValue.flatMap(VoxelConnectivity.init(rawValue:)) {
      largestComponent = connectivity
    } else {
      node.fail("largestComponent", value, "6, 18 or 26 (neighbours that make voxels one component), or \"off\"")
    }
  }

  private mutating func readStages(_ node: RecipeNode) {
    guard let value = node.value("stages") else { return }
    guard let list = value.arrayValue, !list.isEmpty else {
      return node.fail("stages", value, "a list of {steps, learningRate, batchRenorm}")
    }
    for (index, entry) in list.enumerated() {
      guard let object = entry.objectValue else {
        node.fail("stages[\(index)]", entry, "an object {steps, learningRate, batchRenorm}")
        continue
      }
      let child = RecipeNode(object, keyPath: node.path("stages[\(index)]"), problems: node.problems)
      var stage = TrainingStage(steps: 0)
      child.integer("steps", into: &stage.steps, in: 1...Self.mostSteps)
      if stage.steps == 0 && child.value("steps") == nil {
        child.problems.add(child.path("steps"), found: "nothing", expected: "the stage's number of steps")
      }
      stage.learningRate = child.number("learningRate", in: 0...Recipe.largest)
      if let limits = child.node("batchRenorm") {
        let r = Self.limits(limits, "rMax", in: 1...Recipe.largest, otherwise: 1)
        let d = Self.limits(limits, "dMax", in: 0...Recipe.largest, otherwise: 0)
        limits.finish()
        stage.renorm = (RenormLimits(rMax: r.first, dMax: d.first), RenormLimits(rMax: r.last, dMax: d.last))
      }
      child.finish()
      stages.append(stage)
    }
  }

  /// A number, or [at the stage's first step, at its end].
  private static func limits(
    _ node: RecipeNode, _ key: String, in range: ClosedRange<Double>, otherwise: Double
  ) -> (first: Double, last: Double) {
    guard let value = node.value(key) else { return (otherwise, otherwise) }
    let numbers = (value.arrayValue ?? [value, value]).compactMap(\.doubleValue).filter { range.contains($0) }
    if numbers.count == 2 && (value.arrayValue?.count ?? 2) == 2 { return (numbers[0], numbers[1]) }
    node.fail(key, value, "a number of at least \(Int(range.lowerBound)), or two: at the stage's start and end")
    return (otherwise, otherwise)
  }

  var json: JSONValue {
    var object: JSONObject = [
      "steps": .integer(steps), "stepsPerEpoch": .integer(stepsPerEpoch),
      "validateEvery": .integer(validateEvery), "checkpointEvery": .integer(checkpointEvery),
      "largestComponent": largestComponent.map { .integer($0.rawValue) } ?? .string("off"),
    ]
    if let patch = overfitOnePatch {
      object["overfitOnePatch"] = [
        "case": patch.caseName.map(JSONValue.string) ?? .null, "class": .string(patch.className),
        "fraction": .range(patch.fraction),
      ]
    }
    if let earlyStop {
      object["earlyStop"] = [
        "patience": .integer(earlyStop.patience), "minimumDelta": .number(earlyStop.minimumDelta),
      ]
    }
    if !stages.isEmpty { object["stages"] = .array(stages.map(\.json)) }
    return .object(object)
  }
}

extension TrainingStage {
  fileprivate var json: JSONValue {
    var object: JSONObject = ["steps": .integer(steps)]
    if let learningRate { object["learningRate"] = .number(learningRate) }
    if let (first, last) = renorm {
      func limit(_ a: Double, _ b: Double) -> JSONValue { a == b ? .number(a) : .array([.number(a), .number(b)]) }
      object["batchRenorm"] = ["rMax": limit(first.rMax, last.rMax), "dMax": limit(first.dMax, last.dMax)]
    }
    return .object(object)
  }
}
