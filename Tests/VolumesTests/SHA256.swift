/// SHA-256 (FIPS 180-4), for comparing voxels with the hashes in expected.json.
enum SHA256 {
  static func hexadecimal(_ bytes: UnsafeRawBufferPointer) -> String {
    var state: [UInt32] = (0..<8).map { fraction(primes[$0], root: 2) }
    let constants: [UInt32] = (0..<64).map { fraction(primes[$0], root: 3) }
    let whole = bytes.count / 64 * 64
    for start in stride(from: 0, to: whole, by: 64) {
      compress(UnsafeRawBufferPointer(rebasing: bytes[start..<start + 64]), constants, &state)
    }
    var tail = Array(bytes[whole...]) + [0x80]
    while tail.count % 64 != 56 { tail.append(0) }
    for shift in stride(from: 56, through: 0, by: -8) {
      tail.append(UInt8(truncatingIfNeeded: (UInt64(bytes.count) * 8) >> UInt64(shift)))
    }
    tail.withUnsafeBytes { t in
      for start in stride(from: 0, to: t.count, by: 64) {
        compress(UnsafeRawBufferPointer(rebasing: t[start..<start + 64]), constants, &state)
      }
    }
    return state.map { word in
      let digits = String(word, radix: 16)
      return String(repeating: "0", count: 8 - digits.count) + digits
    }.joined()
  }

  private static let primes: [Int] = {
    var found: [Int] = []
    var n = 2
    while found.count < 64 {
      if found.allSatisfy({ n % $0 != 0 }) { found.append(n) }
      n += 1
    }
    return found
  }()

  /// The first 32 bits of the fraction of a prime's square or cube root, by bisection in integers.
  private static func fraction(_ prime: Int, root: Int) -> UInt32 {
    // Finds floor(prime^(1/root) · 2³²) with 128-bit products.
    var low: UInt64 = 0
    var high: UInt64 = 1 << 37
    while high - low > 1 {
      let middle = (low + high) / 2
      if isAtMost(middle, root: root, prime: prime) { low = middle } else { high = middle }
    }
    return UInt32(truncatingIfNeeded: low)
  }

  private static func isAtMost(_ x: UInt64, root: Int, prime: Int) -> Bool {
    let square = UInt128(x) * UInt128(x)
    if root == 2 { return square <= UInt128(prime) << 64 }
    let (cube, overflow) = square.multipliedReportingOverflow(by: UInt128(x))
    return !overflow && cube <= UInt128(prime) << 96
  }

  private static func compress(
    _ block: UnsafeRawBufferPointer, _ constants: [UInt32], _ state: inout [UInt32]
  ) {
    withUnsafeTemporaryAllocation(of: UInt32.self, capacity: 64) { w in
      for i in 0..<16 { w[i] = block.loadUnaligned(fromByteOffset: 4 * i, as: UInt32.self).bigEndian }
      func rotate(_ x: UInt32, _ n: UInt32) -> UInt32 { x >> n | x << (32 - n) }
      for i in 16..<64 {
        let s0 = rotate(w[i - 15], 7) ^ rotate(w[i - 15], 18) ^ w[i - 15] >> 3
        let s1 = rotate(w[i - 2], 17) ^ rotate(w[i - 2], 19) ^ w[i - 2] >> 10
        w[i] = w[i - 16] &+ s0 &+ w[i - 7] &+ s1
      }
      var (a, b, c, d) = (state[0], state[1], state[2], state[3])
      var (e, f, g, h) = (state[4], state[5], state[6], state[7])
      for i in 0..<64 {
        let s1 = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)
        let t1 = h &+ s1 &+ ((e & f) ^ (~e & g)) &+ constants[i] &+ w[i]
        let s0 = rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)
        let t2 = s0 &+ ((a & b) ^ (a & c) ^ (b & c))
        (h, g, f, e, d, c, b, a) = (g, f, e, d &+ t1, c, b, a, t1 &+ t2)
      }
      for (i, value) in [a, b, c, d, e, f, g, h].enumerated() { state[i] = state[i] &+ value }
    }
  }
}
