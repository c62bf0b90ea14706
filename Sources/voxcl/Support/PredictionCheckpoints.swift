import VoxCL

/// The checkpoints that `--checkpoint` names, a folder of folds taken apart, and the clean-up that goes with them.
struct PredictionCheckpoints {
  var paths: [String] = []
  var checkpoints: [Checkpoint] = []
  /// nil where none was decided, or the checkpoints of an ensemble disagree.
  var postprocessing: Postprocessing?
  var postprocessingText = "no post-processing: no validation decided any"

  init(_ names: [String]) throws {
    var decisions: [Postprocessing?] = []
    for name in names {
      let folds = try RunFolder.folds(of: name)
      for path in folds ?? [name] {
        paths.append(path)
        checkpoints.append(try Checkpoint.read(path))
        if folds == nil { decisions.append(checkpoints[checkpoints.count - 1].postprocessing) }
      }
      // Decided over the cases of all folds.
      if folds != nil { decisions.append(try Postprocessing.read(run: name)) }
    }
    for (path, other) in zip(paths, checkpoints).dropFirst() {
      guard other.outputs == checkpoints[0].outputs, other.channels == checkpoints[0].channels else {
        throw UserError("\(path): its classes or channels differ from those of \(paths[0]); no ensemble")
      }
    }
    decide(decisions)
  }

  private mutating func decide(_ decisions: [Postprocessing?]) {
    func same(_ a: Postprocessing?, _ b: Postprocessing?) -> Bool {
      a?.connectivity == b?.connectivity && a?.keepsLargestForeground == b?.keepsLargestForeground
        && a?.labels == b?.labels
    }
    guard decisions.allSatisfy({ same($0, decisions[0]) }) else {
      postprocessingText = "no post-processing: the validations of these checkpoints decided differently"
      return
    }
    guard let decision = decisions[0] else { return }
    if !decision.changesNothing { postprocessing = decision }
    postprocessingText =
      "post-processing: \(decision.text), as \(decision.caseCount) validation cases decided"
      + (decision.changesNothing ? "" : " (--no-postprocessing leaves it out)")
  }
}
