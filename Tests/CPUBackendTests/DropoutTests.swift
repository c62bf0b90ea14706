import CPUBackend
import ExecutionPlan
import KernelCatalog
import Testing

@Suite struct DropoutTests {
  /// Philox4x32-10 by its definition.
  static func philox(_ counter: [UInt32], _ key: [UInt32]) -> [UInt32] {
    var c = counter, k = key
    for _ in 0..<10 {
      let a = UInt64(0xD251_1F53) * UInt64(c[0]), b = UInt64(0xCD9E_8D57) * UInt64(c[2])
      c = [
        UInt32(b >> 32) ^ c[1] ^ k[0], UInt32(truncatingIfNeeded: b), UInt32(a >> 32) ^ c[3] ^ k[1],
        UInt32(truncatingIfNeeded: a),
      ]
      k = [k[0] &+ 0x9E37_79B9, k[1] &+ 0xBB67_AE85]
    }
    return c
  }

  /// The known answers that come with Random123.
  @Test func referenceMatchesKnownAnswers() {
    #expect(DropoutTests.philox([0, 0, 0, 0], [0, 0]) == [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8])
    #expect(
      DropoutTests.philox([0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344], [0xa409_3822, 0x299f_31d0])
        == [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1])
  }

  @Test(arguments: [(1, 1, 1), (2, 5, 7), (3, 37, 1100), (1, 16, 2053)], [0.0, 0.3, 1.0])
  func keepsByPhilox(_ shape: (n: Int, c: Int, voxels: Int), p: Double) throws {
    for isSpatial in [false, true] { try keepsByPhilox(shape, p, isSpatial) }
  }

  private func keepsByPhilox(_ shape: (n: Int, c: Int, voxels: Int), _ p: Double, _ isSpatial: Bool) throws {
    let threshold = UInt64((p * 4_294_967_296).rounded())
    let tensor = TestTensor(n: shape.n, c: shape.c, extent: [1, 1, shape.voxels])
    let keep = tensor.values.indices.map { index -> Bool in
      let e = isSpatial ? index / shape.voxels : index
      let quad = UInt64(e / 4)
      let values = DropoutTests.philox(
        [UInt32(truncatingIfNeeded: quad), UInt32(quad >> 32), 3, 9], [0x1234 ^ 0xABCD, 0x5678 ^ 0xEF01])
      return UInt64(values[e % 4]) >= threshold
    }
    var call = try KernelCall("dropout_keep")
    call.define("SPATIAL", isSpatial ? 1 : 0)
    let bits = call.region(of: [UInt16](repeating: 0xFFFF, count: tensor.n * tensor.blocks * tensor.voxels))
    call.set("keep", bits)
    call.set("scalars", call.floats(scalarArray(
      [], integers: [(.seedLow, 0x1234), (.seedHigh, 0x5678), (.microBatch, 3), (.step, 9)])))
    call.set(["N", "C", "voxels", "layerLow", "layerHigh", "threshold"],
      [shape.n, shape.c, shape.voxels, 0xABCD, 0xEF01, Int(threshold)])
    try call.runEverywhere { #expect($0.array(bits, of: UInt16.self) == keepBits(keep, tensor)) }
    if p == 0 { #expect(keep.allSatisfy { $0 }) }
    if p == 1 { #expect(!keep.contains(true)) }
  }
}
