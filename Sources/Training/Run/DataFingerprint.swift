import Interchange

#if canImport(FoundationEssentials)
  import FoundationEssentials
#endif
#if canImport(Glibc)
  import Glibc
#endif

/// A short fingerprint of a data file: SHA-256 of its size and of its first and last 64 KiB, so that a data
/// set of many gigabytes costs a moment. It finds a file that was exchanged, not one that was forged.
enum DataFingerprint {
  static let definition = "sha256 of the size (decimal), the first and the last 64 KiB"
  private static let part = 65_536

  /// Size, time of the last change and inode of a file: differs after every edit, also one in the middle. A pair's
  /// `.hdr` stands for its voxels' file, too. nil where there is none.
  static func stamp(_ path: String) -> String? {
    var parts: [String] = []
    var names = [path]
    for ending in [".hdr", ".hdr.gz"] where path.hasSuffix(ending) {
      let stem = path.dropLast(ending.count)
      names += ["\(stem).img", "\(stem).img.gz"]
    }
    for name in names {
      var status = stat()
      guard stat(name, &status) == 0 else { continue }
      parts.append("\(status.st_size) \(status.st_mtim.tv_sec).\(status.st_mtim.tv_nsec) \(status.st_ino)")
    }
    return parts.isEmpty ? nil : parts.joined(separator: ", ")
  }

  /// nil where the file cannot be read.
  static func of(_ path: String) -> String? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { return nil }
    let size = Int(status.st_size)
    var bytes = Array("\(size)".utf8)
    for offset in size > part ? [0, size - part] : [0] {
      var buffer = [UInt8](repeating: 0, count: min(part, size))
      guard pread(descriptor, &buffer, buffer.count, off_t(offset)) == buffer.count else { return nil }
      bytes += buffer
    }
    return SHA256.hex(bytes)
  }
}
