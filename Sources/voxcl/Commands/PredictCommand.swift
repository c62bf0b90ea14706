import ArgumentParser
import FoundationEssentials
import VoxCL

#if canImport(Glibc)
  import Glibc
#endif

struct PredictCommand: ReportingCommand {
  static let configuration = CommandConfiguration(
    commandName: "predict", abstract: "Segments volumes with one checkpoint or an ensemble.",
    discussion: """
      INPUT is a NIfTI file, or a folder of cases (nnU-Net's CASE_0000 names are channels). The label volume has the \
      input's shape, affine, qform and sform, whatever axes it is stored in. Windows are blended as probabilities in \
      fp32; several checkpoints are averaged as probabilities on the input's own grid (of several channels on \
      different grids, the first one's, where the recipe says data.resampleChannels); a folder of folds (train \
      --fold all) stands for all of them. Overlap, mirrored axes, preprocessing and the largest-component clean-up \
      that validation decided come from the checkpoint.
      """)

  @Option(
    parsing: .upToNextOption, help: "Run folder (its last checkpoint) or file; several are an ensemble.")
  var checkpoint: [String]
  @Argument(help: "NIfTI file or folder of cases.") var input: String?
  @Option(name: .shortAndLong, help: "NIfTI file to write, or a folder.") var output: String
  @Option(help: "name=FILE: a further channel of INPUT, by the checkpoint's name for it (repeatable).")
  var channel: [String] = []
  @Option(help: "Folder for each class's probabilities, CASE_CLASS.nii.gz.") var probabilities: String?
  @Option(help: "Share of the patch that neighbouring windows have in common, 0 to below 1.") var overlap:
    Double?
  @Flag(help: "Average over mirrored copies, along the axes that training mirrored.") var mirror = false
  @Option(help: "Most bytes on the device and of the host's arrays, such as 8GiB.") var memoryBudget: ByteCount?
  @OptionGroup var device: DeviceOption
  @Flag(
    inversion: .prefixedNo,
    help: "Keep the largest component of the classes for which validation decided so. Probabilities stay as they are.")
  var postprocessing = true
  @Flag(help: "Print JSON: one entry a case.") var json = false

  struct Report: Encodable {
    struct Case: Encodable {
      var name: String
      /// Of the host's memory, predicted before the scan was read.
      var hostBytes: Int
      var output: String
      var voxels: [String: Int]
      var seconds: Double
    }
    var device: String
    var allocatedBytes: Int
    var checkpoints: [String]
    /// In words.
    var postprocessing: String
    var cases: [Case]
  }

  /// `--checkpoint A B INPUT`: the option takes all names that follow, so the last of them may be the input.
  mutating func validate() throws {
    if input == nil && checkpoint.count > 1 { input = checkpoint.removeLast() }
    guard input != nil else {
      throw ValidationError("expected --checkpoint RUN_OR_FILE… INPUT -o OUT; there is no INPUT")
    }
  }

  func perform() throws {
    if let overlap, !(overlap >= 0 && overlap < 1) {
      throw UserError("--overlap \(overlap): expected 0 or more and below 1")
    }
    let files = try PredictionCheckpoints(checkpoint)
    let checkpoints = files.checkpoints
    let first = checkpoints[0]
    let jobs = try PredictionJobs(
      input: input ?? "", output: output, extraChannels: channel, channelNames: first.channels,
      resamplesChannels: first.recipe.data.resampleChannels
    ).jobs
    let device = try device.choose()
    let cleaning = postprocessing ? files.postprocessing : nil
    var networks = try load(files, on: device, budget: memoryBudget?.bytes)
    var predictor = predictor(networks, first.outputs)
    if let budget = memoryBudget?.bytes, networks.contains(where: { $0.batch > 1 }) {
      // The scans need their part of it: smaller batches on the device where both do not go together.
      let host = try jobs.map { try leastHostBytes($0, predictor) }.max() ?? 0
      if networks.reduce(host, { $0 + $1.allocatedBytes }) > budget {
        networks = []
        networks = try load(files, on: device, budget: budget - host)
        predictor = self.predictor(networks, first.outputs)
      }
    }
    var report = Report(
      device: device.description.id, allocatedBytes: networks.reduce(0) { $0 + $1.allocatedBytes },
      checkpoints: files.paths, postprocessing: cleaning?.text ?? "none", cases: [])
    if !json {
      print("\(device.description.name) (\(device.description.id)), \(byteText(report.allocatedBytes))")
      if checkpoints.count > 1 {
        print("mean of \(checkpoints.count) networks: \(files.paths.joined(separator: ", "))")
      }
      print(postprocessing ? files.postprocessingText : "no post-processing, as asked")
    }
    var failures = 0
    for job in jobs {
      do {
        let entry = try predict(
          job, predictor, first.outputs, cleaning: cleaning, allocated: report.allocatedBytes)
        report.cases.append(entry)
        if !json { printCase(entry, classes: first.classes) }
      } catch  where jobs.count > 1 && (error is VolumeError || error is PredictionError) {
        // One bad file of many does not keep the others from their labels; the exit code says that it was
        // there.
        standardError("voxcl: \(error)")
        failures += 1
      }
    }
    if json { try printJSON(report) }
    guard failures == 0 else { throw ExitCode(ExitStatus.data) }
  }

