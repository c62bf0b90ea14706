import FoundationEssentials
import VoxCL

#if canImport(Glibc)
  import Glibc
#endif

/// One line of the self-test's report.
struct SelfTestRow: Codable {
  var operation, variant, precision, what: String
  /// Over the tolerance; −1 where a value was not finite, a byte was wrong, or the case did not run.
  var error: Double
  var passes: Bool
  /// Of the device's values, in hexadecimal.
  var digest: String?
  var message: String?
  /// It ran, and its values are not right.
  var isWrong: Bool { !passes && message == nil }

  static func rows(_ report: SelfTest.Report) -> [SelfTestRow] {
    report.failures.map {
      SelfTestRow(
        operation: $0.operation, variant: $0.variant, precision: $0.precision.rawValue, what: "run", error: -1,
        passes: false, message: $0.message)
    }
      + report.checks.map {
        SelfTestRow(
          operation: $0.operation, variant: $0.variant, precision: $0.precision.rawValue, what: $0.what,
          error: $0.error.isFinite ? $0.error : -1, passes: $0.passes, digest: String($0.digest, radix: 16))
      }
  }
}

/// Runs the self-test's jobs in processes of their own: drivers compile for as many cores as there are, and one that
/// crashes or hangs costs its case alone.
struct SelfTestWorkers {
  private static let mark = "selftest "

  let arguments: [String]
  let count: Int
  /// Without an answer for so long, a driver hangs.
  let secondsPerJob: Double

  /// What a worker process does: a job's number in, its rows out.
  static func serve(_ test: SelfTest, _ jobs: [SelfTest.Job], on device: any Device) throws {
    while let line = readLine() {
      guard let index = Int(line), jobs.indices.contains(index) else { throw UserError("no such job: \(line)") }
      let rows = SelfTestRow.rows(try test.run([jobs[index]], on: device))
      print(mark + String(decoding: try JSONEncoder().encode(rows), as: UTF8.self))
      fflush(nil)
    }
  }

  func run(_ jobs: [SelfTest.Job], progress: (Int) -> Void) throws -> [SelfTestRow] {
    var answers = [[SelfTestRow]?](repeating: nil, count: jobs.count)
    // Neighbouring jobs share kernels, so each worker has a part of its own as long as there is one.
    var parts = (0..<count).map { part in
      Array(jobs.indices[jobs.count * part / count..<jobs.count * (part + 1) / count].reversed())
    }
    func next(after job: Int?) -> Int? {
      if let job, let own = parts.firstIndex(where: { $0.last == job + 1 }) { return parts[own].popLast() }
      guard let longest = parts.indices.max(by: { parts[$0].count < parts[$1].count }) else { return nil }
      return parts[longest].popLast()
    }
    var workers: [(child: ChildProcess, job: Int, deadline: ContinuousClock.Instant)] = []
    func give(_ child: ChildProcess, _ job: Int) {
      child.send("\(job)")
      workers.append((child, job, .now + .seconds(secondsPerJob)))
    }
    func done(_ job: Int, _ rows: [SelfTestRow]) {
      answers[job] = rows
      progress(answers.reduce(0) { $0 + ($1 == nil ? 0 : 1) })
    }
    while true {
      while workers.count < count, let job = next(after: nil) {
        give(try ChildProcess(arguments), job)
      }
      guard !workers.isEmpty else { break }
      let ready = wait(workers.map(\.child.output), until: workers.map(\.deadline).min()!)
      for worker in workers {
        let rows: [SelfTestRow]
        if ready.contains(worker.child.output) {
          guard let lines = worker.child.lines() else {
            workers.removeAll { $0.child === worker.child }
            done(worker.job, [failed(jobs[worker.job], "the driver ended the process: \(worker.child.end())")])
            continue
          }
          guard let answer = lines.lazy.compactMap(Self.rows).first else { continue }
          rows = answer
        } else if worker.deadline < .now {
          workers.removeAll { $0.child === worker.child }
          worker.child.end(kill: true)
          done(worker.job, [failed(jobs[worker.job], "the driver did not answer within \(Int(secondsPerJob)) s")])
          continue
        } else {
          continue
        }
        done(worker.job, rows)
        workers.removeAll { $0.child === worker.child }
        if let job = next(after: worker.job) { give(worker.child, job) } else { worker.child.end() }
      }
    }
    return answers.flatMap { $0 ?? [] }
  }

  private static func rows(_ line: String) -> [SelfTestRow]? {
    guard line.hasPrefix(mark) else { return nil }  // a driver may print too
    return try? JSONDecoder().decode([SelfTestRow].self, from: Data(line.dropFirst(mark.count).utf8))
  }

  private func failed(_ job: SelfTest.Job, _ message: String) -> SelfTestRow {
    SelfTestRow(
      operation: job.operation, variant: job.variant, precision: job.precision.rawValue, what: "run", error: -1,
      passes: false, message: message)
  }

  /// Descriptors with something to read.
  private func wait(_ descriptors: [Int32], until deadline: ContinuousClock.Instant) -> Set<Int32> {
    var polls = descriptors.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
    let seconds = Double((deadline - .now) / .milliseconds(1))
    _ = poll(&polls, nfds_t(polls.count), Int32(max(0, seconds.rounded(.up))))
    return Set(polls.filter { $0.revents != 0 }.map(\.fd))
  }
}
