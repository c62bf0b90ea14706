/// SplitMix64 (Steele, Lea & Flood 2014): the same cases on every machine.
struct RandomNumbers: RandomNumberGenerator {
  private var state: UInt64
  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }

  /// Uniform in the range.
  mutating func float(_ range: ClosedRange<Float> = -2...2) -> Float { Float.random(in: range, using: &self) }
  mutating func floats(_ count: Int, _ range: ClosedRange<Float> = -2...2) -> [Float] {
    (0..<count).map { _ in float(range) }
  }
  mutating func int(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &self) }
  mutating func bool() -> Bool { next() & 1 == 1 }
  mutating func of<T>(_ values: [T]) -> T { values[int(0...values.count - 1)] }
}

/// 1, primes, a multiple of the block and its neighbours: extents that no tile divides.
let oddExtents = [1, 2, 3, 5, 7, 8, 13]
/// Below, at and beyond one and two blocks of 16.
let oddChannels = [1, 2, 5, 15, 16, 17, 32, 33, 37]

func blocks(_ channels: Int) -> Int { (channels + 15) / 16 }
/// Channels of a block layout: a multiple of 16.
func padded(_ channels: Int) -> Int { 16 * blocks(channels) }
func quotient(_ a: Int, roundedUpBy b: Int) -> Int { (a + b - 1) / b }
func bits(_ value: Float) -> Int { Int(value.bitPattern) }

struct Extents: CustomStringConvertible {
  var d, h, w: Int
  init(_ d: Int, _ h: Int, _ w: Int) { (self.d, self.h, self.w) = (d, h, w) }
  var voxels: Int { d * h * w }
  var list: [Int] { [d, h, w] }
  var description: String { "\(d)×\(h)×\(w)" }

  static func random(_ r: inout RandomNumbers) -> Extents {
    Extents(r.of([1, 2, 3, 5]), r.of(oddExtents), r.of(oddExtents + [19, 31]))
  }
  func map(_ body: (Int) -> Int) -> Extents { Extents(body(d), body(h), body(w)) }
}

extension Dictionary where Key == String, Value == Int {
  /// `["inD": d, "inH": h, "inW": w]` for `("in", extents)`.
  mutating func set(_ prefix: String, _ extents: Extents) {
    self[prefix + "D"] = extents.d
    self[prefix + "H"] = extents.h
    self[prefix + "W"] = extents.w
  }
}
