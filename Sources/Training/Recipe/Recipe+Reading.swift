import ExecutionPlan
import Interchange
import Volumes

extension Recipe {
  static let largest = 1e308

  /// Reads a recipe file: JSON with comments and trailing commas, `extends` followed.
  ///
  /// - Parameter overrides: `path.to.key=value`, applied before anything is checked.
  /// - Throws: `RecipeErrors` with every mistake: path, key, what was found, what is allowed.
  public static func read(_ path: String, overrides: [String] = []) throws(RecipeErrors) -> Recipe {
    try Recipe(RecipeTree.read(path, overrides: overrides), path: path)
  }

  /// From the JSON text that `json` wrote, such as a checkpoint's.
  public init(json: String, path: String) throws(RecipeErrors) {
    var object: JSONObject?
    do {
      object = try JSONValue(parsing: json, dialect: .relaxed).objectValue
    } catch {
      throw RecipeErrors([RecipeError(path, key: "", found: "\(error)", expected: "")])
    }
    guard let object else {
      throw RecipeErrors([RecipeError(path, key: "", found: "is no recipe", expected: "")])
    }
    try self.init(object, path: path)
  }

  init(_ object: JSONObject, path: String) throws(RecipeErrors) {
    let problems = RecipeProblems(path: path)
    let root = RecipeNode(object, problems: problems)
    self.init()
    root.text("name", into: &name)
    data.read(root)
    preprocessing = PreprocessingStep.read(root)
    if let node = root.node("sampler") { sampler.read(node) }
    if let node = root.node("augmentation") { augmentation.read(node, classes: data.classes) }
    if let node = root.node("model") { model.read(node) }
    if let node = root.node("loss") { loss.read(node) }
    if let node = root.node("optimizer") { optimizer.read(node) }
    if let node = root.node("schedule") { (schedule, warmup) = LearningRateSchedule.read(node) }
    if let node = root.node("training") { training.read(node) }
    if let node = root.node("inference") { inference.read(node) }
    root.choice("precision", into: &precision)
    memoryBudget = root.value("memoryBudget").flatMap { value in
      if let bytes = value.integerValue, bytes > 0 { return bytes }
      if let text = value.stringValue, let bytes = byteCount(of: text) { return bytes }
      root.fail("memoryBudget", value, "bytes, such as 8589934592 or \"8GiB\"")
      return nil
    }
    var seed = 0
    root.integer("seed", into: &seed, in: 0...Int.max)
    self.seed = UInt64(seed)
    root.finish()
    crossCheck(problems)
    guard problems.errors.isEmpty else { throw RecipeErrors(problems.errors) }
  }

  /// What no single key can say.
  private func crossCheck(_ problems: RecipeProblems) {
    func isClass(_ name: String) -> Bool { data.classes.isEmpty || data.classes.contains { $0.name == name } }
    let known = data.classes.map(\.name).joined(separator: ", ")
    for (name, _) in sampler.classProbabilities where !isClass(name) {
      problems.add(
        "sampler.classProbabilities.\(name)", found: "an unknown class", expected: "one of \(known)")
    }
    for weight in loss.classWeights where !isClass(weight.name) {
      problems.add("loss.classWeights.\(weight.name)", found: "an unknown class", expected: "one of \(known)")
    }
    if !data.regions.isEmpty, LossCatalog.named(loss.name)?.sigmoid == false {
      let independent = LossCatalog.all.filter(\.loss.sigmoid).map(\.name).joined(separator: ", ")
      problems.add(
        "loss.name", found: "\"\(loss.name)\", whose classes exclude each other, with data.regions",
        expected: "one of \(independent)")
    }
    if let patch = training.overfitOnePatch, !isClass(patch.className) {
      problems.add(
        "training.overfitOnePatch.class", found: "an unknown class \"\(patch.className)\"",
        expected: "one of \(known)")
    }
    let (divisor, remainder) = (model.divisor, model.remainder)
    for axis in 0..<3 where sampler.patch[axis] % max(1, divisor[axis]) != remainder[axis] {
      let behind = remainder == .zero ? "" : ", plus [\(remainder.x), \(remainder.y), \(remainder.z)]"
      problems.add(
        "sampler.patch", found: "[\(sampler.patch.x), \(sampler.patch.y), \(sampler.patch.z)]",
        expected: "multiples of [\(divisor.x), \(divisor.y), \(divisor.z)], the model's down-sampling\(behind)")
      break
    }
    for problem in augmentation.problems {
      problems.add("augmentation.\(problem.key)", found: problem.problem, expected: "")
    }
    let missing = inference.mirror.subtracting(augmentation.mirroredAxes)
    if !missing.isEmpty {
      problems.add(
        "inference.mirror", found: InferenceSettings.names(missing).joined(separator: ", "),
        expected: "only axes that augmentation flips")
    }
    if inference.mirror.contains(.leftRight) && !augmentation.labelsSwappedByLeftRightFlip.isEmpty {
      problems.add(
        "inference.mirror", found: "left-right with augmentation.labelsSwappedByLeftRightFlip",
        expected: "other axes: a mirrored copy has left and right classes in each other's place")
    }
    if sampler.pad.count > 1 && !data.channels.isEmpty && sampler.pad.count != data.channels.count {
      problems.add(
        "sampler.pad", found: "\(sampler.pad.count) values", expected: "1 or \(data.channels.count)")
    }
  }
}
