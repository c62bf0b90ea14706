internal import CNifti
import Glibc

/// Writes a file so that its name never shows half of it: a temporary name in the same folder, flushed to the
/// disk, then renamed. Whatever fails, the temporary file is removed.
struct AtomicFile: ~Copyable {
  private let path: String
  private let temporaryPath: String
  private var descriptor: Int32
  private var isRenamed = false

  init(_ path: String) throws(VolumeError) {
    // O_EXCL makes a clash of names an error, and another number is drawn.
    self.path = path
    var descriptor: Int32 = -1
    var name = ""
    for _ in 0..<16 {
      name = "\(path).\(getpid())-\(UInt32.random(in: 0...UInt32.max)).part"
      descriptor = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
      if descriptor >= 0 || errno != EEXIST { break }
    }
    guard descriptor >= 0 else {
      throw VolumeError(path, "cannot be written: \(String(cString: strerror(errno)))")
    }
    temporaryPath = name
    self.descriptor = descriptor
  }

  deinit {
    if descriptor >= 0 { close(descriptor) }
    if !isRenamed { unlink(temporaryPath) }
  }

  /// Writes the parts one after the other, as one gzip stream where the name ends in `.gz`.
  mutating func write(_ parts: [UnsafeRawBufferPointer]) throws(VolumeError) {
    try Self.write(parts, to: descriptor, compressed: NiftiPaths.isCompressed(path), path: path)
    try finish()
  }

  /// Adds a part as it is; `finish` follows the last one.
  func append(_ part: UnsafeRawBufferPointer) throws(VolumeError) {
    try Self.write([part], to: descriptor, compressed: false, path: path)
  }

  /// Brings what was written to the disk.
  mutating func finish() throws(VolumeError) {
    guard fsync(descriptor) == 0 else { throw Self.failure(path) }
    let closed = close(descriptor)
    descriptor = -1
    guard closed == 0 else { throw Self.failure(path) }
  }

  /// Gives the file its name; replaces an older one in the same step.
  mutating func publish() throws(VolumeError) {
    guard rename(temporaryPath, path) == 0 else { throw Self.failure(path) }
    isRenamed = true
  }

  static func write(
    _ parts: [UnsafeRawBufferPointer], to descriptor: Int32, compressed: Bool, path: String
  ) throws(VolumeError) {
    if compressed {
      try deflate(parts, to: descriptor, path: path)
      return
    }
    for part in parts {
      var done = 0
      while done < part.count {
        let n = Glibc.write(descriptor, part.baseAddress! + done, part.count - done)
        if n < 0 && errno == EINTR { continue }
        guard n > 0 else { throw failure(path) }
        done += n
      }
    }
  }

  private static func deflate(
    _ parts: [UnsafeRawBufferPointer], to descriptor: Int32, path: String
  ) throws(VolumeError) {
    // gzclose closes its descriptor; the caller's stays open for fsync. Level 6 is gzip's own.
    let own = dup(descriptor)
    guard own >= 0, let stream = gzdopen(own, "wb6") else { throw failure(path) }
    gzbuffer(stream, 1 << 18)
    for part in parts {
      var done = 0
      while done < part.count {
        let step = UInt32(min(part.count - done, 1 << 30))
        guard gzwrite(stream, part.baseAddress! + done, step) == Int32(step) else {
          let error = failure(path)
          gzclose_w(stream)
          throw error
        }
        done += Int(step)
      }
    }
    guard gzclose_w(stream) == Z_OK else { throw failure(path) }
  }

  private static func failure(_ path: String) -> VolumeError {
    VolumeError(path, "writing failed: \(errno == 0 ? "unknown cause" : String(cString: strerror(errno)))")
  }
}
