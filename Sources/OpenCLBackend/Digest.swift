/// FNV-1a with 128 bits (Fowler, Noll, Vo; draft-eastlake-fnv): names cache entries and finds damaged ones.
/// It resists accidents, not attackers; the cache folder is the user's own.
struct Digest: Equatable, Sendable {
  private(set) var value: UInt128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d

  mutating func add(_ bytes: some Sequence<UInt8>) {
    for byte in bytes { value = (value ^ UInt128(byte)) &* 0x0000_0000_0100_0000_0000_0000_0000_013b }
  }

  /// A text with its length in front, so that ("ab", "c") and ("a", "bc") differ.
  mutating func add(_ text: String) {
    var count = UInt64(text.utf8.count)
    for _ in 0..<8 {
      add(CollectionOfOne(UInt8(truncatingIfNeeded: count)))
      count >>= 8
    }
    add(text.utf8)
  }

  /// Little-endian.
  var bytes: [UInt8] { (0..<16).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) } }

  /// 32 lower-case digits.
  var hexadecimal: String {
    let digits = String(value, radix: 16)
    return String(repeating: "0", count: 32 - digits.count) + digits
  }
}
