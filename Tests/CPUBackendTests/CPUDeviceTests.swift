import CPUBackend
import ExecutionPlan
import KernelCatalog
import Testing

@Suite struct CPUDeviceTests {
  /// Every fp16 pattern is read as Float16 reads it, and every float is rounded as Float16 rounds it.
  @Test func halfStorageIsExact() throws {
    let patterns = (0...UInt16.max).map { Float16(bitPattern: $0) }
    var floats = patterns.filter(\.isFinite).flatMap { half -> [Float] in
      let x = Float(half)
      // Exactly between neighbours, and one unit in the last place to either side.
      let middle = (x + Float(half.nextUp)) / 2
      return [x, middle, middle.nextUp, middle.nextDown]
    }
    floats += [1e-9, -1e-9, 65_519.9, 65_520, -65_520, 1e30, .infinity, -.infinity, .nan]
    floats = floats.map { $0.isNaN ? .nan : $0 }
    for (values, fromHalf) in [(patterns.map(Float.init), true), (floats, false)] {
      var call = try KernelCall("materialise")
      call.define("OUT_HALF", fromHalf ? 0 : 1)
      call.define("OUT_BLOCK", 1)
      call.define("OUT_ACT", 0)
      let count = values.count
      let out = call.poisoned(count, half: !fromHalf)
      call.set("out", out)
      call.set(["N", "outC", "firstC", "D", "H", "W"], [1, 1, 0, 1, 1, count])
      call.set("slopeBits", 0)
      var flags = SegmentFlags()
      flags.isPlanar = true
      flags.terms[0].isHalf = fromHalf
      let stored = fromHalf ? call.region(of: patterns) : call.region(of: values)
      let none = Call.absentOperand
      call.addSegment(
        [stored.offset, none, none, none, none, none, 1, 1, 1, count, 0, 0, 0, 1, 1, 1, 0, 0, 0, 0],
            flags: flags.bits)
      try call.runEverywhere { after in
        let result = after.floats(out)
        let wrong = result.indices.first { i in
          let expected = fromHalf ? values[i] : Float(Float16(values[i]))
          return expected.isNaN ? !result[i].isNaN : result[i].bitPattern != expected.bitPattern
        }
        #expect(wrong == nil, "found \(wrong.map { result[$0] } ?? 0) for \(wrong.map { values[$0] } ?? 0)")
      }
    }
  }

  /// A plan whose second call reads what the first wrote: clear, then probabilities of the zeros.
  static func plan() throws -> ExecutionPlan {
    let scalars = 0, values = 256, count = 3000
    let clear = try #require(KernelCatalog.interface("clear"))
    let probabilities = try #require(KernelCatalog.interface("probabilities"))
    let calls = [
      Call(kernel: 0, arenas: [1, 0], words: [1 << 56 | values, 1 << 56 | scalars, 4 * count], groups: 3,
          label: "clear",
        layer: "a", pass: .forward),
      Call(kernel: 1, arenas: [0], words: [values, values, 1, 4, count], groups: 7, label: "softmax",
          layer: "b",
        pass: .forward),
    ]
    return ExecutionPlan(
      model: "two calls", precision: .fp32,
      arenas: [Arena(name: "state", sizeInBytes: values + 16 * count),
          Arena(name: "scratch", sizeInBytes: 64)],
      kernels: [
        Kernel(name: "clear", defines: clear.defines.map { Define($0, 1) }),
        Kernel(name: "probabilities", defines: probabilities.defines.map { Define($0, 0) }),
      ],
      programs: [Program(name: .predict, calls: calls)], tensors: [], parameters: [], buffers: [])
  }

  @Test func runsCallsInOrder() throws {
    let device = try CPUDevice(threads: 3)
    #expect(device.description.id == "cpu")
    #expect(device.description.memoryBytes > 0)
    let loaded = try device.load(CPUDeviceTests.plan())
    #expect(loaded.allocatedBytes == loaded.plan.allocatedBytes)
    let address = ArenaAddress(arena: 0, offsetInBytes: 256)
    var values = (0..<12_000).map { Float($0 % 7) }
    for _ in 0..<200 {  // often, since a lost wake-up or a missing barrier shows rarely
      try values.withUnsafeBytes { try loaded.write($0, to: address) }
      try loaded.run(.predict)
      try values.withUnsafeMutableBytes { try loaded.read($0, from: address) }
      #expect(values.allSatisfy { $0 == 0.25 })
    }
    let seconds = try loaded.profile(.predict)
    #expect(seconds.count == 2 && seconds.allSatisfy { $0 >= 0 && $0 < 60 })
  }

