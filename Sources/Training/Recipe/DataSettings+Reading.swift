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
    readPaths(node)
    readClasses(node)
    readRegions(node)
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
    node.bool("resampleChannels", into: &resampleChannels)
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

  private mutating func readPaths(_ node: RecipeNode) {
    if let value = node.value("imagePaths") {
      imagePaths = (value.arrayValue ?? [value]).compactMap(\.stringValue)
      if imagePaths.isEmpty { node.fail("imagePaths", value, "a list of paths, one a channel") }
    }
    node.text("labelPath", into: &labelPath)
    guard layout == .paths else { return }
    if imagePaths.isEmpty {
      node.problems.add("data.imagePaths", found: "nothing", expected: "paths such as \"{case}/t1.nii.gz\", one a channel")
    }
    for (key, path) in imagePaths.map({ ("imagePaths", $0) }) + [("labelPath", labelPath)]
    where PathPattern(path) == nil {
      node.problems.add("data.\(key)", found: "\"\(path)\"", expected: "a path with {case} for the case's name")
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

  private mutating func readRegions(_ node: RecipeNode) {
    guard let children = node.node("regions") else { return }
    for (name, value) in children.members() {
      let names = value.arrayValue?.compactMap(\.stringValue) ?? []
      guard !names.isEmpty, names.count == value.arrayValue?.count else {
        children.fail(name, value, "a list of names of classes")
        continue
      }
      regions.append(LabelRegion(name: name, classes: names))
    }
    // Where dataset.json names the classes, they are held against these once it is read.
    guard !classes.isEmpty else { return }
    do {
      _ = try NetworkOutputs(classes: classes, regions: regions)
    } catch {
      for problem in error.problems {
        let parts = problem.split(separator: ": ", maxSplits: 1).map(String.init)
        node.problems.add(parts[0], found: parts[parts.count - 1], expected: "")
      }
    }
  }

  private mutating func readSplit(_ node: RecipeNode) {
    guard let value = node.value("split") else { return }
    if let path = value.stringValue {
      split = .file(path)
      return
    }
    guard let child = node.node("split") else { return }
    if let value = child.value("validation") {
      if value == .string("training-cases") {
        split = .trainingCases
      } else {
        child.failChoice("validation", value, ["training-cases"])
      }
      return child.finish()
    }
    var file = ""
    child.text("file", into: &file)
    var folds = 5
    var seed = 0
    if file.isEmpty {
      child.integer("folds", into: &folds, in: 2...1000)
      child.integer("seed", into: &seed, in: 0...Int.max)
    }
    var grouping = CaseGrouping()
    var pattern = ""
    child.text("groupBy", into: &pattern)
    if !pattern.isEmpty {
      grouping.pattern = pattern
      if (try? Regex(pattern)) == nil {
        child.problems.add(child.path("groupBy"), found: "\"\(pattern)\"", expected: "a regular expression")
      }
    }
    if let value = child.value("groups") {
      let lists = (value.arrayValue ?? []).map { $0.arrayValue?.compactMap(\.stringValue) ?? [] }
      if value.arrayValue == nil || lists.contains(where: { $0.count < 2 }) {
        child.fail("groups", value, "a list of lists, each with the names of one patient's cases")
      }
      grouping.groups = lists
    }
    child.finish()
    let groupBy = grouping == CaseGrouping() ? nil : grouping
    split = file.isEmpty
      ? .folds(folds, seed: UInt64(seed), groupBy: groupBy) : .file(file, groupBy: groupBy)
  }
}
