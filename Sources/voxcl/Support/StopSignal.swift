import Synchronization

#if canImport(Glibc)
  import Glibc
#endif

/// SIGINT and SIGTERM as a wish that is heard between steps. The second signal has its default effect.
enum StopSignal {
  private static let number = Atomic<Int32>(0)

  struct Received {
    var name: String
    /// 128 + the signal's number, as shells do.
    var exitCode: Int32
  }

  static func install() {
    for signalNumber in [SIGINT, SIGTERM] {
      signal(signalNumber) { received in
        StopSignal.number.store(received, ordering: .relaxed)
        signal(received, SIG_DFL)
      }
    }
  }

  static var received: Received? {
    switch number.load(ordering: .relaxed) {
    case SIGINT: Received(name: "SIGINT", exitCode: 130)
    case SIGTERM: Received(name: "SIGTERM", exitCode: 143)
    default: nil
    }
  }
}
