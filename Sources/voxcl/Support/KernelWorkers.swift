import Dispatch
import FoundationEssentials
import Synchronization
import VoxCL

#if canImport(Glibc)
  import Glibc
#endif

/// Prepares kernels in as many processes as there are cores. What one cannot build is left to this process, which then
/// says why.
enum KernelWorkers {
  static let done = "prepared"
  /// Starting a process costs as much as building a small kernel.
  private static let fewest = 4

  /// From now on, plans' kernels are prepared by workers before they are loaded.
  static func start() {
    KernelPreparation.take { device, kernels in
      let count = min(max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))), kernels.count / 2)
      guard count > 1, kernels.count >= fewest else { return }
      prepare(kernels, device, workers: count)
    }
  }

  private static func prepare(_ kernels: [UnpreparedKernel], _ device: String, workers: Int) {
    let lines = kernels.compactMap { try? JSONEncoder().encode($0) }.map { String(decoding: $0, as: UTF8.self) }
    let taken = Atomic<Int>(0)
    let finished = Mutex((count: 0, progress: ProgressLine("compiling for \(device)", unit: "kernels")))
    DispatchQueue.concurrentPerform(iterations: workers) { _ in
      guard let child = try? ChildProcess(["prepare-kernels", "--device", device]) else { return }
      defer { child.end() }
      while true {
        let next = taken.wrappingAdd(1, ordering: .relaxed).oldValue
        guard next < lines.count else { return }
        child.send(lines[next])
        var isDone = false
        while !isDone {
          guard let answer = child.lines() else { return }  // it ended: its kernel is left to this process
          isDone = answer.contains(done)
        }
        finished.withLock {
          $0.count += 1
          $0.progress.show($0.count, of: lines.count)
        }
      }
    }
    finished.withLock { $0.progress.end() }
  }
}
