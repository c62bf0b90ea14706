#if canImport(Glibc)
  import Glibc
#endif

/// The folder in which PoCL keeps kernels.
enum DriverCache {
  /// Its path and number on the file system: another text once it was removed or another one is used.
  static var identity: String {
    func variable(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }
    let folder =
      variable("POCL_CACHE_DIR") ?? variable("XDG_CACHE_HOME").map { $0 + "/pocl" }
      ?? (variable("HOME") ?? "") + "/.cache/pocl"
    var facts = stat()
    return stat(folder, &facts) == 0 ? "\(folder) \(facts.st_ino)" : folder
  }
}
