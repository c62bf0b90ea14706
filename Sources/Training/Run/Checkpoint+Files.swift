import ExecutionPlan
import Interchange
import LayerGraph
import Volumes

#if canImport(FoundationEssentials)
  import FoundationEssentials
#endif

// A checkpoint is one safetensors file: `param/NAME`, `state/moment.I/NAME`, `state/BUFFER`,
// `state/deviceScalars`; the rest is in its metadata. Nothing in it depends on the clock: two runs of one
// seed give the same bytes.
extension Checkpoint {
  static let format = "voxcl-checkpoint-1"

  public enum Which: String, Sendable { case last, best }

  /// `RUN/checkpoints/last.safetensors`.
  public static func path(inRun folder: String, _ which: Which = .last) -> String {
    "\(folder)/checkpoints/\(which.rawValue).safetensors"
  }

  // MARK: Writing

  /// Writes under a temporary name, flushes, renames: a full disk leaves the file that was there before.
  public func write(to path: String) throws(InterchangeError) {
    typealias Entry = SafetensorsWriter.Entry
    var entries = parameterRecords.map { Entry(name: "param/\($0.name)", type: .float32, shape: $0.shape) }
    for index in state.moments.indices {
      entries += parameterRecords.map {
        Entry(name: "state/moment.\(index)/\($0.name)", type: .float32, shape: $0.shape)
      }
    }
    entries += bufferRecords.map { Entry(name: "state/\($0.name)", type: .float32, shape: $0.shape) }
    entries.append(Entry(name: "state/deviceScalars", type: .uint32, shape: [state.deviceScalars.count]))
    let writer = try SafetensorsWriter(path: path, entries: entries, metadata: metadata)
    func append(_ values: [Float], _ records: [ParameterRecord], _ prefix: String) throws(InterchangeError) {
      for record in records {
        let first = record.offsetInElements
        try writer.append(prefix + record.name, Array(values[first..<first + record.count]))
      }
    }
    try append(state.weights, parameterRecords, "param/")
    for (index, moment) in state.moments.enumerated() {
      try append(moment, parameterRecords, "state/moment.\(index)/")
    }
    try append(state.buffers, bufferRecords, "state/")
    try writer.append("state/deviceScalars", state.deviceScalars)
    try writer.commit()
  }

  private var metadata: [String: String] {
    var metadata = [
      "format": Self.format, "model": recipe.model.name, "recipe": recipe.compactJSON, "step": "\(step)",
      "classes": JSONValue.array(
        classes.map { ["name": .string($0.name), "id": .integer(Int($0.id))] }
      ).text(),
      "channels": JSONValue.array(channels.map(JSONValue.string)).text(),
      "statistics": JSONValue.array(statistics.map(\.json)).text(), "plateau": plateau.json.text(),
      "earlyStop": earlyStop.json.text(), "watchedLoss": watchedLoss.json.text(),
    ]
    if let best {
      metadata["best"] =
        JSONValue.object(["step": .integer(best.step), "meanDice": .number(best.meanDice)]).text()
    }
    if let postprocessing { metadata["postprocessing"] = postprocessing.json.text() }
    return metadata
  }

  // MARK: Reading

