import ArgumentParser
import FoundationEssentials
import VoxCL

/// What to predict and where to write it; every header is read before the first network runs.
struct PredictionJobs {
  struct Job {
    var name: String
    /// One a channel, or one with all of them.
    var files: [String]
    var output: String
    /// To be made before writing.
    var outputFolder: String?
    /// As the checkpoint's recipe says of its data.
    var resamplesChannels = false

    /// The scan's channels on the first file's grid.
    func read() throws -> StoredChannels { try StoredChannels(files, resampling: resamplesChannels) }
  }

  var jobs: [Job]

  init(
    input: String, output: String, extraChannels: [String], channelNames: [String], resamplesChannels: Bool
  ) throws {
    if try ScanFiles.isFolder(input) {
      guard extraChannels.isEmpty else {
        throw UserError("--channel: goes with one input file, not with a folder")
      }
      if NiftiFile.accepts(output) {
        throw UserError("-o \(output): the input is a folder, so the output is one, too")
      }
      jobs = try ScanFiles.cases(in: input).map { entry in
        Job(
          name: entry.name, files: entry.files, output: "\(output)/\(entry.name).nii.gz", outputFolder: output
        )
      }
    } else {
      let files = try Self.files(input, extraChannels, channelNames)
      let name = ScanFiles.stem(input)
      jobs =
        NiftiFile.accepts(output)
        ? [Job(name: name, files: files, output: output, outputFolder: nil)]
        : [Job(name: name, files: files, output: "\(output)/\(name).nii.gz", outputFolder: output)]
    }
    for index in jobs.indices { jobs[index].resamplesChannels = resamplesChannels }
    let problems = jobs.compactMap { Self.problem($0, channelNames) }
    guard problems.isEmpty else { throw UserError(problems.joined(separator: "\nvoxcl: ")) }
  }

  /// INPUT is the channel that no `--channel` names.
  private static func files(_ input: String, _ extra: [String], _ names: [String]) throws -> [String] {
    guard !extra.isEmpty else { return [input] }
    var byName: [String: String] = [:]
    for text in extra {
      let sides = text.split(separator: "=", maxSplits: 1).map { String($0) }
      guard sides.count == 2, names.contains(sides[0]), byName[sides[0]] == nil else {
        throw UserError(
          "--channel \(text): expected name=FILE with a name once of \(names.joined(separator: ", "))")
      }
      byName[sides[0]] = sides[1]
    }
    let open = names.filter { byName[$0] == nil }
    guard open.count == 1 else {
      throw UserError(
        "--channel: \(byName.count) of \(names.count) channels named; INPUT stands for exactly one more "
          + "(of \(names.joined(separator: ", ")))")
    }
    return names.map { byName[$0] ?? input }
  }

  private static func problem(_ job: Job, _ channelNames: [String]) -> String? {
    do {
      var count = 0
      for file in job.files { count += try NiftiFile.readHeader(file).0.channelCount }
      guard count == channelNames.count else {
        return "\(job.files[0]): \(count) channel\(count == 1 ? "" : "s") found, the checkpoint takes "
          + "\(channelNames.count): \(channelNames.joined(separator: ", "))"
      }
      return nil
    } catch {
      return "\(error)"
    }
  }
}

/// Bytes, written `8GiB`, `500MB` or plainly.
struct ByteCount: ExpressibleByArgument {
  var bytes: Int

  init?(argument: String) {
    guard let bytes = byteCount(of: argument) else { return nil }
    self.bytes = bytes
  }
}
