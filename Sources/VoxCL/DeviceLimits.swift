import ExecutionPlan
import KernelCatalog

/// What a device can do at most, measured on it: the roof under which every kernel stays.
///
/// Arithmetic: chains of 32-bit multiply-adds in registers. Memory: an array read and written. The fastest of a few runs
/// counts.
public struct DeviceLimits: Codable, Sendable {
  /// A multiply-add counted as two.
  public var flopsPerSecond: Double
  public var bytesPerSecond: Double

  public init(flopsPerSecond: Double, bytesPerSecond: Double) {
    (self.flopsPerSecond, self.bytesPerSecond) = (flopsPerSecond, bytesPerSecond)
  }

  /// The least seconds for so many operations and bytes of traffic (Williams, Waterman, Patterson 2009: "Roofline").
  public func leastSeconds(flops: Int, traffic: Int) -> Double {
    max(Double(flops) / flopsPerSecond, Double(traffic) / bytesPerSecond)
  }

  private static let repeats = 5
  /// Of multiply-adds: 8 chains of 16 lanes, counted as two.
  private static let flopsPerRound = 2 * 8 * 16
  private static let rounds = 1 << 14
  /// Larger than the caches.
  private static let streamedBytes = 256 << 20

  /// - Parameter mostBytes: Of the array: those of the plan that is judged, so that no process needs more than its plan,
  ///   and a plan that a cache holds is held against the cache.
  /// - Throws: What the device throws.
  public static func measure(on device: any Device, mostBytes: Int) throws -> DeviceLimits {
    let limits = device.description
    let bytes = max(1, min(streamedBytes, mostBytes, limits.maxAllocationBytes) / 4096) * 4096
    // As many groups as any kernel of a plan has on such a device, each with a few rows.
    let groups = limits.kind == .cpu ? 4 * limits.computeUnits : 64 * limits.computeUnits
    let rows = 4 * max(1, groups)
    func call(_ kernel: Int, _ count: Int, _ label: String) -> Call {
      Call(
        kernel: kernel, arenas: [0], words: [0, count, rounds], groups: max(1, groups), label: label, layer: label,
        pass: .update)
    }
    let loaded = try device.load(
      ExecutionPlan(
        model: "limits", precision: .fp32, arenas: [Arena(name: "values", sizeInBytes: max(bytes, 64 * rows))],
        kernels: [0, 1].map { Kernel(name: KernelCatalog.deviceLimit.name, defines: [Define("STREAM", $0)]) },
        programs: [
          Program(name: .update, calls: [call(0, rows, "multiply-adds"), call(1, bytes / 4, "read and write")])
        ], tensors: [], parameters: [], buffers: []))
    let runs = try (0..<repeats).map { _ in try loaded.profile(.update) }
    func rate(_ work: Int, _ call: Int) -> Double { Double(work) / max(runs.map { $0[call] }.min() ?? 0, 1e-9) }
    return DeviceLimits(
      flopsPerSecond: rate(rows * rounds * flopsPerRound, 0), bytesPerSecond: rate(2 * bytes, 1))
  }
}
