import Glibc

/// A file mapped for reading: its pages come from the disk when they are touched and go when memory is short.
final class MappedFile: @unchecked Sendable {
  let bytes: UnsafeRawBufferPointer

  /// nil where the file cannot be opened, or is empty.
  init?(_ path: String) {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_size > 0 else { return nil }
    let count = Int(status.st_size)
    guard let base = mmap(nil, count, PROT_READ, MAP_PRIVATE, descriptor, 0), base != MAP_FAILED else { return nil }
    // Patches lie anywhere: reading ahead would fetch what nobody asks for.
    madvise(base, count, MADV_RANDOM)
    bytes = UnsafeRawBufferPointer(start: base, count: count)
  }

  deinit { munmap(UnsafeMutableRawPointer(mutating: bytes.baseAddress), bytes.count) }
}