  private func load(
    _ files: PredictionCheckpoints, on device: any Device, budget: Int?
  ) throws -> [CheckpointNetwork] {
    try zip(files.checkpoints, files.paths).map {
      try CheckpointNetwork(
        $0, path: $1, on: device, memoryBudget: budget.map { max(0, $0 / files.checkpoints.count) })
    }
  }

  private func predictor(_ networks: [CheckpointNetwork], _ outputs: NetworkOutputs) -> VolumePredictor {
    VolumePredictor(
      members: networks.map {
        $0.member(overlap: overlap, mirror: mirror ? $0.checkpoint.recipe.trainedMirrors : nil)
      }, decision: outputs.decision)
  }

  private func leastHostBytes(_ job: PredictionJobs.Job, _ predictor: VolumePredictor) throws -> Int {
    try naming(job) {
      try predictor.memory(
        for: grid(job), furtherVoxels: furtherVoxels(job), collectsProbabilities: probabilities != nil,
        limitInBytes: 0
      ).leastBytes
    }
  }

  /// Faults of a step have no file of their own.
  private func naming<Result>(_ job: PredictionJobs.Job, _ body: () throws -> Result) throws -> Result {
    do {
      return try body()
    } catch let error as VolumeError where !job.files.contains(error.path) {
      throw VolumeError(job.files[0], "preprocessing: \(error)")
    }
  }

  private func furtherVoxels(_ job: PredictionJobs.Job) throws -> Int {
    guard job.resamplesChannels else { return 0 }
    return try job.files.dropFirst().map { path in
      let header = try NiftiFile.readHeader(path).0
      return header.size.x * header.size.y * header.size.z * header.channelCount
    }.max() ?? 0
  }

  private func grid(_ job: PredictionJobs.Job) throws -> VolumeGrid {
    let (header, geometry) = try NiftiFile.readHeader(job.files[0])
    return VolumeGrid(size: header.size, affine: geometry.affine)
  }

  /// What a case takes on the host, from its header alone; printed before its voxels are read.
  private func hostMemory(
    _ job: PredictionJobs.Job, _ predictor: VolumePredictor, allocated: Int
  ) throws -> PredictionMemory {
    let grid = try grid(job)
    // What a device that shares the host's memory takes is the host's, too.
    let left = memoryBudget.map { $0.bytes - allocated }
    let memory = try naming(job) {
      try predictor.memory(
        for: grid, furtherVoxels: furtherVoxels(job), collectsProbabilities: probabilities != nil,
        limitInBytes: left)
    }
    if let left, memory.bytes > left {
      throw PredictionError(
        "\(job.files[0]): \(sizeText(grid)) voxels of \(predictor.decision.count) classes need "
          + "\(byteText(allocated + memory.leastBytes)) at least, --memory-budget has "
          + byteText(memoryBudget!.bytes))
    }
    if !json {
      print(
        "\(job.name): \(sizeText(grid)) voxels, \(byteText(memory.bytes)) on the host "
          + "(\(byteText(memory.blendingBytes)) of it to blend windows), \(byteText(memory.bytes + allocated)) in all")
      fflush(nil)
    }
    return memory
  }

  private func sizeText(_ grid: VolumeGrid) -> String { "\(grid.size.x)×\(grid.size.y)×\(grid.size.z)" }

  private func predict(
    _ job: PredictionJobs.Job, _ predictor: VolumePredictor, _ outputs: NetworkOutputs, cleaning: Postprocessing?,
    allocated: Int
  ) throws -> Report.Case {
    let start = monotonicSeconds()
    let memory = try hostMemory(job, predictor, allocated: allocated)
    var predictor = predictor
    predictor.blendingBudgetInBytes = memory.blendingBytes
    let scan = try job.read()
    for warning in scan.warnings { standardError("voxcl: \(warning)") }
    let progress = ProgressLine(job.name)
    defer { progress.end() }
    var prediction = try naming(job) {
      try predictor(scan.channels, collectsProbabilities: probabilities != nil, progress: progress.show)
    }
    if let folder = job.outputFolder { try makeFolder(folder) }
    if let folder = probabilities {
      try makeFolder(folder)
      for (volume, name) in zip(prediction.probabilities, outputs.names) {
        try NiftiFile.write(volume, like: scan.header, to: "\(folder)/\(job.name)_\(name).nii.gz")
      }
    }
    cleaning?(&prediction.labels, classes: outputs.classes)
    try NiftiFile.writeLabels(prediction.labels, like: scan.header, to: job.output)
    var voxels: [Int32: Int] = [:]
    prediction.labels.voxels.withUnsafeBufferPointer { v in for id in v { voxels[id, default: 0] += 1 } }
    return Report.Case(
      name: job.name, hostBytes: memory.bytes, output: job.output,
      voxels: Dictionary(uniqueKeysWithValues: outputs.classes.map { ($0.name, voxels[$0.id] ?? 0) }),
      seconds: monotonicSeconds() - start)
  }

  private func printCase(_ entry: Report.Case, classes: [ClassLabel]) {
    let found = classes.dropFirst().map { "\($0.name) \(entry.voxels[$0.name] ?? 0)" }.joined(separator: ", ")
    print("\(entry.output): voxels of \(found); \(decimals(entry.seconds, 1)) s")
  }
}
