import ArgumentParser
import VoxCL

struct SelftestCommand: ReportingCommand {
  static let configuration = CommandConfiguration(
    commandName: "selftest", abstract: "Holds a device and its driver against the CPU backend, operation by operation.",
    discussion: """
      Every operation, forward and gradient, with fp32 and with fp16 storage; sums of small integers that must be \
      exact; guard bands around every tensor; two runs that must be bit-identical. Tolerances, relative to the largest \
      value: fp32 1e-5 forward and 1e-4 backward, fp16 storage 4e-3 and 1e-2. Exits 69 where the device fails.
      """)

  @OptionGroup var device: DeviceOption
  @Option(help: "Only cases whose name holds this text.") var filter = ""
  @Option(help: "Seed of inputs and weights.") var seed: UInt64 = 1
  @Option(help: "fp32 or mixed; both without it.") var precision: Precision?
  @Flag(help: "Print JSON.") var json = false

  struct Row: Encodable {
    var operation, variant, precision, what: String
    /// Over the tolerance; −1 where a value was not finite or a byte was wrong.
    var error: Double
    var passes: Bool
    var message: String?
  }
  struct Output: Encodable {
    var device, name: String
    var passes: Bool
    var checks: [Row]
  }

  func perform() throws {
    let target = try device.choose()
    var test = SelfTest()
    test.filter = filter
    test.seed = seed
    if let precision { test.precisions = [precision] }
    guard SelfTest.caseNames.contains(where: { filter.isEmpty || $0.contains(filter) }) || "exact integers".contains(filter)
    else { throw UserError("--filter \(filter): no case has that in its name") }
    let line = ProgressLine("selftest", unit: "cases")
    let report = try test.run(on: target) { done, total in line.show(done, of: total) }
    line.end()
    let rows =
      report.failures.map {
        Row(
          operation: $0.operation, variant: $0.variant, precision: $0.precision.rawValue, what: "run", error: -1,
          passes: false, message: $0.message)
      }
      + report.checks.map {
        Row(
          operation: $0.operation, variant: $0.variant, precision: $0.precision.rawValue, what: $0.what,
          error: $0.error.isFinite ? $0.error : -1, passes: $0.passes)
      }
    if json {
      try printJSON(
        Output(
          device: target.description.id, name: target.description.name, passes: report.isPassed, checks: rows))
    } else {
      printSummary(rows)
      print(verdict(report, target, checks: rows.count))
    }
    if !report.isPassed { throw ExitCode(69) }
  }

  /// One row an operation and precision: the worst of its checks, and each check that fails.
  private func printSummary(_ rows: [Row]) {
    var order: [String] = []
    var groups: [String: [Row]] = [:]
    for row in rows {
      let key = "\(row.operation) \(row.precision)"
      if groups[key] == nil { order.append(key) }
      groups[key, default: []].append(row)
    }
    printTable(
      ["operation", "storage", "checks", "worst error / tolerance", "verdict"],
      order.map { key in
        let rows = groups[key]!
        let worst = rows.map(\.error).max() ?? 0
        let isWrong = rows.contains { !$0.passes }
        return [
          rows[0].operation, rows[0].precision, String(rows.count),
          rows.contains { $0.error < 0 } ? "not comparable" : decimals(worst, 3), isWrong ? "WRONG" : "right",
        ]
      }, right: [2, 3])
    for row in rows where !row.passes {
      print(
        "\(row.operation), \(row.variant), \(row.precision), \(row.what): "
          + (row.message ?? (row.error < 0 ? "wrong bits or values that are not finite" : "\(decimals(row.error, 1)) times the tolerance")))
    }
  }

  private func verdict(_ report: SelfTest.Report, _ target: any Device, checks: Int) -> String {
    let name = "\(target.description.name) (\(target.description.id))"
    guard !report.isPassed else { return "all \(checks) checks passed on \(name)" }
    let wrong = report.wrongOperations
    var line = "\(name) computes wrongly: \(wrong.joined(separator: ", "))"
    line += wrong == ["Winograd convolution"] ? "; avoided by --algorithm direct" : "; use --device cpu, or another driver"
    return line
  }
}
