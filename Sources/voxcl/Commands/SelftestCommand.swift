import ArgumentParser
import VoxCL

#if canImport(Glibc)
  import Glibc
#endif

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
  @Flag(help: "Only the first case of each operation, for drivers that compile slowly.") var sample = false
  @Option(help: "Seconds without an answer after which a case counts as hanging.") var timeout = 180.0
  @Flag(help: "Print JSON.") var json = false

  @Flag(help: .hidden) var worker = false

  struct Output: Encodable {
    var device, name: String
    var passes: Bool
    var digest: String
    var checks: [SelfTestRow]
  }

  /// A driver that crashes costs the case that it crashes in.
  var compilesInWorkers: Bool { false }

  func perform() throws {
    let target = try device.choose()
    let precisions = precision.map { [$0] } ?? [.fp32, .mixed]
    let jobs = SelfTest.jobs(filter, precisions, isSample: sample)
    guard timeout > 0, timeout.isFinite else { throw UserError("--timeout \(timeout): expected seconds above 0") }
    guard !jobs.isEmpty else { throw UserError("--filter \(filter): no case has that in its name") }
    if worker { return try SelfTestWorkers.serve(SelfTest(seed: seed), jobs, on: target) }
    let line = ProgressLine("selftest", unit: "cases")
    let rows = try run(jobs, on: target) { line.show($0, of: jobs.count) }
    line.end()
    let isPassed = rows.allSatisfy(\.passes)
    if json {
      try printJSON(
        Output(
          device: target.description.id, name: target.description.name, passes: isPassed, digest: digest(rows),
          checks: rows))
    } else {
      printSummary(rows)
      print("digest of all values: \(digest(rows))")
      print(verdict(rows, target))
    }
    if !isPassed { throw ExitCode(69) }
  }

  private func run(_ jobs: [SelfTest.Job], on target: any Device, progress: (Int) -> Void) throws -> [SelfTestRow] {
    guard target.description.id != "cpu" else {
      return SelfTestRow.rows(try SelfTest(seed: seed).run(jobs, on: target, progress: progress))
    }
    var arguments = ["selftest", "--worker", "--device", target.description.id, "--seed", "\(seed)", "--filter", filter]
    if sample { arguments.append("--sample") }
    if let precision { arguments += ["--precision", precision.rawValue] }
    let cores = sysconf(Int32(_SC_NPROCESSORS_ONLN))
    let workers = SelfTestWorkers(
      arguments: arguments, count: max(1, min(4, jobs.count / 2, cores)), secondsPerJob: timeout)
    return try workers.run(jobs, progress: progress)
  }

  /// One row an operation and precision: the worst of its checks, and each check that fails.
  private func printSummary(_ rows: [SelfTestRow]) {
    var order: [String] = []
    var groups: [String: [SelfTestRow]] = [:]
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
        let verdict = rows.contains(where: \.isWrong) ? "WRONG" : rows.allSatisfy(\.passes) ? "right" : "DID NOT RUN"
        return [
          rows[0].operation, rows[0].precision, String(rows.count),
          rows.contains { $0.error < 0 } ? "not comparable" : decimals(worst, 3), verdict,
        ]
      }, right: [2, 3])
    for row in rows where !row.passes {
      let measured =
        row.error < 0 ? "wrong bits or values that are not finite" : "\(decimals(row.error, 1)) times the tolerance"
      print("\(row.operation), \(row.variant), \(row.precision), \(row.what): \(row.message ?? measured)")
    }
  }

  /// Two runs with the same seed on the same driver give the same.
  private func digest(_ rows: [SelfTestRow]) -> String {
    var digest: UInt64 = 0
    for row in rows { digest = (digest &* 31) &+ (UInt64(row.digest ?? "", radix: 16) ?? 0) }
    let text = String(digest, radix: 16)
    return String(repeating: "0", count: 16 - text.count) + text
  }

  private func verdict(_ rows: [SelfTestRow], _ target: any Device) -> String {
    let name = "\(target.description.name) (\(target.description.id))"
    func operations(_ isListed: (SelfTestRow) -> Bool) -> [String] {
      var found: [String] = []
      for row in rows where isListed(row) && !found.contains(row.operation) { found.append(row.operation) }
      return found
    }
    let wrong = operations(\.isWrong), silent = operations { !$0.passes && !$0.isWrong }
    guard !wrong.isEmpty || !silent.isEmpty else { return "all \(rows.count) checks passed on \(name)" }
    let parts =
      (wrong.isEmpty ? [] : ["computes wrongly: \(wrong.joined(separator: ", "))"])
      + (silent.isEmpty ? [] : ["does not run: \(silent.joined(separator: ", "))"])
    let isAvoidable = wrong + silent == ["Winograd convolution"]
    return "\(name) \(parts.joined(separator: "; ")); "
      + (isAvoidable ? "avoided by --algorithm direct" : "use --device cpu, or another driver")
  }
}
