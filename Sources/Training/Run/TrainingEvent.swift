import Interchange
import Volumes

/// What happens in a run: one line of `events.jsonl` each.
public enum TrainingEvent: Sendable {
  case plan(PlanFigures)
  case step(StepFigures)
  case validation(ValidationFigures)
  /// Dice on the one patch of an overfit check.
  case patch(step: Int, dice: [LabelDice])
  case note(String)
  case end(step: Int, reason: String)

  public struct PlanFigures: Sendable {
    public var predictedPeakBytes: Int
    public var allocatedBytes: Int
    public var device: String
    public var parameterCount: Int
  }

  public struct StepFigures: Sendable {
    /// From 1.
    public var step: Int
    public var loss: Float
    public var learningRate: Double
    public var gradientNorm: Float
    public var lossScale: Float
    public var isSkipped: Bool
    /// Of the whole step, waiting included.
    public var seconds: Double
    /// Spent waiting for the data.
    public var waitSeconds: Double
    /// Of a staged run: the stage from 0, and the limits of batch renorm.
    public var stage: Int?
    public var renormLimits: RenormLimits?
  }

  public struct LabelDice: Sendable {
    public var name: String
    /// nil where it is undefined in every case.
    public var dice: Double?
  }

  public struct ValidationFigures: Sendable {
    public var step: Int
    public var labels: [LabelDice]
    public var meanDice: Double?
    public var cases: [(name: String, labels: [LabelDice])]
    public var isBest: Bool
    public var seconds: Double
  }

  /// The step that it belongs to; nil where none.
  public var step: Int? {
    switch self {
    case .step(let figures): figures.step
    case .validation(let figures): figures.step
    case .patch(let step, _), .end(let step, _): step
    case .plan, .note: nil
    }
  }

  /// One line of JSON without its line break.
  public var line: String { json.text() }

  var json: JSONValue {
    switch self {
    case .plan(let plan):
      return [
        "event": .string("plan"), "predictedPeakBytes": .integer(plan.predictedPeakBytes),
        "allocatedBytes": .integer(plan.allocatedBytes), "device": .string(plan.device),
        "parameters": .integer(plan.parameterCount),
      ]
    case .step(let s):
      var object: JSONObject = [
        "event": .string("step"), "step": .integer(s.step), "loss": .short(s.loss),
        "learningRate": .number(s.learningRate), "gradientNorm": .short(s.gradientNorm),
        "lossScale": .short(s.lossScale), "skipped": .bool(s.isSkipped), "seconds": .rounded(s.seconds),
        "waitSeconds": .rounded(s.waitSeconds),
      ]
      if let stage = s.stage { object["stage"] = .integer(stage) }
      if let limits = s.renormLimits {
        object["rMax"] = .number(limits.rMax)
        object["dMax"] = .number(limits.dMax)
      }
      if !s.loss.isFinite || !s.gradientNorm.isFinite { object["finite"] = .bool(false) }
      return .object(object)
    case .validation(let v):
      var cases = JSONObject()
      for entry in v.cases { cases[entry.name] = Self.dice(entry.labels) }
      return [
        "event": .string("validation"), "step": .integer(v.step), "dice": Self.dice(v.labels),
        "meanDice": v.meanDice.map(JSONValue.number) ?? .null, "best": .bool(v.isBest),
        "seconds": .rounded(v.seconds), "cases": .object(cases),
      ]
    case .patch(let step, let labels):
      return ["event": .string("patch"), "step": .integer(step), "patchDice": Self.dice(labels)]
    case .note(let text): return ["event": .string("note"), "text": .string(text)]
    case .end(let step, let reason):
      return ["event": .string("end"), "step": .integer(step), "reason": .string(reason)]
    }
  }

  private static func dice(_ labels: [LabelDice]) -> JSONValue {
    var object = JSONObject()
    for label in labels { object[label.name] = label.dice.map(JSONValue.number) ?? .null }
    return .object(object)
  }
}

extension JSONValue {
  /// A float with as few digits as tell it apart; null where it is not finite.
  static func short(_ value: Float) -> JSONValue {
    value.isFinite ? .number(Double(value.description) ?? Double(value)) : .null
  }

  /// Seconds to the tenth of a millisecond.
  static func rounded(_ seconds: Double) -> JSONValue { .number((seconds * 1e4).rounded() / 1e4) }
}
