import VoxCL

/// Predictions with their references, matched by name.
struct LabelPairs {
  struct Pair {
    var name: String
    var prediction: String
    var reference: String

    /// Both in RAS+ axes, so that the storage order of either does not matter.
    func read() throws -> (prediction: LabelVolume, reference: LabelVolume) {
      let predicted = try NiftiFile.readLabels(prediction, allowingNegativeIds: true)
      let referred = try NiftiFile.readLabels(reference, allowingNegativeIds: true)
      return (predicted.labels.reorientedToRAS().labels, referred.labels.reorientedToRAS().labels)
    }
  }

  var pairs: [Pair]

  /// Two files, or two folders: every reference must have its prediction.
  init(prediction: String, reference: String) throws {
    let (isFolder, otherIsFolder) = (try ScanFiles.isFolder(prediction), try ScanFiles.isFolder(reference))
    guard isFolder == otherIsFolder else {
      throw UserError(
        "\(prediction) is a \(isFolder ? "folder" : "file"), \(reference) a \(otherIsFolder ? "folder" : "file"); "
          + "expected two files or two folders")
    }
    guard isFolder else {
      pairs = [Pair(name: ScanFiles.stem(prediction), prediction: prediction, reference: reference)]
      return
    }
    let predicted = try ScanFiles.volumes(in: prediction)
    let referred = try ScanFiles.volumes(in: reference)
    guard !referred.isEmpty else { throw UserError("\(reference): no NIfTI files in this folder") }
    pairs = []
    var missing: [String] = []
    for file in referred {
      let name = ScanFiles.stem(file)
      if let match = predicted.first(where: { ScanFiles.stem($0) == name }) {
        pairs.append(Pair(name: name, prediction: match, reference: file))
      } else {
        missing.append(name)
      }
    }
    guard missing.isEmpty else {
      throw UserError(
        "\(prediction): no prediction for \(missing.count) of \(referred.count) references: "
          + missing.prefix(5).joined(separator: ", ") + (missing.count > 5 ? " …" : ""))
    }
  }
}
