import CCPUKernels
import ExecutionPlan

/// The arenas: zeroed pages, freed with this object.
final class ArenaMemory {
  private(set) var bases: [UnsafeMutableRawPointer] = []
  private let sizes: [Int]
  var allocatedBytes: Int { sizes.prefix(bases.count).reduce(0, +) }

  init(_ arenas: [Arena], device: DeviceDescription) throws(MemoryError) {
    sizes = arenas.map(\.sizeInBytes)
    // No more than 64 PiB, so that neither the sum nor the error's text overflows on a damaged plan.
    let needed = sizes.reduce(0) { min($0 + min(max($1, 0), 1 << 56), 1 << 56) }
    let shortage = MemoryError(
      neededBytes: needed, availableBytes: device.memoryBytes, device: device.id)
    guard needed <= device.memoryBytes else { throw shortage }
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
