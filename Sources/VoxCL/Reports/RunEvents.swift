import FoundationEssentials
import Interchange
import RealModule
import Volumes

/// What a run folder's `events.jsonl` says, as far as a report shows it.
struct RunEvents {
  struct Step {
    var step: Int
    var loss: Double
    var learningRate: Double
    var gradientNorm: Double
    var isSkipped: Bool
    var seconds: Double
    var waitSeconds: Double
  }

  struct Validation {
    var step: Int
    /// By label in the order of the event; nil where no case has the label.
    var dice: [(label: String, dice: Double?)]
    var meanDice: Double?
    /// By case, then by label in the same order.
    var cases: [(name: String, dice: [Double?])] = []
  }

  var predictedPeakBytes: Int?
  var allocatedBytes: Int?
  var device: String?
  var steps: [Step] = []
  var validations: [Validation] = []
  /// First step of each stage but the first, with the stage's number from 0.
  var stages: [(step: Int, stage: Int)] = []
  /// Why the run ended; nil while it goes on.
  var end: (step: Int, reason: String)?
  /// Of an overfit check: Dice on its one patch.
  var patches: [Validation] = []

  /// Lines that are no event (the last one of a run that is being written) are passed over.
  init(path: String) throws(ReportError) {
    guard let data = try? Data(contentsOf: URL(filePath: path)) else {
      throw ReportError(path: path, problem: "cannot be read; a report needs a run folder with its events")
    }
    for line in data.split(separator: UInt8(ascii: "\n")) {
      guard let value = try? JSONValue(parsing: Array(line)), let event = value.objectValue else { continue }
      add(event)
    }
  }

  private mutating func add(_ event: JSONObject) {
    func number(_ key: String) -> Double { event[key]?.doubleValue ?? .nan }
    let step = event["step"]?.integerValue ?? 0
    switch event["event"]?.stringValue {
    case "plan":
      predictedPeakBytes = event["predictedPeakBytes"]?.integerValue
      allocatedBytes = event["allocatedBytes"]?.integerValue
      device = event["device"]?.stringValue ?? device
    case "step":
      // A resumed run repeats steps past its checkpoint: the later line counts.
      while let last = steps.last, last.step >= step { steps.removeLast() }
      while let last = stages.last, last.step >= step { stages.removeLast() }
      end = nil
      if let stage = event["stage"]?.integerValue, stage > 0, stages.last?.stage != stage {
        stages.append((step, stage))
      }
      steps.append(
        Step(
          step: step, loss: number("loss"), learningRate: number("learningRate"),
          gradientNorm: number("gradientNorm"), isSkipped: event["skipped"]?.boolValue ?? false,
          seconds: number("seconds"), waitSeconds: number("waitSeconds")))
    case "validation":
      while let last = validations.last, last.step >= step { validations.removeLast() }
      var validation = Validation(
        step: step, dice: Self.dice(event["dice"]), meanDice: event["meanDice"]?.doubleValue)
      validation.cases = (event["cases"]?.objectValue?.members ?? []).map { entry in
        let dice = Self.dice(entry.value)
        return (
          entry.key, validation.dice.map { label in dice.first { $0.label == label.label }?.dice ?? nil }
        )
      }
      validations.append(validation)
    case "end": end = (step, event["reason"]?.stringValue ?? "")
    case "patch":
      while let last = patches.last, last.step >= step { patches.removeLast() }
      let dice = Self.dice(event["patchDice"])
      patches.append(Validation(step: step, dice: dice, meanDice: MeanMetric(dice.map(\.dice)).mean))
    default: break
    }
  }
}

extension RunEvents {
  private static func dice(_ value: JSONValue?) -> [(label: String, dice: Double?)] {
    (value?.objectValue?.members ?? []).map { ($0.key, $0.value.doubleValue) }
  }

  /// Exponential mean of the losses with a half-life of so many steps.
  func smoothedLoss(halfLife: Double) -> [(x: Double, y: Double)] {
    var mean = Double.nan
    let keep = halfLife > 0 ? Double.exp2(-1 / halfLife) : 0
    return steps.compactMap { step in
      guard step.loss.isFinite else { return nil }
      mean = mean.isNaN ? step.loss : keep * mean + (1 - keep) * step.loss
      return (Double(step.step), mean)
    }
  }
}
