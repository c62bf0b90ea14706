import DequeModule

#if canImport(Glibc)
  import Glibc
#endif

/// Makes batches ahead of time on threads of its own. Batch k is a pure function of k: the number of threads
/// and their timing change nothing but the wait.
public final class BatchPipeline: @unchecked Sendable {
  /// The micro-batch of an index.
  public typealias Maker = @Sendable (Int) -> MicroBatch

  private let make: Maker
  private let capacity: Int
  private let mutex: UnsafeMutablePointer<pthread_mutex_t>
  private let changed: UnsafeMutablePointer<pthread_cond_t>
  // Guarded by the mutex.
  /// Batches from `firstIndex` on: claimed by a thread (nil) or made.
  private var batches: Deque<MicroBatch?> = []
  private var firstIndex: Int
  private var isStopped = false
  private var threads: [pthread_t] = []

  /// - Parameters:
  ///   - first: index of the first batch that `next` returns.
  ///   - capacity: batches made or in the making at a time; bounds the memory.
  public init(first: Int, capacity: Int = 3, threadCount: Int = 1, make: @escaping Maker) {
    self.make = make
    self.capacity = max(1, capacity)
    firstIndex = first
    mutex = .allocate(capacity: 1)
    changed = .allocate(capacity: 1)
    pthread_mutex_init(mutex, nil)
    pthread_cond_init(changed, nil)
    for _ in 0..<max(1, threadCount) {
      var thread = pthread_t()
      // The thread holds a reference until it ends; `stop` makes it end.
      let reference = Unmanaged.passRetained(self)
      let status = pthread_create(
        &thread, nil,
        { raw in
          guard let raw else { return nil }
          Unmanaged<BatchPipeline>.fromOpaque(raw).takeRetainedValue().work()
          return nil
        }, reference.toOpaque())
      if status == 0 { threads.append(thread) } else { reference.release() }
    }
  }

  deinit {
    pthread_cond_destroy(changed)
    pthread_mutex_destroy(mutex)
    changed.deallocate()
    mutex.deallocate()
  }

  /// The next batch, in order; waits until it is made.
  public func next() -> MicroBatch {
    // Without a thread (the system refused one) the caller makes it.
    if threads.isEmpty {
      defer { firstIndex += 1 }
      return make(firstIndex)
    }
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    while true {
      if let front = batches.first, let batch = front {
        batches.removeFirst()
        firstIndex += 1
        pthread_cond_broadcast(changed)
        return batch
      }
      pthread_cond_wait(changed, mutex)
    }
  }

  /// Ends the threads; they finish the batch that they are making.
  public func stop() {
    pthread_mutex_lock(mutex)
    isStopped = true
    pthread_cond_broadcast(changed)
    pthread_mutex_unlock(mutex)
    for thread in threads { pthread_join(thread, nil) }
    threads = []
  }

  private func work() {
    pthread_mutex_lock(mutex)
    while !isStopped {
      guard batches.count < capacity else {
        pthread_cond_wait(changed, mutex)
        continue
      }
      let index = firstIndex + batches.count
      batches.append(nil)
      pthread_mutex_unlock(mutex)
      let batch = make(index)
      pthread_mutex_lock(mutex)
      batches[index - firstIndex] = batch
      pthread_cond_broadcast(changed)
    }
    pthread_mutex_unlock(mutex)
  }
}
