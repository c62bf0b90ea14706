/// A key that nobody reads: most often a misspelt one.
public struct UnknownKey: Sendable, Equatable, CustomStringConvertible {
  public var key: String
  /// 0 where the object was not read from a text.
  public var line: Int
  /// The allowed key that was probably meant.
  public var nearest: String?
  public var allowed: [String]

  public var description: String {
    let place = line > 0 ? "line \(line): " : ""
    if let nearest { return "\(place)unknown key \(quoted(key)), did you mean \"\(nearest)\"?" }
    return "\(place)unknown key \(quoted(key)), expected one of \(allowed.joined(separator: ", "))"
  }
}

extension JSONObject {
  /// The keys that are not allowed, in the order in which they stand.
  public func unknownKeys(allowed: [String]) -> [UnknownKey] {
    members.filter { !allowed.contains($0.key) }.map { member in
      UnknownKey(
        key: member.key, line: member.line,
        nearest: JSONValue.nearestKey(to: member.key, among: allowed), allowed: allowed)
    }
  }
}

extension JSONValue {
  /// The key that a misspelt one was probably meant to be, or nil where none is near. Letter case, `-`, `_`
  /// and spaces do not count; up to a third of the letters may be wrong, missing, too many or swapped with
  /// their neighbour. Of equally near ones, the first.
  public static func nearestKey(to key: String, among allowed: [String]) -> String? {
    let wanted = letters(of: key)
    // Nobody misspells longer keys; a file may hold them to waste our time.
    guard wanted.count <= 128 else { return nil }
    var nearest: String?
    var least = Int.max
    for candidate in allowed {
      let other = letters(of: candidate)
      let limit = max(wanted.count, other.count) / 3
      guard abs(wanted.count - other.count) <= limit else { continue }
      let distance = editDistance(wanted, other)
      if distance <= limit && distance < least {
        nearest = candidate
        least = distance
      }
    }
    return nearest
  }

  private static func letters(of key: String) -> [Character] {
    key.lowercased().filter { $0 != "-" && $0 != "_" && $0 != " " }
  }
}

/// Insertions, deletions, substitutions and swaps of neighbours that turn one into the other (optimal
/// string alignment). O(|a|·|b|).
private func editDistance(_ a: [Character], _ b: [Character]) -> Int {
  var beforeLast: [Int] = []
  var last = Array(0...b.count)
  for i in 0..<a.count {
    var row = [i + 1]
    for j in 0..<b.count {
      var cost = min(last[j] + (a[i] == b[j] ? 0 : 1), last[j + 1] + 1, row[j] + 1)
      if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { cost = min(cost, beforeLast[j - 1] + 1) }
      row.append(cost)
    }
    beforeLast = last
    last = row
  }
  return last[b.count]
}
