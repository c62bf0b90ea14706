import Interchange

#if canImport(FoundationEssentials)
  import FoundationEssentials
#endif

/// `RUN/tensorboard/`: the run's scalars and pictures as TensorBoard reads them. A resumed run takes what lies past
/// its checkpoint out of the files that are there and goes on in a new one.
final class TensorBoardLog {
  private let file: TensorBoardFile
  private let now: () -> Double

  /// - Parameters:
  ///   - step: steps done; nothing of a later one is kept.
  ///   - now: seconds since 1970.
  init(
    runFolder: String, keepingUpTo step: Int, now: @escaping () -> Double = { Date().timeIntervalSince1970 }
  ) throws(InterchangeError) {
    let folder = "\(runFolder)/tensorboard"
    do {
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    } catch {
      throw InterchangeError(path: folder, problem: "the folder cannot be made")
    }
    let names = ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [])
      .filter { $0.hasPrefix(TensorBoardFile.prefix) }.sorted()
    for name in names {
      let path = "\(folder)/\(name)"
      guard let bytes = FileManager.default.contents(atPath: path).map([UInt8].init) else { continue }
      let kept = TensorBoardFile.records(of: bytes, upTo: step)
      guard kept != bytes else { continue }
      let replacement = try AtomicFile(path)
      try replacement.write(kept)
      try replacement.commit()
    }
    self.now = now
    file = try TensorBoardFile(folder: folder, after: names, wallTime: now(), startingAt: step + 1)
  }

  func append(_ event: TrainingEvent) throws(InterchangeError) {
    var scalars: [(tag: String, value: Float)] = []
    switch event {
    case .step(let s):
      scalars = [
        ("train/loss", s.loss), ("train/learning_rate", Float(s.learningRate)),
        ("train/gradient_norm", s.gradientNorm), ("train/seconds_per_step", Float(s.seconds)),
        ("train/share_waiting_for_data", s.seconds > 0 ? Float(s.waitSeconds / s.seconds) : 0),
      ]
      if let limits = s.renormLimits {
        scalars += [("train/renorm_r_max", Float(limits.rMax)), ("train/renorm_d_max", Float(limits.dMax))]
      }
    case .validation(let v):
      if let mean = v.meanDice { scalars.append(("validation/mean_dice", Float(mean))) }
      scalars += v.labels.compactMap { label in label.dice.map { ("validation/dice/\(label.name)", Float($0)) } }
    case .patch(_, let labels):
      scalars = labels.compactMap { label in label.dice.map { ("patch/dice/\(label.name)", Float($0)) } }
    case .plan, .note, .end: return
    }
    guard let step = event.step, !scalars.isEmpty else { return }
    try write(scalars.map { TensorBoardEvent.Value($0.tag, .scalar($0.value)) }, step)
  }

  func append(_ picture: OverlayPicture, name: String, step: Int) throws(InterchangeError) {
    try write(
      [.init("validation/\(name)", .png(picture.png, width: picture.width, height: picture.height))], step)
  }

  private func write(_ values: [TensorBoardEvent.Value], _ step: Int) throws(InterchangeError) {
    try file.append(TensorBoardEvent(wallTime: now(), step: step, content: .summary(values)))
  }
}
