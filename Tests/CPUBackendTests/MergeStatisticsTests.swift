import Testing

/// Statistics of planes of tiles from those of the tiles, against those of all their values at once.
@Suite struct MergeStatisticsTests {
  @Test(arguments: [(4, 4, 4), (1, 4, 4), (2, 2, 2), (1, 1, 9)], [[5, 7, 9], [4, 4, 4], [1, 1, 1], [13, 3, 6]])
  func equalsOnePass(_ tile: (d: Int, h: Int, w: Int), _ extent: [Int]) throws {
    let samples = 2, channels = 19, blocks = 2
    let sizes = [tile.d, tile.h, tile.w]
    let tiles = zip(extent, sizes).map { ($0 + $1 - 1) / $1 }
    var random = TestRandom(7)
    var parts = [Double](repeating: 0, count: samples * blocks * tiles.reduce(1, *) * 32)
    var expected = [Double](repeating: 0, count: samples * blocks * tiles[0] * 32)
    for n in 0..<samples {
      for c in 0..<channels {
        for d in 0..<tiles[0] {
          let plane = (n * blocks + c / 16) * tiles[0] + d
          var all: [Double] = []
          for h in 0..<tiles[1] {
            for w in 0..<tiles[2] {
              let count = zip([d, h, w], zip(extent, sizes)).reduce(1) { $0 * min($1.1.1, $1.1.0 - $1.0 * $1.1.1) }
              let values = random.values(count).map { $0 + 8 }
              let mean = values.reduce(0, +) / Double(count)
              let at = ((plane * tiles[1] + h) * tiles[2] + w) * 32 + c % 16
              parts[at] = mean
              parts[at + 16] = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
              all += values
            }
          }
          let mean = all.reduce(0, +) / Double(all.count)
          expected[plane * 32 + c % 16] = mean
          expected[plane * 32 + 16 + c % 16] = all.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
        }
      }
    }
    var call = try KernelCall("merge_statistics")
    call.set("tiles", call.floats(parts))
    let partials = call.poisoned(expected.count)
    call.set("partials", partials)
    for (name, value) in [
      ("N", samples), ("C", channels), ("D", extent[0]), ("H", extent[1]), ("W", extent[2]), ("tileD", tile.d),
      ("tileH", tile.h), ("tileW", tile.w), ("chunks", tiles[0]),
    ] { call.set(name, value) }
    try call.runEverywhere { #expect(deviation($0.doubles(partials), expected) < 1e-5) }
  }
}
