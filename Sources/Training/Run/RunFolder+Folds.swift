import Interchange

#if canImport(FoundationEssentials)
  import FoundationEssentials
#endif

extension RunFolder {
  /// The run of a fold: `RUN/fold_K`.
  public static func fold(_ number: Int, of run: String) -> String { "\(run)/fold_\(number)" }

  /// The runs of a cross-validation's folds.
  ///
  /// - Returns: nil where the path is no folder of folds: a run of its own, a file, or nothing.
  /// - Throws: `InterchangeError` where a fold has no checkpoint yet: an ensemble without it is another one.
  public static func folds(of path: String) throws(InterchangeError) -> [String]? {
    guard !exists(Checkpoint.path(inRun: path)),
      let files = try? FileManager.default.contentsOfDirectory(atPath: path)
    else { return nil }
    let started = files.compactMap { $0.hasPrefix("fold_") ? Int($0.dropFirst(5)) : nil }.sorted()
    guard !started.isEmpty else { return nil }
    let splits = (try? JSONValue(parsing: fileBytes("\(path)/splits.json")))?.arrayValue
    let wanted = splits.map { Array($0.indices) } ?? started
    let missing = wanted.filter { !exists(Checkpoint.path(inRun: fold($0, of: path))) }
    guard missing.isEmpty else {
      throw InterchangeError(
        path: path,
        problem: "\(missing.map { "fold_\($0)" }.joined(separator: ", ")) of \(wanted.count) folds has no checkpoint "
          + "yet; finish the run (train --fold all --resume) or name the finished folds")
    }
    return wanted.map { fold($0, of: path) }
  }

  /// Writes `splits.json` with the split of every fold, as a recipe's `data.split` reads it.
  ///
  /// - Throws: `InterchangeError` where the folder holds a run of its own, or the folds of another split.
  public static func writeSplits(_ splits: [CaseSplit], run: String) throws(InterchangeError) {
    guard !exists("\(run)/events.jsonl"), !exists(Checkpoint.path(inRun: run)) else {
      throw InterchangeError(path: run, problem: "holds a run of its own; the folds need another --run")
    }
    let value = JSONValue.array(splits.map(\.json))
    let path = "\(run)/splits.json"
    if exists(path), (try? JSONValue(parsing: fileBytes(path))) != value {
      throw InterchangeError(
        path: path, problem: "is another split than the recipe's: cases of one would leak into the other")
    }
    do {
      try FileManager.default.createDirectory(atPath: run, withIntermediateDirectories: true)
    } catch {
      throw InterchangeError(path: run, problem: "the folder cannot be made")
    }
    let file = try AtomicFile(path)
    try file.write(Array((value.text(indent: 2) + "\n").utf8))
    try file.commit()
  }
}

extension Recipe {
  /// The split of every fold.
  public func splits() throws(DatasetErrors) -> [CaseSplit] {
    let listing = CaseListing(data)
    guard listing.problems.isEmpty else { throw DatasetErrors(listing.problems) }
    var splits: [CaseSplit] = []
    for fold in 0..<(try data.split.foldCount()) {
      splits.append(try data.split.resolved(cases: listing.cases.map(\.name), fold: fold))
    }
    return splits
  }
}

extension Postprocessing {
  /// What `RUN/postprocessing.json` says; nil where there is none.
  ///
  /// - Throws: `InterchangeError` where the file is damaged.
  public static func read(run: String) throws(InterchangeError) -> Postprocessing? {
    let path = "\(run)/\(fileName)"
    guard RunFolder.exists(path) else { return nil }
    guard let json = try? JSONValue(parsing: RunFolder.fileBytes(path)), let value = Postprocessing(json) else {
      throw InterchangeError(path: path, problem: "is damaged")
    }
    return value
  }
}
