import ExecutionPlan
import Testing

@testable import KernelCatalog

/// Tilings of Winograd's weight gradients: what sums depend on is the shape's, slots are what the kernel lays out.
@Suite struct WeightGradientTilingTests {
  /// Stride 2 where a kernel has four taps along an axis; `extent` is B's.
  static let shapes: [(a: [Int], b: [Int], extent: [Int], kernel: [Int])] = [
    ([256], [256], [12, 12, 12], [3, 3, 3]), ([320], [320], [4, 4, 4], [3, 3, 3]), ([320], [320], [8, 8, 8], [3, 3, 3]),
    ([128, 128], [128], [12, 12, 6], [3, 3, 3]), ([48], [80], [9, 10, 11], [3, 3, 3]), ([37], [19], [8, 8, 8], [3, 3, 3]),
    ([64], [64], [48, 48, 48], [3, 3, 3]), ([512], [512], [2, 10, 10], [1, 3, 3]), ([32], [32], [8, 8, 8], [3, 3, 3]),
    ([16], [32], [16, 80, 80], [1, 4, 4]), ([128], [256], [2, 10, 10], [1, 4, 4]), ([32, 16], [48], [32, 32, 16], [4, 4, 4]),
    ([64], [128], [4, 4, 4], [4, 4, 4]),
  ]

  @Test(arguments: 0..<shapes.count) func sumsAreTheSameForAnyNumberOfUnits(_ index: Int) throws {
    let tilings = try [1, 2, 3, 8, 64, 200].map { (units: $0, t: try tiling(index, units: $0)) }
    for (units, t) in tilings {
      #expect(t.m == tilings[0].t.m && t.tilesInSet == tilings[0].t.tilesInSet, "\(units) units")
      #expect(t.partitions == tilings[0].t.partitions && t.partialFloats == tilings[0].t.partialFloats, "\(units) units")
    }
  }

  @Test(arguments: 0..<shapes.count, [1, 2, 64]) func slotsHoldWhatTheKernelLaysOut(_ index: Int, _ units: Int) throws {
    let (a, b, extent, kernel) = Self.shapes[index]
    let t = try tiling(index, units: units)
    let p = t.m == 2 ? 4 : 6, isPlane = kernel[0] == 1, pD = isPlane ? 1 : p, step = kernel[1] == 4 ? 2 : 1
    #expect((t.m == 5) == (step == 2))
    let along = [isPlane ? extent[0] : (extent[0] + t.m - 1) / t.m] + extent[1...].map { ($0 + t.m - 1) / t.m }
    let sets = (along.reduce(1, *) + t.tilesInSet - 1) / t.tilesInSet
    #expect(t.partitions <= sets)
    let lines = pD * p, frequency = t.tilesInSet | 1
    if t.partitions == sets && t.aShare * t.bShare > 1 {
      let row = step * (t.m * min(t.tilesInSet, along[2]) + p - t.m)
      #expect(t.slotFloats == 16 * lines * (row + p * (frequency * (step + t.bShare) + 16 * t.bBlocks)))
    } else {
      let rows = (t.tilesInSet + along[2] - 2) / along[2] + 1, tiles = t.m * t.tilesInSet
      let columns = step * t.aShare * (tiles + (p - t.m) * rows) + t.bShare * (tiles + rows)
      let sums = lines * p * 16 * step * t.aShare * t.bShare
      #expect(t.slotFloats == 16 * (lines * columns + p * frequency * (step * t.aShare + t.bShare) + sums))
    }
    #expect(16 % t.aLanes == 0 && t.bShare % t.bBlocks == 0)
    #expect(b.reduce(0) { $0 + ($1 + 15) / 16 } % t.bShare == 0)
    #expect(t.aShare <= a.reduce(0) { $0 + ($1 + 15) / 16 } * (step == 1 ? 1 : isPlane ? 2 : 4))
  }

  /// Few tiles: a task for every unit while there are pairs of blocks enough.
  @Test(arguments: [1, 2, 3, 8, 16, 64]) func everyUnitHasATask(_ units: Int) throws {
    let t = try tiling(0, units: units)
    #expect((16 + t.aShare - 1) / t.aShare * (16 / t.bShare) >= units)
    #expect(t.slotFloats * 4 * t.groups < 128 << 20)
  }

  private func tiling(_ index: Int, units: Int) throws -> WinogradGradWeightTiling {
    let (a, b, extent, kernel) = Self.shapes[index]
    let device = DeviceDescription(
      id: "test", name: "test", vendor: "", kind: .cpu, memoryBytes: 1 << 40, maxAllocationBytes: 1 << 40,
      computeUnits: units, capabilities: [])
    let stride = kernel.map { $0 == 4 ? 2 : 1 }
    let shape = GradWeightTiling.Shape(
      batch: 1, aExtent: zip(extent, stride).map { $0 * $1 }, bExtent: extent, aSegmentChannels: a, bSegmentChannels: b,
      kernel: kernel, stride: stride, padding: kernel.map { ($0 - 1) / 2 })
    return try #require(WinogradGradWeightTiling.choose(shape, preferred: true, device: device))
  }
}
