extension SampleRandom {
  /// Adds `standardDeviation` · N(0, 1) to each value. Value i uses word i of this sample's stream, from
  /// block `firstBlock` on, so the result is independent of how the range is cut.
  func addNoise(
    to values: UnsafeMutableBufferPointer<Float>, standardDeviation: Float, firstBlock: UInt32 = 0
  ) {
    guard let base = values.baseAddress else { return }
    let blocks = values.count / 4
    // A copy: the loop below is vectorised only where it reads no memory but the values.
    let random = self
    for block in 0..<blocks {
      let words = random.blockWords(firstBlock &+ UInt32(truncatingIfNeeded: block))
      let (a, b) = gaussianPair(words.0, words.1)
      let (c, d) = gaussianPair(words.2, words.3)
      let index = block &* 4
      base[index] += standardDeviation * a
      base[index &+ 1] += standardDeviation * b
      base[index &+ 2] += standardDeviation * c
      base[index &+ 3] += standardDeviation * d
    }
    let words = random.blockWords(firstBlock &+ UInt32(truncatingIfNeeded: blocks))
    let (a, b) = gaussianPair(words.0, words.1)
    let (c, _) = gaussianPair(words.2, words.3)
    for (offset, noise) in [a, b, c].enumerated() where blocks * 4 + offset < values.count {
      base[blocks * 4 + offset] += standardDeviation * noise
    }
  }
}
