/// Bytes for a message: `2.50 GiB`, below a GiB `12.25 MiB`.
public func sizeText(_ bytes: Int) -> String {
  let (shift, unit) = bytes < 1 << 30 ? (20, "MiB") : (30, "GiB")
  let hundredths = (bytes >> 10 * 100 + 1 << (shift - 11)) >> (shift - 10)
  return "\(hundredths / 100).\(hundredths % 100 < 10 ? "0" : "")\(hundredths % 100) \(unit)"
}

/// A number of bytes as people write it: `8GiB`, `500 MB`, `1.5G` (1024³), `4096`. Nil for anything else, and for
/// nothing or less.
public func byteCount(of text: String) -> Int? {
  let units: [(String, Double)] = [
    ("kib", 1024), ("mib", 1_048_576), ("gib", 1_073_741_824), ("tib", 1_099_511_627_776), ("kb", 1e3), ("mb", 1e6),
    ("gb", 1e9), ("tb", 1e12), ("k", 1024), ("m", 1_048_576), ("g", 1_073_741_824), ("b", 1), ("", 1),
  ]
  let text = text.lowercased().filter { $0 != " " }
  guard let first = text.first, first.isNumber || first == "." else { return nil }
  for (unit, factor) in units where text.hasSuffix(unit) {
    guard let number = Double(text.dropLast(unit.count)) else { continue }
    return number > 0 && number * factor < 9e18 && number * factor >= 1 ? Int(number * factor) : nil
  }
  return nil
}
