import Dispatch

/// Cuts `count` items into ranges and runs them on all cores; returns when all are done.
///
/// Each range must write to places of its own. Nothing depends on which core takes which.
func concurrently(_ count: Int, _ body: (Range<Int>) -> Void) {
  // More parts than cores: one that waits for memory does not hold up the rest.
  let parts = min(count, 32)
  withoutActuallyEscaping(body) { body in
    // The ranges do not overlap, and the call returns when all are done.
    nonisolated(unsafe) let body = body
    DispatchQueue.concurrentPerform(iterations: parts) { part in
      body(part * count / parts..<(part + 1) * count / parts)
    }
  }
}
