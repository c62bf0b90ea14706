import Interchange
import Volumes

#if canImport(FoundationEssentials)
  import FoundationEssentials
#endif
#if canImport(Glibc)
  import Glibc
#endif

/// The folder of a run: `recipe.json`, `splits.json`, `environment.json`, `events.jsonl`, `metrics.csv`,
/// `checkpoints/`, `validation/`, `tensorboard/`.
public final class RunFolder {
  public let path: String
  private var events: Int32 = -1

  /// Makes the folder.
  /// - Throws: `InterchangeError` where it cannot be made, or holds a run already and `resumes` is false.
  public init(_ path: String, resumes: Bool) throws(InterchangeError) {
    self.path = path
    if !resumes, Self.exists("\(path)/events.jsonl") || Self.exists("\(path)/checkpoints/last.safetensors") {
      throw InterchangeError(
        path: path, problem: "holds a run already; --resume continues it, another --run starts a new one")
    }
    for folder in [path, "\(path)/checkpoints", "\(path)/validation"] {
      do {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
      } catch {
        throw InterchangeError(path: folder, problem: "the folder cannot be made")
      }
    }
  }

  deinit { if events >= 0 { close(events) } }

  static func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: path) }

  /// Nothing where the file cannot be read.
  static func fileBytes(_ path: String) -> [UInt8] {
    FileManager.default.contents(atPath: path).map([UInt8].init) ?? []
  }

  /// Writes a text file whole.
  public func write(_ text: String, to name: String) throws(InterchangeError) {
    let file = try AtomicFile("\(path)/\(name)")
    try file.write(Array(text.utf8))
    try file.commit()
  }

  /// Removes a file that holds no longer, if there is one.
  func remove(_ name: String) { try? FileManager.default.removeItem(atPath: "\(path)/\(name)") }

  func text(of name: String) -> String? {
    FileManager.default.contents(atPath: "\(path)/\(name)").map { String(decoding: $0, as: UTF8.self) }
  }

  // MARK: Events

  /// Opens the log. On resuming, what lies past the checkpoint's step (or was cut off by a crash) is removed:
  /// the run takes those steps again.
  ///
  /// - Returns: the losses since the last validation that is kept.
  @discardableResult
  func openLog(keepingUpTo step: Int?) throws(InterchangeError) -> [Double] {
    var losses: [Double] = []
    if let step {
      var kept = ""
      for line in (text(of: "events.jsonl") ?? "").split(separator: "\n") {
        guard let object = (try? JSONValue(parsing: String(line)))?.objectValue else { continue }
        guard (object["step"]?.integerValue ?? 0) <= step else { continue }
        kept += line + "\n"
        switch object["event"] {
        case .string("validation"): losses = []
        case .string("step") where object["skipped"] != .bool(true):
          if let loss = object["loss"]?.doubleValue { losses.append(loss) }
        default: break
        }
      }
      try write(kept, to: "events.jsonl")
      try keepRows(of: "metrics.csv", upTo: step)
      try keepRows(of: Self.caseTable, upTo: step)
    }
    events = try openToAppend("events.jsonl")
    return losses
  }

  /// Rows of a table whose first column is the step; a row that a crash cut off goes too.
  private func keepRows(of name: String, upTo step: Int) throws(InterchangeError) {
    guard let text = text(of: name), !text.isEmpty else { return }
    let rows = text.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
    let kept = rows.enumerated().filter { index, row in
      index == 0 || (row.split(separator: ",").first.flatMap { Int($0) } ?? Int.max) <= step
    }
    try write(kept.map { $0.element + "\n" }.joined(), to: name)
  }

  private func openToAppend(_ name: String) throws(InterchangeError) -> Int32 {
    let file = "\(path)/\(name)"
    let descriptor = open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else {
      throw InterchangeError(path: file, problem: "cannot be opened: \(String(cString: strerror(errno)))")
    }
    return descriptor
  }

  /// One line, handed to the system at once, so that it survives this process.
  func append(_ event: TrainingEvent) throws(InterchangeError) {
    try append(event.line + "\n", to: events, name: "events.jsonl")
  }

  private func append(_ text: String, to descriptor: Int32, name: String) throws(InterchangeError) {
    let bytes = Array(text.utf8)
    var done = 0
    while done < bytes.count {
      let count = bytes.withUnsafeBytes {
        Glibc.write(descriptor, $0.baseAddress! + done, bytes.count - done)
      }
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else {
        throw InterchangeError(
          path: "\(path)/\(name)", problem: "cannot be written: \(String(cString: strerror(errno)))")
      }
      done += count
    }
  }

  // MARK: Metrics

  /// A row of `metrics.csv`; the header where the file is new.
  func appendMetrics(_ validation: TrainingEvent.ValidationFigures, loss: Double, learningRate: Double)
    throws(InterchangeError)
  {
    let header =
      (["step", "meanLoss", "learningRate", "meanDice"] + validation.labels.map { "dice " + $0.name })
      .map(Self.cell).joined(separator: ",") + "\n"
    let before = text(of: "metrics.csv") ?? ""
    let values = [validation.meanDice] + validation.labels.map(\.dice)
    let row =
      (["\(validation.step)", loss.isFinite ? "\(loss)" : "", "\(learningRate)"]
      + values.map { $0.map { "\($0)" } ?? "" }).joined(separator: ",") + "\n"
    try write((before.isEmpty ? header : before) + row, to: "metrics.csv")
  }

  /// Every case and label of every validation, one row each.
  static let caseTable = "validation/cases.csv"

  /// Rows of `validation/cases.csv`: step, whether it was the best so far, then the columns of `MetricsCSV`.
  func appendCases(_ cases: [CaseMetrics], step: Int, isBest: Bool) throws(InterchangeError) {
    let rows = cases.flatMap(MetricsCSV.rows).map { "\(step),\(isBest),\($0)\n" }.joined()
    let header = Self.exists("\(path)/\(Self.caseTable)") ? "" : "step,bestSoFar,\(MetricsCSV.header)\n"
    let descriptor = try openToAppend(Self.caseTable)
    defer { close(descriptor) }
    try append(header + rows, to: descriptor, name: Self.caseTable)
  }

  private static func cell(_ text: String) -> String {
    text.contains { ",\"\n".contains($0) }
      ? "\"" + text.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\""
      : text
  }
}
