import Glibc

/// A file that appears under its name only when it is complete: written beside it, flushed to the disk,
/// then renamed.
///
/// Whatever fails before (a full disk, a crash), a file of that name that was there before is untouched;
/// the unfinished one is removed at once, or by the system's next cleaning where the process died.
public final class AtomicFile {
  public let path: String
  private let temporaryPath: String
  /// -1 once the file is committed or abandoned.
  private var descriptor: Int32 = -1
  /// `write(2)`, which tests replace by one that fails.
  typealias WriteCall = (Int32, UnsafeRawPointer, Int) -> Int
  private let writeCall: WriteCall

  public convenience init(_ path: String) throws(InterchangeError) {
    try self.init(path, writeCall: Glibc.write)
  }

  init(_ path: String, writeCall: @escaping WriteCall) throws(InterchangeError) {
    self.path = path
    self.writeCall = writeCall
    let slash = path.lastIndex(of: "/")
    let folder = slash.map { String(path[...$0]) } ?? ""
    let name = slash.map { path[path.index(after: $0)...] } ?? path[...]
    // The process id keeps apart programs, the number two writers of one program. Names are at most 255
    // bytes.
    let stem = folder + "." + String(decoding: name.utf8.prefix(200), as: UTF8.self) + ".\(getpid())."
    var number = 0
    var candidate = ""
    repeat {
      candidate = stem + "\(number).partial"
      descriptor = open(candidate, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
      number += 1
    } while descriptor < 0 && errno == EEXIST && number < 1_000
    temporaryPath = candidate
    guard descriptor >= 0 else {
      throw InterchangeError(path: path, problem: "cannot be created: \(systemMessage())")
    }
    // A file that is replaced keeps its permissions.
    var status = stat()
    if stat(path, &status) == 0 { fchmod(descriptor, status.st_mode & 0o777) }
  }

  deinit { abandon() }

  public func write(_ bytes: UnsafeRawBufferPointer) throws(InterchangeError) {
    precondition(descriptor >= 0, "internal: the file is closed")
    guard let base = bytes.baseAddress else { return }
    var done = 0
    while done < bytes.count {
      let count = writeCall(descriptor, base + done, min(bytes.count - done, 1 << 30))
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { throw failure("cannot be written") }
      done += count
    }
  }

  public func write(_ bytes: [UInt8]) throws(InterchangeError) {
    try bytes.withUnsafeBufferPointer { (bytes) throws(InterchangeError) in
      try write(UnsafeRawBufferPointer(bytes))
    }
  }

  /// Flushes the file to the disk and gives it its name.
  public func commit() throws(InterchangeError) {
    precondition(descriptor >= 0, "internal: the file is closed")
    guard fsync(descriptor) == 0 else { throw failure("cannot be flushed to the disk") }
    let closed = close(descriptor) == 0
    descriptor = -1
    guard closed, rename(temporaryPath, path) == 0 else {
      let message = systemMessage()
      unlink(temporaryPath)
      throw InterchangeError(path: path, problem: "cannot be written: \(message)")
    }
    // The new name is on the disk only when the folder is; file systems that cannot flush a folder do
    // without.
    let slash = path.lastIndex(of: "/")
    let folder = open(slash.map { String(path[...$0]) } ?? ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    if folder >= 0 {
      fsync(folder)
      close(folder)
    }
  }

  /// Removes what was written, unless it was committed.
  public func abandon() {
    guard descriptor >= 0 else { return }
    close(descriptor)
    unlink(temporaryPath)
    descriptor = -1
  }

  private func failure(_ problem: String) -> InterchangeError {
    let message = systemMessage()
    abandon()
    return InterchangeError(path: path, problem: "\(problem): \(message)")
  }
}
