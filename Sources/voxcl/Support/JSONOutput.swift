import FoundationEssentials

/// Prints a value as JSON: sorted keys, slashes as they are.
func printJSON(_ value: some Encodable, pretty: Bool = true) throws {
  let encoder = JSONEncoder()
  encoder.outputFormatting =
    pretty ? [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes] : [.sortedKeys, .withoutEscapingSlashes]
  print(String(decoding: try encoder.encode(value), as: UTF8.self))
}

/// Rows under a header, columns aligned; numbers (columns named in `right`) to the right.
func printTable(_ header: [String], _ rows: [[String]], right: Set<Int> = []) {
  var widths = header.map(\.count)
  for row in rows { for (i, cell) in row.enumerated() { widths[i] = max(widths[i], cell.count) } }
  for row in [header] + rows {
    let cells = row.enumerated().map { i, cell in
      let pad = String(repeating: " ", count: widths[i] - cell.count)
      return right.contains(i) ? pad + cell : cell + (i == row.count - 1 ? "" : pad)
    }
    print(cells.joined(separator: "  "))
  }
}

/// 1536 → "1.5 KiB".
func byteText(_ bytes: Int) -> String {
  var value = Double(bytes)
  for unit in ["B", "KiB", "MiB", "GiB", "TiB"] {
    if value < 1024 || unit == "TiB" { return unit == "B" ? "\(bytes) B" : "\(decimals(value, 1)) \(unit)" }
    value /= 1024
  }
  return "\(bytes) B"
}

/// A number with a fixed count of decimals.
func decimals(_ value: Double, _ count: Int) -> String {
  guard value.isFinite else { return value.isNaN ? "nan" : value < 0 ? "-inf" : "inf" }
  var scale = 1.0
  for _ in 0..<count { scale *= 10 }
  let rounded = (abs(value) * scale).rounded()
  guard rounded < 9e15 else { return "\(value)" }
  let digits = String(Int(rounded))
  let padded = String(repeating: "0", count: max(0, count + 1 - digits.count)) + digits
  let split = padded.index(padded.endIndex, offsetBy: -count)
  let sign = value < 0 && rounded > 0 ? "-" : ""
  return sign + padded[..<split] + (count > 0 ? "." + padded[split...] : "")
}
