import Interchange
import Volumes

#if canImport(FoundationEssentials)
  import FoundationEssentials
#endif

extension PlateauState {
  var json: JSONValue {
    [
      "best": best.map(JSONValue.number) ?? .null, "badChecks": .integer(badChecks),
      "cooldownLeft": .integer(cooldownLeft), "factor": .number(factor),
    ]
  }

  init?(_ json: JSONValue) {
    guard let object = json.objectValue, let badChecks = object["badChecks"]?.integerValue,
      let cooldownLeft = object["cooldownLeft"]?.integerValue, let factor = object["factor"]?.doubleValue
    else { return nil }
    self.init()
    best = object["best"]?.doubleValue
    self.badChecks = badChecks
    self.cooldownLeft = cooldownLeft
    self.factor = factor
  }
}

extension EarlyStopState {
  var json: JSONValue {
    ["best": best.map(JSONValue.number) ?? .null, "badValidations": .integer(badValidations)]
  }

  init?(_ json: JSONValue) {
    guard let badValidations = json.objectValue?["badValidations"]?.integerValue else { return nil }
    self.init()
    best = json.objectValue?["best"]?.doubleValue
    self.badValidations = badValidations
  }
}

extension LossMean {
  var json: JSONValue { ["sum": .number(sum), "count": .integer(count)] }

  init?(_ json: JSONValue) {
    guard let sum = json.objectValue?["sum"]?.doubleValue, let count = json.objectValue?["count"]?.integerValue
    else { return nil }
    self.init(sum: sum, count: count)
  }
}

extension ForegroundStatistics {
  var json: JSONValue {
    [
      "count": .integer(count), "mean": .number(mean), "standardDeviation": .number(standardDeviation),
      "minimum": .number(minimum), "median": .number(median), "maximum": .number(maximum),
      "percentile0_5": .number(percentile0_5), "percentile99_5": .number(percentile99_5),
    ]
  }

  init?(_ json: JSONValue) {
    guard let read = try? JSONDecoder().decode(Self.self, from: Data(json.text().utf8)) else { return nil }
    self = read
  }
}
