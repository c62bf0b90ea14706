import Interchange

#if canImport(FoundationEssentials)
  import FoundationEssentials
#endif

extension SplitRule {
  /// The split of these cases.
  ///
  /// - Parameter fold: of rules and files with folds; nil takes the first.
  /// - Throws: `DatasetErrors` where a file is unreadable, names unknown cases, or lacks the fold.
  public func resolved(cases: [String], fold: Int?) throws(DatasetErrors) -> CaseSplit {
    switch self {
    case .none:
      try Self.requireFold(fold, count: 1, path: "data.split")
      return CaseSplit(training: cases.sorted(), validation: [])
    case .trainingCases:
      try Self.requireFold(fold, count: 1, path: "data.split")
      return CaseSplit(training: cases.sorted(), validation: cases.sorted())
    case .folds(let count, let seed, let groupBy):
      try Self.requireFold(fold, count: count, path: "data.split")
      let patients = (groupBy ?? CaseGrouping()).patients(cases)
      let patientCount = Set(patients.values).count
      guard patientCount >= count else {
        throw DatasetErrors([
          "data.split: found \(groupBy == nil ? "\(cases.count) cases" : "\(patientCount) patients"), expected at "
            + "least \(count) for \(count) folds"
        ])
      }
      let folds = CaseSplit.folds(count, of: cases, seed: seed) { patients[$0] ?? $0 }
      let split = folds[fold ?? 0]
      let problems = split.problems(cases: cases, path: "data.split", patients: groupBy)
      guard problems.isEmpty else { throw DatasetErrors(problems) }
      return split
    case .file(let path, let groupBy):
      let splits = try Self.read(path)
      try Self.requireFold(fold, count: splits.count, path: path)
      // All folds at once: the fault of the last one should not show after hours of training the others.
      let problems = splits.enumerated().flatMap { index, split in
        split.problems(
          cases: cases, path: splits.count == 1 ? path : "\(path): fold \(index)", patients: groupBy)
      }
      guard problems.isEmpty else { throw DatasetErrors(problems) }
      return splits[fold ?? 0]
    }
  }

  /// How many folds `--fold all` runs.
  public func foldCount() throws(DatasetErrors) -> Int {
    switch self {
    case .none: 1
    case .trainingCases:
      throw DatasetErrors([
        "--fold all: data.split validates on the training cases: there is nothing to cross-validate"
      ])
    case .folds(let count, _, _): count
    case .file(let path, _): try Self.read(path).count
    }
  }

  private static func requireFold(_ fold: Int?, count: Int, path: String) throws(DatasetErrors) {
    if let fold, !(0..<count).contains(fold) {
      throw DatasetErrors(["--fold \(fold): \(path) has folds 0 to \(count - 1)"])
    }
  }

  /// One split, or a list with one a fold. nnU-Net's `train` and `val` are understood.
  static func read(_ path: String) throws(DatasetErrors) -> [CaseSplit] {
    guard let data = FileManager.default.contents(atPath: path) else {
      throw DatasetErrors(["\(path): no such split file, or it cannot be read"])
    }
    let value: JSONValue
    do {
      value = try JSONValue(parsing: [UInt8](data), dialect: .relaxed)
    } catch {
      throw DatasetErrors(["\(path): \(error)"])
    }
    let entries = value.arrayValue ?? [value]
    var splits: [CaseSplit] = []
    for entry in entries {
      func names(_ keys: [String]) -> [String]? {
        let found = keys.compactMap { entry.objectValue?[$0]?.arrayValue }.first
        guard let found, !found.contains(where: { $0.stringValue == nil }) else { return nil }
        return found.compactMap(\.stringValue)
      }
      guard let training = names(["training", "train"]), let validation = names(["validation", "val"]) else {
        throw DatasetErrors([
          "\(path): found \(entry.summary), expected {\"training\": [names], \"validation\": [names]}"
        ])
      }
      splits.append(CaseSplit(training: training, validation: validation))
    }
    guard !splits.isEmpty else { throw DatasetErrors(["\(path): holds no split"]) }
    return splits
  }
}
