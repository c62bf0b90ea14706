import RealModule

/// What a sample's random numbers decide. Each purpose has its own stream, so that a new draw in one of them
/// leaves all others as they were.
public enum RandomStream: UInt32, Sendable, CaseIterable {
  case caseChoice = 1
  case patchCentre = 2
  case spatialAugmentation = 3
  case intensityAugmentation = 4
  case noise = 5
  case voxelIndex = 6
  case phantomAnatomy = 7
  case phantomNoise = 8
  case parameters = 9
  case blurAndResolution = 20
  case elasticDeformation = 21
}

/// The random numbers of sample k: a pure function of (seed, stream, k), never of any draw made elsewhere.
///
/// A value, not a reference: a copy continues on its own. Philox key = seed; counter = (draw, stream, k).
public struct SampleRandom: Sendable {
  private let key: SIMD2<UInt32>
  private let stream: UInt32
  private let sample: UInt64
  private var nextBlock: UInt32 = 0
  private var words = SIMD4<UInt32>()
  private var unusedWords = 0

  public init(seed: UInt64, stream: RandomStream, sample: UInt64) {
    key = SIMD2(UInt32(truncatingIfNeeded: seed), UInt32(truncatingIfNeeded: seed >> 32))
    self.stream = stream.rawValue
    self.sample = sample
  }

  /// Words `4 * index ..< 4 * index + 4` of the sequence, without moving the position.
  @inline(__always)
  public func block(_ index: UInt32) -> SIMD4<UInt32> {
    Philox4x32.block(
      counter: SIMD4(
        index, stream, UInt32(truncatingIfNeeded: sample), UInt32(truncatingIfNeeded: sample >> 32)),
      key: key)
  }

  /// The same as four words.
  @inline(__always)
  func blockWords(_ index: UInt32) -> (UInt32, UInt32, UInt32, UInt32) {
    Philox4x32.words(
      index, stream, UInt32(truncatingIfNeeded: sample), UInt32(truncatingIfNeeded: sample >> 32), key.x,
      key.y)
  }

  public mutating func nextWord() -> UInt32 {
    if unusedWords == 0 {
      words = block(nextBlock)
      nextBlock &+= 1
      unusedWords = 4
    }
    let word = words[4 - unusedWords]
    unusedWords -= 1
    return word
  }

  /// 53 random bits in [0, 1).
  public mutating func uniform() -> Double {
    let high = UInt64(nextWord() >> 5)
    let low = UInt64(nextWord() >> 6)
    return Double(high << 26 | low) * 0x1p-53
  }

  public mutating func uniform(_ low: Double, _ high: Double) -> Double {
    low + (high - low) * uniform()
  }

  /// True with the given probability. Always one draw, so that settings do not shift later draws.
  public mutating func chance(_ probability: Double) -> Bool { uniform() < probability }

  /// Uniform in 0 ..< bound without modulo bias (Lemire 2019). `bound` is at least 1.
  public mutating func integer(below bound: Int) -> Int {
    precondition(bound > 0, "internal: an integer below \(bound) does not exist")
    let range = UInt64(bound)
    let threshold = (0 &- range) % range
    while true {
      let word = UInt64(nextWord()) << 32 | UInt64(nextWord())
      let (high, low) = range.multipliedFullWidth(by: word)
      if low >= threshold { return Int(high) }
    }
  }

  /// Standard normal (Box–Muller, the cosine half).
  public mutating func normal() -> Double {
    let radius = (-2 * Double.log(1 - uniform())).squareRoot()
    return radius * Double.cos(2 * .pi * uniform())
  }

  /// A uniformly random order of 0 ..< count (Fisher–Yates).
  public mutating func permutation(_ count: Int) -> [Int] {
    var order = Array(0..<count)
    guard count > 1 else { return order }
    for last in stride(from: count - 1, to: 0, by: -1) {
      order.swapAt(last, integer(below: last + 1))
    }
    return order
  }
}
