import Interchange
import Volumes

/// The mistakes found while a recipe is read.
final class RecipeProblems {
  let path: String
  private(set) var errors: [RecipeError] = []

  init(path: String) { self.path = path }

  func add(_ key: String, found: String, expected: String) {
    errors.append(RecipeError(path, key: key, found: found, expected: expected))
  }
}

/// One object of a recipe under its key path. It notes every key that is asked for: the rest is misspelt.
final class RecipeNode {
  let keyPath: String
  private let object: JSONObject
  let problems: RecipeProblems
  private var asked: [String] = []

  init(_ object: JSONObject, keyPath: String = "", problems: RecipeProblems) {
    self.object = object
    self.keyPath = keyPath
    self.problems = problems
  }

  func path(_ key: String) -> String { keyPath.isEmpty ? key : "\(keyPath).\(key)" }

  func fail(_ key: String, _ found: JSONValue, _ expected: String) {
    problems.add(path(key), found: found.summary, expected: expected)
  }

  /// nil where the key is absent or null.
  func value(_ key: String) -> JSONValue? {
    asked.append(key)
    guard let value = object[key], value != .null else { return nil }
    return value
  }

  /// Keys in the order in which they stand, without those that are null (so that an extending recipe can take one
  /// away); marks all of them as read.
  func members() -> [(key: String, value: JSONValue)] {
    asked += object.keys
    return object.members.filter { $0.value != .null }.map { ($0.key, $0.value) }
  }

  func node(_ key: String) -> RecipeNode? {
    guard let value = value(key) else { return nil }
    guard let object = value.objectValue else {
      fail(key, value, "an object")
      return nil
    }
    return RecipeNode(object, keyPath: path(key), problems: problems)
  }

  /// Reports keys that nobody asked for.
  func finish() {
    for unknown in object.unknownKeys(allowed: asked) {
      let allowed = asked.joined(separator: ", ")
      problems.add(
        path(unknown.key), found: "an unknown key",
        expected: unknown.nearest.map { "\"\($0)\"" } ?? "one of \(allowed)")
    }
  }

  // MARK: Values

  func text(_ key: String, into target: inout String) {
    guard let value = value(key) else { return }
    if let text = value.stringValue { target = text } else { fail(key, value, "a text") }
  }

  func bool(_ key: String, into target: inout Bool) {
    guard let value = value(key) else { return }
    if let bool = value.boolValue { target = bool } else { fail(key, value, "true or false") }
  }

  func integer(_ key: String, into target: inout Int, in range: ClosedRange<Int>) {
    guard let value = value(key) else { return }
    if let number = value.integerValue, range.contains(number) {
      target = number
    } else {
      fail(key, value, "a whole number from \(range.lowerBound) to \(range.upperBound)")
    }
  }

  func number(_ key: String, into target: inout Double, in range: ClosedRange<Double>) {
    if let number = number(key, in: range) { target = number }
  }

  func number(_ key: String, in range: ClosedRange<Double>) -> Double? {
    guard let value = value(key) else { return nil }
    if let number = value.doubleValue, range.contains(number) { return number }
    fail(key, value, "a number \(Self.text(range))")
    return nil
  }

  func choice<Choice: RawRepresentable & CaseIterable>(_ key: String, into target: inout Choice)
  where Choice.RawValue == String {
    guard let value = value(key) else { return }
    if let text = value.stringValue, let choice = Choice(rawValue: text) {
      target = choice
    } else {
      failChoice(key, value, Choice.allCases.map(\.rawValue))
    }
  }

  /// One of these words.
  func word(_ key: String, into target: inout String, of allowed: [String]) {
    guard let value = value(key) else { return }
    if let text = value.stringValue, allowed.contains(text) {
      target = text
    } else {
      failChoice(key, value, allowed)
    }
  }

  func failChoice(_ key: String, _ value: JSONValue, _ allowed: [String]) {
    let nearest = value.stringValue.flatMap { JSONValue.nearestKey(to: $0, among: allowed) }
    let list = allowed.map { "\"\($0)\"" }.joined(separator: ", ")
    fail(key, value, "one of \(list)" + (nearest.map { " (did you mean \"\($0)\"?)" } ?? ""))
  }

  func integers(_ key: String, in range: ClosedRange<Int>, count: Int? = nil) -> [Int]? {
    guard let value = value(key) else { return nil }
    return Self.integers(value, in: range, count: count)
      ?? {
        let length = count.map { "\($0) " } ?? ""
        fail(key, value, "a list of \(length)whole numbers from \(range.lowerBound) to \(range.upperBound)")
        return nil
      }()
  }

  func numbers(_ key: String, in range: ClosedRange<Double>, count: Int) -> [Double]? {
    guard let value = value(key) else { return nil }
    let numbers = value.arrayValue?.map(\.doubleValue) ?? []
    let sound = numbers.compactMap { $0 }.filter { range.contains($0) }
    if numbers.count == count && sound.count == count { return sound }
    fail(key, value, "a list of \(count) numbers \(Self.text(range))")
    return nil
  }

  /// [x, y, z].
  func axes(_ key: String, into target: inout SIMD3<Int>, in range: ClosedRange<Int>) {
    if let n = integers(key, in: range, count: 3) { target = SIMD3(n[0], n[1], n[2]) }
  }

  func range(_ key: String, into target: inout SIMD2<Double>, in allowed: ClosedRange<Double>) {
    guard let n = numbers(key, in: allowed, count: 2) else { return }
    if n[0] <= n[1] {
      target = SIMD2(n[0], n[1])
    } else {
      problems.add(path(key), found: "[\(n[0]), \(n[1])]", expected: "[low, high] with low ≤ high")
    }
  }

  static func integers(_ value: JSONValue, in range: ClosedRange<Int>, count: Int?) -> [Int]? {
    guard let values = value.arrayValue else { return nil }
    let integers = values.compactMap(\.integerValue).filter { range.contains($0) }
    return integers.count == values.count && (count ?? values.count) == values.count ? integers : nil
  }

  private static func text(_ range: ClosedRange<Double>) -> String {
    func short(_ value: Double) -> String {
      Int(exactly: value).map(String.init) ?? "\(value)"
    }
    return range.upperBound >= 1e300
      ? "of at least \(short(range.lowerBound))"
      : "from \(short(range.lowerBound)) to \(short(range.upperBound))"
  }
}
