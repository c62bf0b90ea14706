/// In recipes and checkpoints: `{"method": "window", "lower": -160, "upper": 240}`.
extension Normalisation: Codable {
  /// The names that recipes use.
  public enum Method: String, Codable, Sendable, CaseIterable {
    case none
    case clip
    case window
    case windowZScore = "window-z-score"
    case zScore = "z-score"
    case minMax = "min-max"
    case percentile
  }

  private enum Key: String, CodingKey, CaseIterable {
    case method, lower, upper, mean, standardDeviation, nonZeroOnly, to
  }

  public var method: Method {
    switch self {
    case .none: .none
    case .clip: .clip
    case .window: .window
    case .windowZScore: .windowZScore
    case .zScore: .zScore
    case .minMax: .minMax
    case .percentile: .percentile
    }
  }

  public init(from decoder: any Decoder) throws {
    let c = try decoder.container(keyedBy: Key.self)
    let name = try c.decode(String.self, forKey: .method)
    guard let method = Method(rawValue: name) else {
      throw DecodingError.dataCorruptedError(
        forKey: .method, in: c,
        debugDescription: "\"\(name)\" is no normalisation; expected "
          + Method.allCases.map(\.rawValue).joined(separator: ", "))
    }
    func number(_ key: Key) throws -> Double { try c.decode(Double.self, forKey: key) }
    let to = try c.decodeIfPresent([Double].self, forKey: .to) ?? [0, 1]
    guard to.count == 2 else {
      throw DecodingError.dataCorruptedError(
        forKey: .to, in: c, debugDescription: "to is \(to), expected [low, high]")
    }
    let range = ValueRange(to[0], to[1])
    switch method {
    case .none: self = .none
    case .clip: self = .clip(lower: try number(.lower), upper: try number(.upper))
    case .window: self = .window(lower: try number(.lower), upper: try number(.upper), to: range)
    case .windowZScore:
      self = .windowZScore(
        lower: try number(.lower), upper: try number(.upper), mean: try number(.mean),
        standardDeviation: try number(.standardDeviation))
    case .zScore:
      self = .zScore(nonZeroOnly: try c.decodeIfPresent(Bool.self, forKey: .nonZeroOnly) ?? false)
    case .minMax: self = .minMax(to: range)
    case .percentile: self = .percentile(lower: try number(.lower), upper: try number(.upper), to: range)
    }
    if let problem {
      throw DecodingError.dataCorruptedError(forKey: .method, in: c, debugDescription: problem)
    }
  }

  public func encode(to encoder: any Encoder) throws {
    var c = encoder.container(keyedBy: Key.self)
    try c.encode(method, forKey: .method)
    switch self {
    case .none: break
    case .minMax(let range): try c.encode([range.low, range.high], forKey: .to)
    case .clip(let lower, let upper):
      try c.encode(lower, forKey: .lower)
      try c.encode(upper, forKey: .upper)
    case .window(let lower, let upper, let range), .percentile(let lower, let upper, let range):
      try c.encode(lower, forKey: .lower)
      try c.encode(upper, forKey: .upper)
      try c.encode([range.low, range.high], forKey: .to)
    case .windowZScore(let lower, let upper, let mean, let deviation):
      try c.encode(lower, forKey: .lower)
      try c.encode(upper, forKey: .upper)
      try c.encode(mean, forKey: .mean)
      try c.encode(deviation, forKey: .standardDeviation)
    case .zScore(let nonZeroOnly): try c.encode(nonZeroOnly, forKey: .nonZeroOnly)
    }
  }

  /// What makes these parameters unusable, or nil.
  public var problem: String? {
    switch self {
    case .clip(let lower, let upper), .windowZScore(let lower, let upper, _, _):
      return Self.problem(lower, upper, .unit)
    case .window(let lower, let upper, let range): return Self.problem(lower, upper, range)
    case .percentile(let lower, let upper, let range):
      return 0 <= lower && lower < upper && upper <= 100
        ? Self.problem(lower, upper, range)
        : "percentiles are \(lower) and \(upper), expected 0 ≤ lower < upper ≤ 100"
    case .minMax(let range): return Self.problem(0, 1, range)
    case .none, .zScore: return nil
    }
  }

  private static func problem(_ lower: Double, _ upper: Double, _ range: ValueRange) -> String? {
    guard lower < upper else { return "lower is \(lower) and upper \(upper), expected lower < upper" }
    guard range.low < range.high else {
      return "the range runs from \(range.low) to \(range.high), expected low < high"
    }
    return nil
  }
}
