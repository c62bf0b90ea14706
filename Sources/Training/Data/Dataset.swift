import Volumes

/// The cases of a run in memory: training ones preprocessed, validation ones by their files.
public struct Dataset: Sendable {
  public var classes: [ClassLabel]
  public var outputs: NetworkOutputs
  public var channels: [String]
  public var split: CaseSplit
  /// Of the training cases' foreground, one a channel, where a step asks for them.
  public var statistics: [ForegroundStatistics]
  /// Labels are class indices.
  public var training: [PatchSource]
  /// Read anew at each validation: a whole CT is too large to keep.
  public var validation: [CaseFiles]
  /// What a user should hear of without stopping for it.
  public var notes: [String]

  public var classMap: ClassMap
  public var preprocessing: Preprocessing

  /// Reads, checks and preprocesses. Every fault of every case is found before it throws.
  ///
  /// - Parameter checksValidation: also opens the validation cases, so that a fault in one shows before hours
  ///   of training and not after.
  /// - Parameter cache: where preprocessed training cases lie that shall not stay in memory; nil keeps all there.
  public init(
    _ recipe: Recipe, fold: Int? = nil, checksValidation: Bool = true, cache: CaseCache? = nil,
    progress: (_ done: Int, _ of: Int) -> Void = { _, _ in }
  ) throws(DatasetErrors) {
    let listing = CaseListing(recipe.data)
    var problems = listing.problems
    // Without classes every label would be a fault of its own.
    guard !listing.classes.isEmpty else { throw DatasetErrors(problems) }
    var split = CaseSplit(training: listing.cases.map(\.name), validation: [])
    do {
      split = try recipe.data.split.resolved(cases: listing.cases.map(\.name) + listing.incomplete, fold: fold)
    } catch {
      problems += error.problems
    }
    var outputs = NetworkOutputs(classes: listing.classes)
    do { outputs = try NetworkOutputs(classes: listing.classes, regions: recipe.data.regions) } catch {
      problems += error.problems
    }

    problems += Self.unknownNames(recipe, classes: listing.classes, outputs: outputs)

    let byName = Dictionary(listing.cases.map { ($0.name, $0) }, uniquingKeysWith: { a, _ in a })
    let trainingFiles = split.training.compactMap { byName[$0] }
    let validationFiles = split.validation.compactMap { byName[$0] }
    let map = ClassMap(
      classes: listing.classes, otherLabels: recipe.data.otherLabels, ignore: listing.ignore)
    var loader = CaseLoader(map: map, channelCount: listing.channels.count)
    loader.cache = cache
    let total = trainingFiles.count + (checksValidation ? validationFiles.count : 0)

    var preprocessing = Preprocessing(steps: recipe.preprocessing)
    if Preprocessing.needsStatistics(recipe.preprocessing) {
      preprocessing.statistics = loader.statistics(trainingFiles)
    }
    var sources: [PatchSource] = []
    if loader.problems.isEmpty {
      for (index, files) in trainingFiles.enumerated() {
        if let source = loader.load(files, preprocessing) { sources.append(source) }
        progress(index + 1, total)
      }
    }
    if checksValidation {
      for (index, files) in validationFiles.enumerated() {
        loader.check(files)
        progress(trainingFiles.count + index + 1, total)
      }
    }
    loader.checkClasses()
    problems += loader.problems
    let warnings = loader.notes + DatasetWarnings(classes: listing.classes).all(recipe, training: sources)
    guard problems.isEmpty else { throw DatasetErrors(problems, warnings: warnings) }
    classes = listing.classes
    self.outputs = outputs
    channels = listing.channels
    self.split = split
    statistics = preprocessing.statistics
    training = sources
    validation = validationFiles
    notes = warnings
    if recipe.data.split == .trainingCases {
      notes.append("data.split: validation looks at the training cases: Dice is of training cases")
    }
    classMap = map
    self.preprocessing = preprocessing
  }
}

extension Dataset {
  /// Names and ids of the recipe that no class has: what reading the recipe could not tell where `dataset.json` names the
  /// classes.
  private static func unknownNames(
    _ recipe: Recipe, classes: [ClassLabel], outputs: NetworkOutputs
  ) -> [String] {
    let known = classes.map(\.name)
    func problem(_ key: String, _ expected: [String]) -> String {
      "\(key): found an unknown class, expected one of \(expected.joined(separator: ", "))"
    }
    var problems = recipe.sampler.classProbabilities.map(\.name).filter { !known.contains($0) }.map {
      problem("sampler.classProbabilities.\($0)", known)
    }
    problems += recipe.loss.classWeights.map(\.name).filter { !outputs.names.contains($0) }.map {
      problem("loss.classWeights.\($0)", outputs.names)
    }
    for pair in recipe.augmentation.labelsSwappedByLeftRightFlip {
      for id in [pair.x, pair.y] where !classes.contains(where: { $0.id == id }) {
        problems.append(
          "augmentation.labelsSwappedByLeftRightFlip: found the id \(id), expected one of "
            + classes.map { "\($0.id)" }.joined(separator: ", "))
      }
    }
    return problems
  }
}

