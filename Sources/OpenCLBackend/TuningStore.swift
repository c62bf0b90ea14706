import ExecutionPlan
import KernelCatalog

#if canImport(Glibc)
  import Glibc
#endif

/// Tuned tiles on disk, a file for each device, driver and text of the kernels that they are of. A damaged or foreign file
/// counts as none; what cannot be used of a sound one, the compiler leaves out.
struct TuningStore {
  private let cache: BinaryCache
  private let key: Digest

  init?(_ device: DeviceRecord, folder: String? = BinaryCache.defaultFolder) {
    guard let folder else { return nil }
    cache = BinaryCache(folder: folder + "/tuning")
    var key = Digest()
    for part in [device.name, device.driverVersion, device.platformVersion, "\(device.computeUnits)"] { key.add(part) }
    for kernel in [KernelCatalog.conv3d, KernelCatalog.conv3dWinograd] {
      guard let text = try? KernelText.source(of: Kernel(name: kernel.name, defines: [])) else { return nil }
      key.add(text)
    }
    self.key = key
  }

  /// Lines `key TAB OB run [tileD tileH tileW]`.
  func read() -> TuningTable {
    guard let bytes = cache.binary(for: key) else { return TuningTable() }
    var table = TuningTable()
    for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") {
      let parts = line.split(separator: "\t")
      guard parts.count == 2 else { continue }
      let numbers = parts[1].split(separator: " ").compactMap { Int($0) }
      guard [2, 5].contains(numbers.count) else { continue }
      table.choices[String(parts[0])] = TuningTable.Choice(
        outputBlocks: numbers[0], run: numbers[1], tile: numbers.count == 5 ? Array(numbers[2...]) : nil)
    }
    return table
  }

  /// Adds to what is there. Readers see the old table or the new one; two writers wait for each other.
  func add(_ table: TuningTable) {
    BinaryCache.makeFolder(cache.folder)
    let lock = open(cache.folder + "/lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    if lock >= 0 { flock(lock, LOCK_EX) }
    defer { if lock >= 0 { close(lock) } }
    let all = read().choices.merging(table.choices) { $1 }
    let lines = all.sorted { $0.key < $1.key }.map { key, choice in
      let numbers = [choice.outputBlocks, choice.run] + (choice.tile ?? [])
      return "\(key)\t\(numbers.map(String.init).joined(separator: " "))\n"
    }
    cache.store(Array(lines.joined().utf8), for: key)
  }
}
