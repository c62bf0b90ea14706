import Glibc

/// One line on a terminal that says how far a case is; nothing elsewhere.
final class ProgressLine {
  private let name: String
  private let isTerminal = isatty(STDERR_FILENO) == 1
  private var shown = -1

  private let unit: String

  init(_ name: String, unit: String = "windows") {
    self.name = name
    self.unit = unit
  }

  func show(_ done: Int, of total: Int) {
    let percent = 100 * done / max(1, total)
    guard isTerminal, percent != shown else { return }
    shown = percent
    write("\r\(name): \(percent) % of \(total) \(unit)")
  }

  /// What is being done, where nobody knows how far it is.
  func say(_ text: String) {
    guard isTerminal else { return }
    shown = 0
    write("\r\u{1B}[K\(name): \(text)")
  }

  /// Clears the line.
  func end() { if isTerminal && shown >= 0 { write("\r\u{1B}[K") } }

  private func write(_ text: String) {
    let bytes = Array(text.utf8)
    _ = Glibc.write(STDERR_FILENO, bytes, bytes.count)
  }
}
