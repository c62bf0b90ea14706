import ArgumentParser
import FoundationEssentials
import VoxCL

#if canImport(Glibc)
  import Glibc
#endif

/// What `KernelWorkers` starts: a kernel in, as a line of JSON; a line out once it is in the caches.
struct PrepareKernelsCommand: ReportingCommand {
  static let configuration = CommandConfiguration(
    commandName: "prepare-kernels", abstract: "Builds kernels for another process.", shouldDisplay: false)

  @Option(help: "Device.") var device: String

  var compilesInWorkers: Bool { false }

  func perform() throws {
    let devices = try Devices()
    while let line = readLine() {
      let kernel = try JSONDecoder().decode(UnpreparedKernel.self, from: Data(line.utf8))
      try devices.prepare(kernel, on: device)
      print(KernelWorkers.done)
      fflush(nil)
    }
  }
}
