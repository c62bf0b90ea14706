#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// What the system says of this processor.
enum HostProcessor {
  static var cores: Int { max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))) }

  /// Physical memory, or the control group's limit where that is lower.
  static var memoryBytes: Int {
    let physical = sysconf(Int32(_SC_PHYS_PAGES)) * sysconf(Int32(_SC_PAGESIZE))
    let limits = ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"]
      .compactMap { firstLine(of: $0) { _ in true }.flatMap { Int($0) } }
    return limits.filter { $0 > 0 }.reduce(physical, min)
  }

  static var name: String { processorField("model name") ?? "CPU" }
  static var vendor: String {
    switch processorField("vendor_id") {
    case "AuthenticAMD": "AMD"
    case "GenuineIntel": "Intel"
    case let other: other ?? "unknown"
    }
  }

  static func environment(_ name: String) -> String? {
    guard let value = getenv(name) else { return nil }
    let text = String(cString: value)
    return text.isEmpty ? nil : text
  }

  private static func processorField(_ key: String) -> String? {
    guard let line = firstLine(of: "/proc/cpuinfo", where: { $0.hasPrefix(key) }),
      let colon = line.firstIndex(of: ":")
    else { return nil }
    let value = line[line.index(after: colon)...].drop { $0 == " " }
    return value.isEmpty ? nil : String(value)
  }

  private static func firstLine(of path: String, where matches: (String) -> Bool) -> String? {
    guard let file = fopen(path, "r") else { return nil }
    defer { fclose(file) }
    var buffer = [CChar](repeating: 0, count: 4096)
    while fgets(&buffer, Int32(buffer.count), file) != nil {
      let bytes = buffer.prefix { $0 != 0 && $0 != 10 }.map { UInt8(bitPattern: $0) }
      let line = String(decoding: bytes, as: UTF8.self)
      if matches(line) { return line }
    }
    return nil
  }
}
