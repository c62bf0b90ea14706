import ExecutionPlan
import Testing

@testable import KernelCatalog

/// Which kernels of a plan are one OpenCL program, and what stands in front of their calls' words.
@Suite struct SharedKernelsTests {
  private func flags(
    norm: Bool = false, _ activation: Activation = .none, half: Bool = false, keep: Bool = false, map: Int = 0,
    planar: Bool = false
  ) -> Int {
    var flags = SegmentFlags()
    flags.map = map
    flags.isPlanar = planar
    flags.terms[0].hasNorm = norm
    flags.terms[0].activation = activation
    flags.terms[0].isHalf = half
    flags.terms[0].hasKeep = keep
    return flags.bits
  }

  private func winograd(_ segments: [Int], bias: Int = 0, statistics: Int = 0, blocks: Int = 2) -> Kernel {
    let padded = segments + Array(repeating: 0, count: KernelInterface.maximumSegments - segments.count)
    let values: [String: Int] = [
      "M": 4, "KD": 3, "TW": 14, "OB": blocks, "OUT_BLOCK": 16, "BIAS": bias, "STATISTICS": statistics,
      "SEGMENTS": segments.count,
    ]
    return Kernel(
      name: KernelCatalog.conv3dWinograd.name,
      defines: KernelCatalog.conv3dWinograd.defines.map { name in
        let segment = name.hasPrefix("SEGMENT") && name != "SEGMENTS" ? padded[Int(name.dropFirst(7))!] : nil
        return Define(name, segment ?? values[name] ?? 0)
      })
  }

  @Test func normsReluBiasAndStatisticsAreNoReasonForAnother() {
    let kernels = [
      winograd([flags()]), winograd([flags(norm: true, .leaky)], bias: 1),
      winograd([flags(norm: true, .relu), flags()], statistics: 1),
    ]
    let shared = SharedKernels(kernels)
    #expect(shared.programs.count == 1 && shared.uses.map(\.program) == [0, 0, 0])
    let defines = shared.programs[0].defines
    #expect(defines.suffix(3) == [Define("PLANAR_INPUT", 0), Define("FLAVOURS", 1), Define("FLAVOUR0", 1 << 16)])
    #expect(!defines.contains { KernelCatalog.conv3dWinograd.lateDefines.contains($0.name) })
    // Word −1 − i is late define i: BIAS, ACCUMULATE, MASK, STATISTICS, SEGMENTS, SEGMENT0 …
    #expect(shared.uses[1].lateWords.reversed() == [1, 0, 0, 0, 1, flags(norm: true, .leaky), 0, 0, 0, 0])
    #expect(shared.uses[2].lateWords.reversed() == [0, 0, 0, 1, 2, flags(norm: true, .relu), 0, 0, 0, 0])
  }

  @Test func whatTheInnerLoopSeesIsAReason() {
    let shared = SharedKernels([winograd([flags()]), winograd([flags()], blocks: 1)])
    #expect(shared.programs.count == 2 && shared.uses.map(\.program) == [0, 1])
  }

  @Test func segmentsSayWhichFlavourTheyAre() {
    let kept = flags(norm: true, .leaky, keep: true), smooth = flags(norm: true, .silu), nearest = flags(map: 1)
    let shared = SharedKernels([winograd([flags(), kept]), winograd([smooth]), winograd([smooth, nearest])])
    // Plain and kept are one program; no third flavour joins them.
    #expect(shared.uses.map(\.program) == [0, 1, 1])
    #expect(shared.programs[0].defines.suffix(2) == [Define("FLAVOUR0", 1 << 16), Define("FLAVOUR1", 1 << 16 | 4 << 4)])
    #expect(shared.uses[0].lateWords.reversed().dropFirst(5).prefix(2) == [0, 1 << 16 | kept])
    #expect(shared.programs[1].defines.suffix(2) == [Define("FLAVOUR0", smooth), Define("FLAVOUR1", 1 << 16 | 1)])
    #expect(shared.uses[2].lateWords.reversed().dropFirst(5).prefix(2) == [smooth, 1 << 16 | nearest])
  }

  @Test func aKernelMayHaveAsManyFlavoursAsSegments() {
    let five = [flags(), flags(half: true), flags(map: 1), flags(map: 2), flags(.tanh)]
    let shared = SharedKernels([winograd(five), winograd([flags(.elu)])])
    #expect(shared.programs.count == 2)
    #expect(shared.programs[0].defines.last?.name == "FLAVOUR4")
    #expect(Set(shared.uses[0].lateWords.reversed().dropFirst(5).map { $0 >> 16 }) == [0, 1, 2, 3, 4])
  }

  @Test func planarInputHasAProgramOfItsOwn() throws {
    let interface = KernelCatalog.conv3d
    func direct(_ segments: [Int]) -> Kernel {
      Kernel(
        name: interface.name,
        defines: interface.defines.map { name in
          let i = name.hasPrefix("SEGMENT") ? Int(name.dropFirst(7)) : nil
          return Define(name, name == "SEGMENTS" ? segments.count : i.map { $0 < segments.count ? segments[$0] : 0 } ?? 0)
        })
    }
    let planar = flags(planar: true)
    let shared = SharedKernels([direct([planar]), direct([flags()]), direct([planar, flags()])])
    #expect(shared.uses.map(\.program) == [0, 1, 1])
    #expect(shared.programs.map { $0.defines.first { $0.name == "PLANAR_INPUT" }?.value } == [1, 0])
  }

  @Test func kernelsWithoutLateDefinesAreTheirOwnPrograms() {
    let clear = Kernel(name: "clear", defines: [Define("ONLY_FIRST", 1)])
    let kernels = [clear, winograd([0]), Kernel(name: "sort", defines: [])]
    let shared = SharedKernels(kernels)
    #expect(shared.programs[0] == kernels[0] && shared.programs[2] == kernels[2])
    #expect(shared.uses[0].lateWords.isEmpty && shared.uses[1].lateWords.count == 10)
  }
}
