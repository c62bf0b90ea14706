import ArgumentParser
import FoundationEssentials
import VoxCL

#if canImport(Glibc)
  import Glibc
#endif

/// A command that ends in one clear line on standard error and a code that scripts can tell apart: 64 usage,
/// 65 the user's data, 69 the device, 1 the question's answer is no.
protocol ReportingCommand: ParsableCommand {
  func perform() throws
  /// Whether kernels that no cache has are compiled by other processes.
  var compilesInWorkers: Bool { get }
}

extension ReportingCommand {
  var compilesInWorkers: Bool { true }

  func run() throws {
    if compilesInWorkers { KernelWorkers.start() }
    do {
      try perform()
    } catch let code as ExitCode {
      throw code
    } catch let error as DatasetErrors {
      // One line each, errors apart from warnings.
      for problem in error.problems { standardError("voxcl: error: \(problem)") }
      for warning in error.warnings { print("warning: \(warning)") }
      throw ExitCode(ExitStatus.data)
    } catch {
      standardError("voxcl: \(error)")
      throw ExitCode(exitStatus(of: error))
    }
  }
}

enum ExitStatus {
  static let usage: Int32 = 64
  static let data: Int32 = 65
  static let device: Int32 = 69
}

/// The user's own mistake on the command line or in a file that no module names better.
struct UserError: Error, CustomStringConvertible {
  var description: String
  init(_ description: String) { self.description = description }
}

private func exitStatus(of error: any Error) -> Int32 {
  switch error {
  case is DeviceError, is MemoryError: ExitStatus.device
  case let error as CompilerError where error.isTooLarge: ExitStatus.device
  case is UserError, is GraphError, is CompilerError, is VolumeError, is InterchangeError: ExitStatus.data
  default: Devices.isFault(error) ? ExitStatus.device : ExitStatus.data
  }
}

func standardError(_ line: String) {
  var text = line + "\n"
  text.withUTF8 { _ = write(STDERR_FILENO, $0.baseAddress, $0.count) }
}

/// Seconds on a clock that never goes back.
func monotonicSeconds() -> Double {
  var time = timespec()
  clock_gettime(CLOCK_MONOTONIC, &time)
  return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
}