  @Test func refusesWhatIsNotSound() throws {
    let device = try CPUDevice(threads: 1)
    func expectRefused(_ part: String, _ change: (inout ExecutionPlan) -> Void) throws {
      var plan = try CPUDeviceTests.plan()
      change(&plan)
      let error = #expect(throws: CPUBackendError.self) { try device.load(plan) }
      #expect(error?.description.contains(part) == true, "\(error?.description ?? "none")")
    }
    try expectRefused("conv4d") { $0.kernels[0].name = "conv4d" }
    try expectRefused("defines") { $0.kernels[0].defines = [] }
    try expectRefused("words") { $0.programs[0].calls[0].words.removeLast() }
    try expectRefused("groups") { $0.programs[0].calls[0].groups = 0 }
    try expectRefused("arenas") { $0.programs[0].calls[0].arenas = [5] }
    try expectRefused("outside") { $0.programs[0].calls[0].words[0] = 2 << 56 }
    try expectRefused("outside") { $0.programs[0].calls[0].words[0] = 1 << 40 }
    let materialise = try #require(KernelCatalog.interface("materialise"))
    let segment = [0, -1, -1, -1, -1, -1, 1, 1, 1, 1, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0]
    try expectRefused("segment 0: factorH is 0") {
      $0.kernels[0] = Kernel(
        name: "materialise", defines: materialise.defines.map { Define($0, $0 == "OUT_BLOCK" ? 16 : 1) })
      $0.programs[0].calls[0].words = [0, 1, 1, 0, 1, 1, 1, 0] + segment
    }
    // Winograd that transforms weights at the end of its slots, 256 · OB · (9 blocks + 24) floats at least.
    let winograd = KernelCatalog.conv3dWinograd
    func expectInnerRefused(
      _ part: String, m: Int = 4, taps: Int = 3, transposed: Int = 0, inner: Int = 1, slots: Int = 0, slotFloats: Int,
      padding: Int = 1, channels: Int = 17
    ) throws {
      let values = [
        "M": m, "KD": taps, "TRANSPOSED": transposed, "TW": 2, "INNER": inner, "OB": 2, "OUT_BLOCK": 16, "SEGMENTS": 1,
      ]
      try expectRefused(part) {
        $0.kernels[0] = Kernel(name: winograd.name, defines: winograd.defines.map { Define($0, values[$0] ?? 0) })
        var words = [Int](repeating: 1, count: winograd.segmentsAt)
        for name in winograd.operands { words[winograd.word(name)] = Call.absentOperand }
        words[winograd.word("slots")] = slots
        words[winograd.word("slotFloats")] = slotFloats
        words[winograd.word("padH")] = padding
        $0.programs[0].calls[0].words = words + [0, -1, -1, -1, -1, -1, channels, 1, 1, 1, 0, 0, 0, 1, 1, 1, 0, 0, 0, 0]
      }
    }
    try expectInnerRefused("INNER is 2", inner: 2, slotFloats: 21_504)
    try expectInnerRefused("slotFloats is 0, expected at least 21504", slots: Call.absentOperand, slotFloats: 21_504)
    try expectInnerRefused("slotFloats is 21503, expected at least 21504", slotFloats: 21_503)
    try expectInnerRefused("more than the arena's", slotFloats: 21_504)
    // Phases have two taps along an axis, padding 0 or 1, and only they are transposed.
    try expectInnerRefused("KD is 3, expected one of [1, 2]", m: 5, inner: 0, slotFloats: 1)
    try expectInnerRefused("KD is 2, expected one of [1, 3]", taps: 2, slotFloats: 1)
    try expectInnerRefused("TRANSPOSED is 1, INNER 0", transposed: 1, inner: 0, slotFloats: 1)
    try expectInnerRefused("TRANSPOSED is 0, INNER 1", m: 5, taps: 2, slotFloats: 1)
    // What stands in the segments counts, each phase of it.
    try expectInnerRefused("found 201 blocks of input, expected 1 to 200", inner: 0, slotFloats: 1, channels: 3216)
    try expectInnerRefused("expected 1 to 50", m: 5, taps: 1, inner: 0, slotFloats: 1, channels: 801)
    try expectInnerRefused("expected 1 to 25", m: 5, taps: 2, inner: 0, slotFloats: 1, channels: 401)
    try expectInnerRefused("expected 1 to 200", m: 5, taps: 2, transposed: 1, inner: 0, slotFloats: 1, channels: 3201)
    try expectInnerRefused("padH is 2, expected 0 or 1", m: 5, taps: 2, inner: 0, slotFloats: 1, padding: 2)
    var large = try CPUDeviceTests.plan()
    large.arenas[0].sizeInBytes = 1 << 60
    #expect(throws: MemoryError.self) { try device.load(large) }
    let loaded = try device.load(CPUDeviceTests.plan())
    #expect(throws: CPUBackendError.self) { try loaded.run(.update) }
    #expect(throws: CPUBackendError.self) {
      try [UInt8](repeating: 0, count: 65).withUnsafeBytes {
        try loaded.write($0, to: ArenaAddress(arena: 1, offsetInBytes: 0))
      }
    }
    #expect(throws: CPUBackendError.self) { try CPUDevice(threads: 0) }
  }
}
