import Testing

/// Rows of a slab land where they should, and nothing else changes.
@Suite struct StorePlanesTests {
  @Test(arguments: [false, true], [(1, 16, 16), (3, 48, 80), (2, 20_000, 20_016)])
  func rowsGoToTheirPlaces(_ half: Bool, _ size: (rows: Int, run: Int, stride: Int)) throws {
    var random = TestRandom(11)
    let slab = random.values(size.rows * size.run).map { Double(Float16($0)) }
    let before = random.values((size.rows - 1) * size.stride + size.run).map { Double(Float16($0)) }
    var expected = before
    for row in 0..<size.rows {
      for i in 0..<size.run { expected[row * size.stride + i] = slab[row * size.run + i] }
    }
    var call = try KernelCall("store_planes")
    call.define("HALF", half ? 1 : 0)
    let out = call.floats(before.map { Float($0) }, half: half)
    call.set("out", out)
    call.set("slab", call.floats(slab.map { Float($0) }, half: half))
    call.set("rows", size.rows)
    call.set("run", size.run)
    call.set("stride", size.stride)
    call.groups = 3
    try call.runEverywhere { #expect($0.doubles(out) == expected) }
  }
}
