internal import CNifti
import Glibc

/// Reads a file forward, inflating it where its content is gzip, whatever its name.
///
/// zlib is called directly and not through libznz: only so are a wrong checksum and a cut stream told apart
/// from a file that ends.
struct CompressedReader: ~Copyable {
  private let stream: gzFile
  private let path: String
  let fileSizeInBytes: Int

  init(_ path: String) throws(VolumeError) {
    var status = stat()
    guard stat(path, &status) == 0 else { throw VolumeError(path, String(cString: strerror(errno))) }
    guard status.st_mode & S_IFMT == S_IFREG else {
      throw VolumeError(path, "is not a regular file")
    }
    guard let stream = gzopen(path, "rb") else {
      throw VolumeError(path, errno == 0 ? "out of memory" : String(cString: strerror(errno)))
    }
    gzbuffer(stream, 1 << 18)
    self.stream = stream
    self.path = path
    fileSizeInBytes = Int(status.st_size)
  }

  deinit { gzclose_r(stream) }

  var isCompressed: Bool { gzdirect(stream) == 0 }

  /// The most bytes that the file can hold after inflating: deflate packs at most 1,032 to 1 (zlib's
  /// "Technical Details"). A header that asks for more is refused before memory is taken.
  var largestContentInBytes: Int {
    let (product, overflow) = fileSizeInBytes.multipliedReportingOverflow(by: 1032)
    return !isCompressed ? fileSizeInBytes : overflow ? Int.max : product
  }

  /// Fills `buffer` as far as the content goes; returns the bytes read.
  mutating func read(into buffer: UnsafeMutableRawBufferPointer) throws(VolumeError) -> Int {
    var filled = 0
    while filled < buffer.count {
      let want = UInt32(min(buffer.count - filled, 1 << 30))
      let got = gzread(stream, buffer.baseAddress! + filled, want)
      if got < 0 { throw damage() }
      if got == 0 { break }
      filled += Int(got)
    }
    // A cut stream first gives what it has; the error is only in the state.
    if filled < buffer.count { try checkState() }
    return filled
  }

  /// The first `count` bytes, or fewer where the content is shorter.
  mutating func prefix(_ count: Int) throws(VolumeError) -> [UInt8] {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: count, alignment: 16)
    defer { buffer.deallocate() }
    let got = try read(into: buffer)
    return Array(buffer[0..<got])
  }

  mutating func skip(_ count: Int) throws(VolumeError) {
    let scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: min(count, 1 << 16), alignment: 16)
    defer { scratch.deallocate() }
    var left = count
    while left > 0 {
      let step = min(left, scratch.count)
      let got = try read(into: UnsafeMutableRawBufferPointer(rebasing: scratch[0..<step]))
      if got < step { return }
      left -= step
    }
  }

  /// Reads on to the end of the stream, where gzip keeps its checksum; gives up after 16 MiB of surplus, so
  /// that a file made to inflate endlessly costs no time.
  mutating func verifyEnd() throws(VolumeError) {
    guard isCompressed else { return }
    try skip(1 << 24)
  }

  private func checkState() throws(VolumeError) {
    var code: Int32 = 0
    gzerror(stream, &code)
    if code != Z_OK { throw damage() }
  }

  private func damage() -> VolumeError {
    var code: Int32 = 0
    let text = gzerror(stream, &code).map { String(cString: $0) } ?? ""
    switch code {
    case Z_BUF_ERROR: return VolumeError(path, "the gzip stream is cut short")
    case Z_DATA_ERROR: return VolumeError(path, "the gzip stream is damaged (\(text))")
    case Z_ERRNO: return VolumeError(path, "reading failed: \(String(cString: strerror(errno)))")
    default: return VolumeError(path, "reading failed (\(text))")
    }
  }
}
