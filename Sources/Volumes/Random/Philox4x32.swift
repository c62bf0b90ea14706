/// The counter-based generator Philox4x32-10: four random words as a pure function of a counter and a key.
///
/// Source: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011. Any element of
/// the sequence costs the same, so nothing that draws depends on who drew before it.
public enum Philox4x32 {
  /// Ten rounds over `counter` under `key`.
  @inlinable
  public static func block(counter: SIMD4<UInt32>, key: SIMD2<UInt32>) -> SIMD4<UInt32> {
    let words = words(counter.x, counter.y, counter.z, counter.w, key.x, key.y)
    return SIMD4(words.0, words.1, words.2, words.3)
  }

  /// The same word by word: a loop over counters is vectorised across them.
  @usableFromInline @inline(__always)
  static func words(
    _ x: UInt32, _ y: UInt32, _ z: UInt32, _ w: UInt32, _ key0: UInt32, _ key1: UInt32
  ) -> (UInt32, UInt32, UInt32, UInt32) {
    var c = (x, y, z, w)
    var k = (key0, key1)
    for _ in 0..<10 {
      let product0 = UInt64(0xD251_1F53) &* UInt64(c.0)
      let product1 = UInt64(0xCD9E_8D57) &* UInt64(c.2)
      c = (
        UInt32(truncatingIfNeeded: product1 &>> 32) ^ c.1 ^ k.0, UInt32(truncatingIfNeeded: product1),
        UInt32(truncatingIfNeeded: product0 &>> 32) ^ c.3 ^ k.1, UInt32(truncatingIfNeeded: product0)
      )
      k = (k.0 &+ 0x9E37_79B9, k.1 &+ 0xBB67_AE85)
    }
    return c
  }
}
