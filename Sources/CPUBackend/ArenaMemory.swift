import CCPUKernels
import ExecutionPlan

/// The arenas: zeroed pages, freed with this object.
final class ArenaMemory {
  private(set) var bases: [UnsafeMutableRawPointer] = []
  private let sizes: [Int]
  var allocatedBytes: Int { sizes.prefix(bases.count).reduce(0, +) }

  init(_ arenas: [Arena], device: DeviceDescription) throws(MemoryError) {
    sizes = arenas.map(\.sizeInBytes)
    var needed = 0
    for size in sizes {
      let (sum, overflow) = needed.addingReportingOverflow(max(0, size))
      needed = overflow ? .max : sum
    }
    let shortage = MemoryError(
      neededBytes: needed, availableBytes: device.memoryBytes, device: device.id)
    guard needed <= device.memoryBytes, sizes.allSatisfy({ $0 >= 0 }) else { throw shortage }
    for size in sizes {
      guard let base = voxcl_map_zeroed(size) else { throw shortage }
      bases.append(base)
    }
  }

  deinit {
    for (base, size) in zip(bases, sizes) { voxcl_unmap(base, size) }
  }

  /// - Throws: `CPUBackendError` where the bytes do not lie inside the arena.
  func place(_ address: ArenaAddress, byteCount: Int) throws(CPUBackendError) -> UnsafeMutableRawPointer {
    guard bases.indices.contains(address.arena), address.offsetInBytes >= 0,
      byteCount <= sizes[address.arena] - address.offsetInBytes
    else {
      throw CPUBackendError(
        "\(byteCount) bytes at offset \(address.offsetInBytes) of arena \(address.arena) lie outside it")
    }
    return bases[address.arena] + address.offsetInBytes
  }
}