  /// Reads a checkpoint file, or the one of a run folder.
  /// - Throws: `InterchangeError` where the file is missing, damaged or no checkpoint; `RecipeErrors` where
  ///   its recipe is unsound.
  public static func read(_ path: String, _ which: Which = .last) throws -> Checkpoint {
    var isFolder = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
      throw InterchangeError(path: path, problem: "no such checkpoint or run folder")
    }
    guard isFolder else { return try Checkpoint(SafetensorsFile.read(path)) }
    let file = Self.path(inRun: path, which)
    guard FileManager.default.fileExists(atPath: file) else {
      throw InterchangeError(
        path: path, problem: "is no run folder with a checkpoint: \(file) does not exist")
    }
    return try Checkpoint(SafetensorsFile.read(file))
  }

  private init(_ file: SafetensorsFile) throws {
    let path = file.path
    func text(_ key: String) throws(InterchangeError) -> String {
      guard let value = file.metadata[key] else {
        throw InterchangeError(path: path, problem: "is no VoxCL checkpoint: its metadata has no \"\(key)\"")
      }
      return value
    }
    func json(_ key: String) throws -> JSONValue {
      let source = try text(key)
      do {
        return try JSONValue(parsing: source)
      } catch {
        throw InterchangeError(path: path, problem: "metadata \"\(key)\": \(error)")
      }
    }
    func damaged(_ what: String) -> InterchangeError {
      InterchangeError(path: path, problem: "\(what) is damaged")
    }
    guard try text("format") == Self.format else {
      throw InterchangeError(
        path: path, problem: "found format \"\(try text("format"))\", expected \"\(Self.format)\"")
    }
    guard let step = Int(try text("step")), step >= 0 else { throw damaged("the step") }
    let classes = try (json("classes").arrayValue ?? []).map { entry throws in
      guard let name = entry.objectValue?["name"]?.stringValue,
        let id = entry.objectValue?["id"]?.integerValue.flatMap(Int32.init(exactly:))
      else { throw damaged("a class") }
      return ClassLabel(name: name, id: id)
    }
    let statistics = try (json("statistics").arrayValue ?? []).map { entry throws in
      guard let value = ForegroundStatistics(entry) else { throw damaged("the statistics") }
      return value
    }
    guard let plateau = PlateauState(try json("plateau")) else { throw damaged("the plateau's state") }
    var best: BestValidation?
    if file.metadata["best"] != nil {
      let object = try json("best").objectValue
      guard let at = object?["step"]?.integerValue, let dice = object?["meanDice"]?.doubleValue else {
        throw damaged("the best validation")
      }
      best = BestValidation(step: at, meanDice: dice)
    }
    let parts = try Self.tensors(of: file)
    self.init(
      recipe: try Recipe(json: try text("recipe"), path: path), classes: classes,
      channels: try (json("channels").arrayValue ?? []).compactMap(\.stringValue), statistics: statistics,
      step: step, plateau: plateau, best: best, parameterRecords: parts.parameters,
      bufferRecords: parts.buffers, state: parts.state)
    // Checkpoints of version 0.1 have none of these.
    func optional<Value>(_ key: String, _ read: (JSONValue) -> Value?) throws -> Value? {
      guard file.metadata[key] != nil else { return nil }
      guard let value = read(try json(key)) else { throw damaged("metadata \"\(key)\"") }
      return value
    }
    earlyStop = try optional("earlyStop", EarlyStopState.init(_:)) ?? EarlyStopState()
    watchedLoss = try optional("watchedLoss", LossMean.init(_:)) ?? LossMean()
    postprocessing = try optional("postprocessing", Postprocessing.init(_:))
  }

  private static func tensors(
    of file: SafetensorsFile
  ) throws(InterchangeError) -> (
    parameters: [ParameterRecord], buffers: [ParameterRecord], state: TrainingSession.State
  ) {
    var parameters: [ParameterRecord] = []
    var buffers: [ParameterRecord] = []
    var weights: [Float] = []
    var running: [Float] = []
    for tensor in file.tensors {
      if tensor.name.hasPrefix("param/") {
        let name = String(tensor.name.dropFirst(6))
        parameters.append(ParameterRecord(name: name, shape: tensor.shape, offsetInElements: weights.count))
        weights += try file.floats(tensor.name)
      } else if tensor.name.hasPrefix("state/"), !tensor.name.hasPrefix("state/moment."),
        tensor.name != "state/deviceScalars"
      {
        let name = String(tensor.name.dropFirst(6))
        buffers.append(ParameterRecord(name: name, shape: tensor.shape, offsetInElements: running.count))
        running += try file.floats(tensor.name)
      }
    }
    guard !parameters.isEmpty else { throw InterchangeError(path: file.path, problem: "holds no parameters") }
    var moments: [[Float]] = []
    while file.info("state/moment.\(moments.count)/\(parameters[0].name)") != nil {
      var moment: [Float] = []
      for parameter in parameters {
        let name = "state/moment.\(moments.count)/\(parameter.name)"
        let values = try file.floats(name)
        guard values.count == parameter.count else {
          throw InterchangeError(path: file.path, problem: "\(name) has another shape than its parameter")
        }
        moment += values
      }
      moments.append(moment)
    }
    let scalars = try file.tensor("state/deviceScalars")
    guard scalars.type == .uint32, scalars.shape == [scalars.bytes.count / 4] else {
      throw InterchangeError(path: file.path, problem: "state/deviceScalars is no list of U32")
    }
    let words = scalars.bytes.withUnsafeBytes { bytes in
      (0..<bytes.count / 4).map {
        UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: 4 * $0, as: UInt32.self))
      }
    }
    return (
      parameters, buffers,
      TrainingSession.State(weights: weights, moments: moments, buffers: running, deviceScalars: words)
    )
  }
}
