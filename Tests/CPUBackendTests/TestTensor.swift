/// N×C×D×H×W values in double, planar; encoded into the layouts that kernels read.
struct TestTensor {
  var n, c: Int
  var extent: [Int]
  var values: [Double]

  var voxels: Int { extent.reduce(1, *) }
  var blocks: Int { (c + 15) / 16 }

  init(n: Int, c: Int, extent: [Int], values: [Double]? = nil) {
    self.n = n
    self.c = c
    self.extent = extent
    self.values = values ?? [Double](repeating: 0, count: n * c * extent.reduce(1, *))
  }

  static func random(_ n: Int, _ c: Int, _ extent: [Int], _ random: inout TestRandom) -> TestTensor {
    var tensor = TestTensor(n: n, c: c, extent: extent)
    for i in tensor.values.indices { tensor.values[i] = random.value() }
    return tensor
  }

  func index(_ n: Int, _ c: Int, _ d: Int, _ h: Int, _ w: Int) -> Int {
    (((n * self.c + c) * extent[0] + d) * extent[1] + h) * extent[2] + w
  }
  subscript(n: Int, c: Int, d: Int, h: Int, w: Int) -> Double {
    get { values[index(n, c, d, h, w)] }
    set { values[index(n, c, d, h, w)] = newValue }
  }
  /// 0 outside.
  func padded(_ n: Int, _ c: Int, _ d: Int, _ h: Int, _ w: Int) -> Double {
    guard d >= 0, h >= 0, w >= 0, d < extent[0], h < extent[1], w < extent[2] else { return 0 }
    return self[n, c, d, h, w]
  }

  /// Rounds to what storage keeps.
  func rounded(half: Bool) -> TestTensor {
    var copy = self
    copy.values = values.map { half ? Double(Float16(Float($0))) : Double(Float($0)) }
    return copy
  }

  func encoded(planar: Bool, fill: Float = 0) -> [Float] {
    if planar { return values.map(Float.init) }
    var result = [Float](repeating: fill, count: n * blocks * voxels * 16)
    for i in 0..<n {
      for j in 0..<blocks * 16 {
        for v in 0..<voxels {
          result[((i * blocks + j / 16) * voxels + v) * 16 + j % 16] =
            j < c ? Float(values[(i * c + j) * voxels + v]) : 0
        }
      }
    }
    return result
  }

  /// The values, and the largest magnitude among padding lanes (which must hold 0).
  static func decoded(_ stored: [Float], _ n: Int, _ c: Int, _ extent: [Int], planar: Bool)
    -> (tensor: TestTensor, padding: Float)
  {
    var tensor = TestTensor(n: n, c: c, extent: extent)
    if planar {
      tensor.values = stored.map(Double.init)
      return (tensor, 0)
    }
    var padding: Float = 0
    let blocks = tensor.blocks, voxels = tensor.voxels
    for i in 0..<n {
      for j in 0..<blocks * 16 {
        for v in 0..<voxels {
          let value = stored[((i * blocks + j / 16) * voxels + v) * 16 + j % 16]
          if j < c { tensor.values[(i * c + j) * voxels + v] = Double(value) }
          else if !(abs(value) <= padding) { padding = value.isNaN ? .infinity : abs(value) }
        }
      }
    }
    return (tensor, padding)
  }
}

/// SplitMix64: the same cases on every run.
struct TestRandom {
  var state: UInt64
  init(_ seed: UInt64) { state = seed }
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
  /// In [−1, 1), exactly representable in fp16.
  mutating func value() -> Double { Double(Int(next() % 1024) - 512) / 512 }
  mutating func values(_ count: Int) -> [Double] { (0..<count).map { _ in value() } }
  mutating func below(_ n: Int) -> Int { Int(next() % UInt64(n)) }
}

/// Largest |a − b| relative to 1 + the largest |b|; infinite where a value is missing or not finite.
func deviation(_ a: [Double], _ b: [Double]) -> Double {
  guard a.count == b.count else { return .infinity }
  var largest = 0.0, scale = 1.0
  for (x, y) in zip(a, b) {
    guard x.isFinite else { return .infinity }
    largest = max(largest, abs(x - y))
    scale = max(scale, abs(y))
  }
  return largest / scale
}
