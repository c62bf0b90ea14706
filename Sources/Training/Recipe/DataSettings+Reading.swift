import Interchange
import Volumes

extension DataSettings {
  mutating func read(_ root: RecipeNode) {
    guard let node = root.node("data") else {
      root.problems.add("data", found: "nothing", expected: "an object that says where the cases are")
      return
    }
    node.choice("layout", into: &layout)
    node.text("folder", into: &folder)
    node.text("images", into: &images)
    node.text("labels", into: &labels)
    if folder.isEmpty {
      node.problems.add(
        "data.folder", found: "nothing", expected: "the path of the data, from the recipe's folder")
    }
    readCases(node)
    readClasses(node)
    node.choice("otherLabels", into: &otherLabels)
    if let value = node.value("ignore") {
      if let id = value.integerValue.flatMap(Int32.init(exactly:)) {
        ignore = id
        if classes.contains(where: { $0.id == id }) {
          node.fail("ignore", value, "an id that no class has")
        }
      } else {
        node.fail("ignore", value, "a whole number, or null")
      }
    }
    if let value = node.value("channels") {
      let names = value.arrayValue?.compactMap(\.stringValue) ?? []
      if names.isEmpty || names.count != value.arrayValue?.count {
        node.fail("channels", value, "a list of names, one a channel")
      } else {
        channels = names
      }
    }
    readSplit(node)
    node.finish()
  }

  private mutating func readCases(_ node: RecipeNode) {
    guard let value = node.value("cases") else {
      if layout == .list {
        node.problems.add("data.cases", found: "nothing", expected: "a list of {name, image, label}")
      }
      return
    }
    guard let list = value.arrayValue else {
      return node.fail("cases", value, "a list of {name, image, label}")
    }
    for (index, entry) in list.enumerated() {
      guard let object = entry.objectValue else {
        node.fail("cases[\(index)]", entry, "an object {name, image, label}")
        continue
      }
      let child = RecipeNode(object, keyPath: node.path("cases[\(index)]"), problems: node.problems)
      var new = Case(name: "", images: [], label: "")
      child.text("name", into: &new.name)
      var image = ""
      child.text("image", into: &image)
      if !image.isEmpty { new.images = [image] }
      if let images = child.value("images") {
        let paths = images.arrayValue?.compactMap(\.stringValue) ?? []
        if paths.isEmpty { child.fail("images", images, "a list of files, one a channel") }
        new.images = paths
      }
      child.text("label", into: &new.label)
      child.finish()
      if new.name.isEmpty || new.images.isEmpty || new.label.isEmpty {
        node.problems.add(child.keyPath, found: "a case without name, image or label", expected: "all three")
      }
      cases.append(new)
    }
  }

  private mutating func readClasses(_ node: RecipeNode) {
    guard let children = node.node("classes") else { return }
    for (name, value) in children.members() {
      guard let id = value.integerValue.flatMap(Int32.init(exactly:)), id >= 0 else {
        children.fail(name, value, "a label id of 0 or more")
        continue
      }
      if let other = classes.first(where: { $0.id == id }) {
        children.fail(name, value, "an id that \"\(other.name)\" does not have already")
        continue
      }
      classes.append(ClassLabel(name: name, id: id))
    }
    classes.sort { $0.id < $1.id }
    if classes.count < 2 {
      node.problems.add(
        "data.classes", found: "\(classes.count) classes", expected: "at least 2, background included")
    }
  }

  private mutating func readSplit(_ node: RecipeNode) {
    guard let value = node.value("split") else { return }
    if let path = value.stringValue {
      split = .file(path)
      return
    }
    guard let child = node.node("split") else { return }
    var folds = 5
    child.integer("folds", into: &folds, in: 2...1000)
    var seed = 0
    child.integer("seed", into: &seed, in: 0...Int.max)
    var group = ""
    child.text("groupBy", into: &group)
    if !group.isEmpty, (try? Regex(group)) == nil {
      node.problems.add("data.split.groupBy", found: "\"\(group)\"", expected: "a regular expression")
    }
    child.finish()
    split = .folds(folds, seed: UInt64(seed), groupBy: group.isEmpty ? nil : group)
  }
}

extension PreprocessingStep {
  static func read(_ root: RecipeNode) -> [PreprocessingStep] {
    guard let value = root.value("preprocessing") else { return [] }
    guard let list = value.arrayValue else {
      root.fail("preprocessing", value, "a list of steps, in their order")
      return []
    }
    return list.enumerated().compactMap { index, entry in
      let key = "preprocessing[\(index)]"
      guard let object = entry.objectValue, object.members.count == 1 else {
        root.fail(key, entry, "one of {\"crop\": …}, {\"normalise\": …}, {\"resample\": …}")
        return nil
      }
      let node = RecipeNode(object, keyPath: key, problems: root.problems)
      defer { node.finish() }
      if let value = node.value("crop") {
        if value == .string("nonzero") { return .cropNonZero }
        node.failChoice("crop", value, ["nonzero"])
        return nil
      }
      if let value = node.value("normalise") {
        return NormalisationRule.read(value, node).map { .normalise($0) }
      }
      guard let resample = node.node("resample") else { return nil }
      defer { resample.finish() }
      var method = ResamplingMethod.cubic
      resample.choice("image", into: &method)
      guard let spacing = resample.numbers("spacing", in: 0...1e4, count: 3) else {
        if resample.value("spacing") == nil {
          root.problems.add("\(key).resample.spacing", found: "nothing", expected: "[x, y, z] in millimetres")
        }
        return nil
      }
      return .resample(spacing: SIMD3(spacing[0], spacing[1], spacing[2]), image: method)
    }
  }
}

extension NormalisationRule {
  static let words: [(String, NormalisationRule)] = [
    ("zscore", .fixed(.zScore(nonZeroOnly: false))), ("zscore-nonzero", .fixed(.zScore(nonZeroOnly: true))),
    ("minmax", .fixed(.minMax)), ("none", .fixed(.none)), ("ct-foreground", .ctForeground),
  ]

  static func read(_ value: JSONValue, _ node: RecipeNode) -> NormalisationRule? {
    if value.stringValue != nil {
      if let word = words.first(where: { $0.0 == value.stringValue }) { return word.1 }
      node.failChoice("normalise", value, words.map(\.0))
      return nil
    }
    guard let child = node.node("normalise") else { return nil }
    defer { child.finish() }
    if let limits = child.numbers("window", in: -1e9...1e9, count: 2) {
      return checked(.window(lower: limits[0], upper: limits[1]), child, "window")
    }
    if let limits = child.numbers("percentile", in: 0...100, count: 2) {
      return checked(.percentile(lower: limits[0], upper: limits[1]), child, "percentile")
    }
    if child.problems.errors.isEmpty {
      node.fail("normalise", value, "a word, {\"window\": [low, high]} or {\"percentile\": [low, high]}")
    }
    return nil
  }

  private static func checked(_ rule: Normalisation, _ node: RecipeNode, _ key: String) -> NormalisationRule?
  {
    guard let problem = rule.problem else { return .fixed(rule) }
    node.problems.add(node.path(key), found: problem, expected: "")
    return nil
  }
}
