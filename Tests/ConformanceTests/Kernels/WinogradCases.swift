import KernelCatalog
import Testing

/// Transformed weights are one backend's own matter: they are compared by the convolution that they give.
@Suite struct WinogradCases {
  @Test(arguments: [2, 4], 0..<10) func conv3d_winograd(_ m: Int, _ seed: UInt64) {
    var r = RandomNumbers(seed: seed + 5000)
    var c = ConvolutionCase(isTransposed: false, is3x3x3: true, &r)
    let epilogue = c.epilogue(&r)
    var test = winograd(c, m, flip: seed % 2 == 1, &r)
    test.defines.merge(epilogue.defines) { $1 }
    test.operands.merge(epilogue.operands) { $1 }
    expectAgreement(test)
  }

  /// Both backends against the catalogue's formula; F(4³, 3³) loses two digits.
  @Test(arguments: [2, 4], [false, true]) func conv3dWinogradFollowsItsFormula(_ m: Int, _ flip: Bool) throws
  {
    for seed in 0..<2 as Range<UInt64> {
      var r = RandomNumbers(seed: seed + 6000)
      var c = ConvolutionCase(isTransposed: false, is3x3x3: true, plain: true, &r)
      let bias = r.floats(c.outC)
      var test = winograd(c, m, flip: flip, &r)
      test.defines.merge(["OUT_BLOCK": 16, "OUT_HALF": 0, "BIAS": 1, "OUT_ACT": 0, "ACCUMULATE": 0]) { $1 }
      test.operands["out"] = .output(size(c.samples, c.outC, c.output.voxels, planar: false))
      test.operands["bias"] = .input(bias)
      if flip {
        for k in stride(from: 0, to: c.weights.count, by: 27) { c.weights[k..<k + 27].reverse() }
      }
      try expectFormula(test, c.reference(bias: bias), tolerance: 1e-3)
    }
  }

  private func winograd(_ c: ConvolutionCase, _ m: Int, flip: Bool, _ r: inout RandomNumbers) -> KernelCase {
    let tiles = r.of([1, 3, 5, 12, 25])
    let outputBlocks = r.int(1...4)
    let p = m + 2
    let outGroups = quotient(blocks(c.outC), roundedUpBy: outputBlocks)
    // The formula of kernels/conv3d_winograd.cl.
    let runs = quotient(tiles, roundedUpBy: [24, 14, 9, 6][outputBlocks - 1])
    let atOnce = runs * quotient(tiles, roundedUpBy: runs)
    let inRow = min(tiles, quotient(c.output.w, roundedUpBy: m))
    let vectors =
      p * p * (m * inRow + 2) + p * p * p * c.inBlocks * atOnce + outputBlocks * atOnce
      * (p + p * m + p * m * m)
    let packed = p * p * p * outGroups * c.inBlocks * 16 * outputBlocks * 16
    let slotFloats = 16 * vectors
    let weights = KernelCase(
      interface: KernelCatalog.winogradWeights, defines: ["M": m, "OB": outputBlocks, "FLIP": flip ? 1 : 0],
      operands: ["packed": .scratch(packed), "weights": .input(c.weights)], integers: c.integers)
    return KernelCase(
      interface: KernelCatalog.conv3dWinograd, defines: ["M": m, "TW": tiles, "OB": outputBlocks],
      operands: ["weights": .alias("before0.packed"), "slots": .slots(floatsForEachGroup: slotFloats)],
      integers: c.integers.merging(["slotFloats": slotFloats]) { $1 }, segments: c.segments,
      before: [weights], tolerance: 2e-4)
  }
}
