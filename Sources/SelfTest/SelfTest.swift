import CPUBackend
import ExecutionPlan
import GraphCompiler
import LayerGraph
import Training

/// The conformance suite that users carry to their own driver: every operation, forward and gradient, in both
/// precisions, on a device and on the CPU backend; sums of small integers that must be exact; guard bands; two runs
/// that must be bit-identical.
public struct SelfTest: Sendable {
  /// One comparison.
  public struct Check: Sendable {
    public var operation: String
    public var variant: String
    public var precision: Precision
    /// `output`, `gradient` … or `exact integers`, `guard bands`, `repetition`.
    public var what: String
    /// Largest error relative to the tolerance; above 1 fails. Infinite where a value is not finite.
    public var error: Double
    /// FNV-1a of the device's values (Fowler, Noll, Vo 1991): two runs with one seed give the same.
    public var digest: UInt64 = 0
    public var passes: Bool { error <= 1 }
  }
  /// A case that could not run at all.
  public struct Failure: Sendable {
    public var operation: String
    public var variant: String
    public var precision: Precision
    public var message: String
  }
  public struct Report: Sendable {
    public var checks: [Check] = []
    public var failures: [Failure] = []
    public var isPassed: Bool { failures.isEmpty && checks.allSatisfy(\.passes) }

    /// Operations that a check or a failure speaks against.
    public var wrongOperations: [String] {
      var names: [String] = []
      for name in failures.map(\.operation) + checks.filter({ !$0.passes }).map(\.operation) where !names.contains(name) {
        names.append(name)
      }
      return names
    }
  }

  /// One case in one precision: what a process of its own can run.
  public struct Job: Sendable {
    public var operation: String
    public var variant: String
    public var precision: Precision
    fileprivate let test: Test
  }
  fileprivate enum Test: Sendable { case compared(SelfTestCase), exact(ExactCase) }

  public var seed: UInt64

  public init(seed: UInt64 = 1) { self.seed = seed }

  /// Every case in each of these precisions, in the order of the report.
  /// - Parameters:
  ///   - filter: Only cases whose name, `operation: variant`, holds this text.
  ///   - isSample: Only the first case of each operation and precision.
  public static func jobs(
    _ filter: String = "", _ precisions: [Precision] = [.fp32, .mixed], isSample: Bool = false
  ) -> [Job] {
    let all = precisions.flatMap { precision in
      SelfTestCase.all.map { Job(operation: $0.operation, variant: $0.variant, precision: precision, test: .compared($0)) }
        + ExactCase.all.map {
          Job(operation: $0.operation, variant: "\($0.name), exact integers", precision: precision, test: .exact($0))
        }
    }
    var seen: Set<String> = []
    return all.filter { job in
      guard filter.isEmpty || "\(job.operation): \(job.variant)".contains(filter) else { return false }
      return !isSample || seen.insert("\(job.operation) \(job.precision)").inserted
    }
  }

  /// Runs jobs one after the other. `progress` hears the number of those done.
  public func run(_ jobs: [Job], on device: any Device, progress: (Int) -> Void = { _ in }) throws -> Report {
    let reference = try CPUDevice()
    var report = Report()
    for (index, job) in jobs.enumerated() {
      do {
        switch job.test {
        case .compared(let test): report.checks += try check(test, job.precision, device, reference)
        case .exact(let test): report.checks.append(try test.check(job.precision, on: device))
        }
      } catch {
        report.failures.append(
          Failure(
            operation: job.operation, variant: job.variant, precision: job.precision,
            message: firstLine("\(error)")))
      }
      progress(index + 1)
    }
    return report
  }

  private func check(
    _ test: SelfTestCase, _ precision: Precision, _ device: any Device, _ reference: CPUDevice
  ) throws -> [Check] {
    // The very same plan on both.
    let target = device.description
    let expected = try SelfTestRun(test, precision: precision, on: reference, compiledFor: target, seed: seed)
    let found = try SelfTestRun(test, precision: precision, on: device, compiledFor: target, seed: seed)
    let again = try SelfTestRun(test, precision: precision, on: device, compiledFor: target, seed: seed)
    func check(_ what: String, _ error: Double, _ values: [Float] = []) -> Check {
      Check(
        operation: test.operation, variant: test.variant, precision: precision, what: what, error: error,
        digest: Self.digest(values))
    }
    var checks = zip(found.results, expected.results).map { ours, theirs in
      check(ours.name, Self.error(ours.values, theirs.values, precision, of: ours.name), ours.values)
    }
    checks.append(check("guard bands", found.touchedGuardBytes == 0 ? 0 : .infinity))
    let isRepeated = zip(found.results, again.results).allSatisfy { a, b in
      zip(a.values, b.values).allSatisfy { $0.bitPattern == $1.bitPattern }
    }
    checks.append(check("repetition", isRepeated ? 0 : .infinity))
    return checks
  }

  /// Largest difference over the largest value. fp32: 1e-5 for outputs and losses, 1e-4 for what the backward pass
  /// makes: sums of thousands of terms in another order. fp16 storage rounds to 1/2048, twice on the way.
  static func error(_ found: [Float], _ expected: [Float], _ precision: Precision, of what: String) -> Double {
    let isForward = what == "output" || what == "loss" || what == "running statistics"
    let tolerance = precision == .mixed ? (isForward ? 4e-3 : 1e-2) : isForward ? 1e-5 : 1e-4
    guard found.count == expected.count, found.allSatisfy(\.isFinite) else { return .infinity }
    let largest = expected.reduce(1e-3) { max($0, abs(Double($1))) }
    let difference = zip(found, expected).reduce(0.0) { max($0, abs(Double($1.0) - Double($1.1))) }
    return difference / largest / tolerance
  }

  static func digest(_ values: [Float]) -> UInt64 {
    var digest: UInt64 = 0xcbf2_9ce4_8422_2325
    for value in values {
      for shift in stride(from: 0, to: 32, by: 8) {
        digest = (digest ^ UInt64(value.bitPattern >> UInt32(shift) & 0xff)) &* 0x100_0000_01b3
      }
    }
    return digest
  }

  private func firstLine(_ text: String) -> String {
    text.split(separator: "\n").first.map(String.init) ?? text
  }
}