/// Reads cases one by one and keeps what was wrong.
struct CaseLoader {
  let map: ClassMap
  let channelCount: Int
  var problems: [String] = []
  var notes: [String] = []
  /// Classes of training cases behind their preprocessing.
  private var classesSeen: Set<Int32> = []
  private var unread: Set<String> = []
  var cache: CaseCache?
  /// Of the cases that stay in memory.
  private var bytesInMemory = 0

  init(map: ClassMap, channelCount: Int) {
    self.map = map
    self.channelCount = channelCount
  }

  /// Of the training cases' foreground, one a channel; from the cache where it has them.
  mutating func statistics(_ cases: [CaseFiles]) -> [ForegroundStatistics] {
    let key = cache.flatMap { $0.statisticsKey(cases, map) }
    if let cache, let key, let known = cache.statistics(key: key), known.count == channelCount { return known }
    var gatherers = Array(repeating: ForegroundStatisticsGatherer(), count: channelCount)
    for files in cases {
      guard let read = read(files) else { continue }
      for (index, channel) in read.channels.enumerated() {
        gatherers[index].add(image: channel, labels: read.labels)
      }
    }
    // What is missing may be in the cases that could not be read.
    guard problems.isEmpty else { return [] }
    let found = gatherers.compactMap(\.statistics)
    guard found.count == channelCount else {
      problems.append("no training case has a labelled voxel: ct-foreground has nothing to measure")
      return []
    }
    if let cache, let key {
      do { try cache.store(found, key: key) } catch { problems.append("\(error)") }
    }
    return found
  }

  mutating func load(_ files: CaseFiles, _ preprocessing: Preprocessing) -> PatchSource? {
    let key = cache.flatMap { $0.key(files, preprocessing, map) }
    if let cache, let key, let source = cache.load(files.name, key: key), source.channels.count == channelCount {
      classesSeen.formUnion(source.classVoxels.classes)
      noteForeground(source, files)
      return source
    }
    guard let source = prepare(files, preprocessing) else { return nil }
    classesSeen.formUnion(source.classVoxels.classes)
    guard let cache, let key, bytesInMemory + source.byteCount > cache.memoryLimit else {
      bytesInMemory += source.byteCount
      return source
    }
    do { return try cache.store(source, key: key) } catch {
      problems.append("\(error)")
      return nil
    }
  }

  private mutating func noteForeground(_ source: PatchSource, _ files: CaseFiles) {
    if !source.classVoxels.classes.contains(where: { $0 > 0 }) {
      notes.append("\(files.label): case \(files.name) has no foreground")
    }
  }

  private mutating func prepare(_ files: CaseFiles, _ preprocessing: Preprocessing) -> PatchSource? {
    guard let read = read(files) else { return nil }
    let prepared: Preprocessing.Prepared
    do {
      prepared = try preprocessing.prepare(read.channels, labels: read.labels, inPrediction: false)
    } catch {
      problems.append("\(files.images[0]): preprocessing: \(error)")
      return nil
    }
    do {
      let source = try PatchSource(name: read.name, channels: prepared.channels, labels: prepared.labels)
      noteForeground(source, files)
      notes += read.warnings
      return source
    } catch {
      problems.append("\(error)")
      return nil
    }
  }

  /// Opens a case and forgets it.
  mutating func check(_ files: CaseFiles) {
    if let read = read(files) { notes += read.warnings }
  }

  private mutating func read(_ files: CaseFiles) -> RASCase? {
    do {
      return try files.read(channels: channelCount, classes: map)
    } catch {
      unread.insert(files.name)
      if !problems.contains("\(error)") { problems.append("\(error)") }
      return nil
    }
  }

  /// A class that no training case has cannot be learnt.
  mutating func checkClasses() {
    // Nothing was read, or a class may be in what was not.
    guard !classesSeen.isEmpty else { return }
    for (index, label) in map.classes.enumerated() where !classesSeen.contains(Int32(index)) {
      problems.append(
        "class \(label.name) (id \(label.id)): no training case has a voxel of it"
          + (unread.isEmpty ? "" : " (\(unread.count) cases could not be read)"))
    }
  }
}
