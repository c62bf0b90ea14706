import Interchange
import Volumes

extension PreprocessingStep {
  private static let names = ["crop", "cropOrPad", "clip", "normalise", "resample", "resize"]

  static func read(_ root: RecipeNode) -> [PreprocessingStep] {
    guard let value = root.value("preprocessing") else { return [] }
    guard let list = value.arrayValue else {
      root.fail("preprocessing", value, "a list of steps, in their order")
      return []
    }
    return list.enumerated().compactMap { index, entry in
      let key = "preprocessing[\(index)]"
      guard let object = entry.objectValue, object.members.count == 1 else {
        let steps = names.map { "{\"\($0)\": …}" }.joined(separator: ", ")
        root.fail(key, entry, "one of \(steps)")
        return nil
      }
      let node = RecipeNode(object, keyPath: key, problems: root.problems)
      defer { node.finish() }
      return read(step: node)
    }
  }

  private static func read(step node: RecipeNode) -> PreprocessingStep? {
    if let value = node.value("crop") { return readCrop(value, node) }
    if let child = node.node("cropOrPad") { return readCropOrPad(child) }
    if node.value("clip") != nil { return NormalisationRule.clip(node).map { .normalise($0) } }
    if let value = node.value("normalise") { return NormalisationRule.read(value, node).map { .normalise($0) } }
    if let child = node.node("resample") { return Resampling.read(child, spaced: true).map { .resample($0) } }
    if let child = node.node("resize") { return Resampling.read(child, spaced: false).map { .resample($0) } }
    return nil
  }

  private static func readCrop(_ value: JSONValue, _ node: RecipeNode) -> PreprocessingStep? {
    if value == .string("nonzero") { return .cropNonZero }
    let axes = value.arrayValue?.map { axis -> (isSound: Bool, range: Range<Int>?) in
      if axis == .null { return (true, nil) }
      guard let ends = RecipeNode.integers(axis, in: 0...1 << 20, count: 2), ends[0] < ends[1] else {
        return (false, nil)
      }
      return (true, ends[0]..<ends[1])
    }
    guard let axes, axes.count == 3, axes.allSatisfy(\.isSound), axes.contains(where: { $0.range != nil }) else {
      node.fail(
        "crop", value, "\"nonzero\", or [x, y, z] of [first, end] with first < end, null for a whole axis")
      return nil
    }
    return .crop(AxisRanges(axes[0].range, axes[1].range, axes[2].range))
  }

  private static func readCropOrPad(_ node: RecipeNode) -> PreprocessingStep? {
    defer { node.finish() }
    var step = CropOrPad(size: .zero)
    if let value = node.value("pad") {
      if let number = value.doubleValue {
        step.padding = .value(number)
      } else if value == .string("minimum") {
        step.padding = .minimum
      } else {
        node.fail("pad", value, "a number, or \"minimum\"")
      }
    }
    guard let size = Resampling.voxels("size", node) else { return nil }
    step.size = size
    guard size != .zero else {
      node.problems.add(node.path("size"), found: "[0, 0, 0]", expected: "at least one axis above 0")
      return nil
    }
    return .cropOrPad(step)
  }

  var json: JSONValue {
    switch self {
    case .cropNonZero: return ["crop": .string("nonzero")]
    case .crop(let ranges):
      return [
        "crop": .array(
          ranges.axes.map { $0.map { .array([.integer($0.lowerBound), .integer($0.upperBound)]) } ?? .null })
      ]
    case .cropOrPad(let step):
      var pad = JSONValue.string("minimum")
      if case .value(let number) = step.padding { pad = .number(number) }
      return ["cropOrPad": ["size": .axes(step.size), "pad": pad]]
    case .normalise(.fixed(.clip(let lower, let upper))): return ["clip": .range(SIMD2(lower, upper))]
    case .normalise(let rule): return ["normalise": rule.json]
    case .resample(let step): return [step.spacing == .zero ? "resize" : "resample": step.json]
    }
  }
}

extension PreprocessingStep.Resampling {
  static func read(_ node: RecipeNode, spaced: Bool) -> Self? {
    defer { node.finish() }
    var step = Self()
    node.choice("image", into: &step.image)
    node.choice("labels", into: &step.labels)
    node.bool("antialias", into: &step.antialias)
    if step.antialias && !step.image.canAntialias {
      node.problems.add(
        node.path("antialias"), found: "true with \"image\": \"\(step.image.rawValue)\"",
        expected: "\"linear\" or \"cubic\" beside it")
    }
    let before = node.problems.errors.count
    if spaced, let n = node.numbers("spacing", in: 0...1e4, count: 3) { step.spacing = SIMD3(n[0], n[1], n[2]) }
    step.size = voxels("size", node, isRequired: !spaced) ?? .zero
    step.sizeInPrediction = voxels("sizeInPrediction", node, isRequired: false)
    // What could not be read is one problem, and not also the ones that would follow from it.
    guard node.problems.errors.count == before else { return nil }
    for axis in 0..<3 where step.size[axis] > 0 && step.spacing[axis] > 0 {
      node.problems.add(
        node.keyPath, found: "a size and a spacing along \(["x", "y", "z"][axis])", expected: "one of them 0")
    }
    for axis in 0..<3 {
      guard let other = step.sizeInPrediction, (other[axis] > 0) != (step.size[axis] > 0) else { continue }
      node.problems.add(
        node.path("sizeInPrediction"), found: "\(other[axis]) along \(["x", "y", "z"][axis])",
        expected: "a number of voxels just where \"size\" has one")
    }
    if step.size == .zero && step.spacing == .zero {
      node.problems.add(
        node.keyPath, found: "nothing to change",
        expected: spaced
          ? "\"spacing\": [x, y, z] in millimetres or \"size\": [x, y, z] in voxels; 0 leaves an axis"
          : "\"size\": [x, y, z] in voxels; 0 leaves an axis")
    }
    return step
  }

  static func voxels(_ key: String, _ node: RecipeNode, isRequired: Bool = true) -> SIMD3<Int>? {
    guard let n = node.integers(key, in: 0...1 << 14, count: 3) else {
      if isRequired && node.value(key) == nil {
        node.problems.add(node.path(key), found: "nothing", expected: "[x, y, z] in voxels; 0 leaves an axis")
      }
      return nil
    }
    return SIMD3(n[0], n[1], n[2])
  }

  var json: JSONValue {
    var object = JSONObject()
    if size != .zero { object["size"] = .axes(size) }
    if let sizeInPrediction { object["sizeInPrediction"] = .axes(sizeInPrediction) }
    if spacing != .zero { object["spacing"] = .axes(spacing) }
    object["image"] = .string(image.rawValue)
    object["labels"] = .string(labels.rawValue)
    object["antialias"] = .bool(antialias)
    return .object(object)
  }
}
