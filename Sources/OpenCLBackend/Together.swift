import Dispatch
import Synchronization

/// Both results, worked out at once where there is a second core. Where both fail, the first's error is thrown.
func together<A: Sendable, B: Sendable>(
  _ first: @Sendable () throws -> A, _ second: @Sendable () throws -> B
) throws -> (A, B) {
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
