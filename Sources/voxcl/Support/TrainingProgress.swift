import VoxCL

#if canImport(Glibc)
  import Glibc
#endif

/// What a run says while it runs: a bar on a terminal, plain lines elsewhere.
final class TrainingProgress {
  private let lastStep: Int
  /// Off a terminal: a line each so many steps.
  private let lines: Int
  private let isTerminal = isatty(STDOUT_FILENO) != 0
  private var secondsPerStep = 0.0
  private var stepsSeen = 0
  private var dice: Double?
  private var loss = 0.0
  private var firstStep = 0
  private var hasBar = false

  init(lastStep: Int, lines: Int) {
    self.lastStep = lastStep
    self.lines = lines
  }

  func begin(at step: Int) {
    firstStep = step
    if step > 0 { line("goes on at step \(step) of \(lastStep)") }
  }

  func line(_ text: String) {
    clear()
    print(text)
    fflush(nil)
  }

  func loading(_ done: Int, _ of: Int) {
    guard isTerminal else { return }
    draw("reading cases \(done) of \(of)")
    if done == of { clear() }
  }

  func validating(_ done: Int, _ of: Int) {
    if isTerminal { draw("validating \(done) of \(of)") }
  }

  func finish(_ text: String) { line(text) }

  func show(_ event: TrainingEvent) {
    switch event {
    case .plan(let plan):
      line(
        "\(plan.parameterCount) parameters; predicted peak \(plan.predictedPeakBytes) bytes "
          + "(\(byteText(plan.predictedPeakBytes))), allocated \(plan.allocatedBytes) bytes")
    case .step(let figures): show(figures)
    case .validation(let v):
      dice = v.meanDice
      let labels = v.labels.map { "\($0.name) \($0.dice.map { decimals($0, 4) } ?? "–")" }
      line(
        "step \(v.step)  validation Dice \(v.meanDice.map { decimals($0, 4) } ?? "–")  "
          + "\(labels.joined(separator: "  "))  \(decimals(v.seconds, 1)) s\(v.isBest ? "  best" : "")")
    case .patch(let step, let labels):
      let texts = labels.map { "\($0.name) \($0.dice.map { decimals($0, 4) } ?? "–")" }
      line("step \(step)  patchDice \(texts.joined(separator: "  "))")
    case .note(let text): line(text.hasPrefix("warning: ") ? text : "note: \(text)")
    case .end: break
    }
  }

  private func show(_ figures: TrainingEvent.StepFigures) {
    // A running mean without the first step, in which a device may still compile kernels.
    stepsSeen += 1
    secondsPerStep = stepsSeen <= 2 ? figures.seconds : 0.95 * secondsPerStep + 0.05 * figures.seconds
    if figures.loss.isFinite {
      loss = loss == 0 ? Double(figures.loss) : 0.9 * loss + 0.1 * Double(figures.loss)
    }
    let left = Self.time(secondsPerStep * Double(lastStep - figures.step))
    let diceText = dice.map { "  Dice \(decimals($0, 3))" } ?? ""
    if isTerminal {
      let width = 24
      let filled = lastStep > 0 ? figures.step * width / lastStep : width
      let bar = String(repeating: "█", count: filled) + String(repeating: "░", count: width - filled)
      draw(
        "\(bar) \(figures.step)/\(lastStep)  loss \(decimals(loss, 4))\(diceText)  "
          + "\(decimals(secondsPerStep, 3)) s/step  \(left) left")
    } else if figures.step % lines == 0 || figures.step == lastStep || figures.step == firstStep + 1 {
      line(
        "step \(figures.step)/\(lastStep)  loss \(decimals(Double(figures.loss), 4))\(diceText)  "
          + "\(decimals(figures.seconds, 3)) s (waited \(decimals(figures.waitSeconds, 3)))  \(left) left"
          + (figures.isSkipped ? "  skipped" : ""))
    }
  }

  private func draw(_ text: String) {
    print("\r\u{1B}[K" + text, terminator: "")
    fflush(nil)
    hasBar = true
  }

  private func clear() {
    guard hasBar else { return }
    print("\r\u{1B}[K", terminator: "")
    hasBar = false
  }

  /// 3725 → "1:02:05".
  static func time(_ seconds: Double) -> String {
    let total = Int(max(0, min(seconds, 1e9)).rounded())
    func two(_ n: Int) -> String { n < 10 ? "0\(n)" : "\(n)" }
    let (hours, minutes) = (total / 3600, total / 60 % 60)
    return hours > 0 ? "\(hours):\(two(minutes)):\(two(total % 60))" : "\(minutes):\(two(total % 60))"
  }
}
