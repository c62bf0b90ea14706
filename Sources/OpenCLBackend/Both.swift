import Dispatch
import Synchronization

/// Both results, one after the other or, with `atOnce` and a second core, at the same time. Where both fail, the first's
/// error is thrown.
func both<A: Sendable, B: Sendable>(
  atOnce: Bool, _ first: @Sendable () throws -> A, _ second: @Sendable () throws -> B
) throws -> (A, B) {
  guard atOnce else { return (try first(), try second()) }
  let a = Mutex<Result<A, any Error>?>(nil)
  let b = Mutex<Result<B, any Error>?>(nil)
  DispatchQueue.concurrentPerform(iterations: 2) { which in
    if which == 0 {
      let result = Result { try first() }
      a.withLock { $0 = result }
    } else {
      let result = Result { try second() }
      b.withLock { $0 = result }
    }
  }
  return (try a.withLock { try $0!.get() }, try b.withLock { try $0!.get() })
}
