import Synchronization

#if canImport(Glibc)
  import Glibc
#endif

/// Built programs on disk, one file each, named by the digest of what they were built from. A cache can only
/// save time: whatever fails here is answered with "not cached".
///
/// A file is `VoxCL\0p1`, key (16 bytes), digest of the program (16), its length (8, little-endian), program.
struct BinaryCache: Sendable {
  let folder: String
  private static let magic = Array("VoxCL\0p1".utf8)
  private static let headerBytes = 48
  private static let serial = Atomic<Int>(0)

  /// `$VOXCL_CACHE`, `$XDG_CACHE_HOME/voxcl` or `~/.cache/voxcl`; nil where none of them is set.
  static var defaultFolder: String? {
    func variable(_ name: String) -> String? {
      guard let value = getenv(name), value[0] != 0 else { return nil }
      return String(cString: value)
    }
    return variable("VOXCL_CACHE") ?? variable("XDG_CACHE_HOME").map { $0 + "/voxcl" }
      ?? variable("HOME").map { $0 + "/.cache/voxcl" }
  }

  func binary(for key: Digest) -> [UInt8]? {
    guard let file = Self.contents(of: path(key)), file.count > Self.headerBytes else { return nil }
    let binary = Array(file[Self.headerBytes...])
    return Array(file[..<Self.headerBytes]) == Self.header(key, binary) ? binary : nil
  }

  /// Readers see the whole entry or none: it is written under another name and renamed.
  func store(_ binary: [UInt8], for key: Digest) {
    Self.makeFolder(folder)
    let serial = Self.serial.wrappingAdd(1, ordering: .relaxed).newValue
    let temporary = "\(path(key)).\(getpid()).\(serial).tmp"
    let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { return }
    let isWritten = Self.write(Self.header(key, binary) + binary, to: descriptor)
    guard close(descriptor) == 0, isWritten, rename(temporary, path(key)) == 0 else {
      unlink(temporary)
      return
    }
  }

  /// Forgets an entry that a driver refused.
  func remove(_ key: Digest) { unlink(path(key)) }

  private func path(_ key: Digest) -> String { "\(folder)/\(key.hexadecimal).bin" }

  private static func header(_ key: Digest, _ binary: [UInt8]) -> [UInt8] {
    var digest = Digest()
    digest.add(binary)
    let length = (0..<8).map { UInt8(truncatingIfNeeded: binary.count >> (8 * $0)) }
    return magic + key.bytes + digest.bytes + length
  }

  /// The file's bytes, where it belongs to this user: a driver runs what stands in it.
  private static func contents(of path: String) -> [UInt8]? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var facts = stat()
    guard fstat(descriptor, &facts) == 0, facts.st_uid == geteuid(), facts.st_mode & S_IFMT == S_IFREG else {
      return nil
    }
    var bytes = [UInt8](repeating: 0, count: Int(facts.st_size))
    let count = bytes.withUnsafeMutableBytes { bytes in
      var done = 0
      while done < bytes.count {
        let more = Glibc.read(descriptor, bytes.baseAddress! + done, bytes.count - done)
        if more <= 0 { break }
        done += more
      }
      return done
    }
    return count == bytes.count ? bytes : nil
  }

  private static func write(_ bytes: [UInt8], to descriptor: Int32) -> Bool {
    bytes.withUnsafeBytes { bytes in
      var done = 0
      while done < bytes.count {
        let more = Glibc.write(descriptor, bytes.baseAddress! + done, bytes.count - done)
        if more <= 0 { return false }
        done += more
      }
      return true
    }
  }

  static func makeFolder(_ folder: String) {
    var path = ""
    for part in folder.split(separator: "/", omittingEmptySubsequences: false) {
      path += part
      if !path.isEmpty { mkdir(path, 0o700) }  // fails where it exists: then there is nothing to do
      path += "/"
    }
  }
}
