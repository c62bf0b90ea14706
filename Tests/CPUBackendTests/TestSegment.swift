#if canImport(Glibc)
  import Glibc
#endif
import ExecutionPlan
import KernelCatalog

/// One stored tensor with its lazy steps, as the contract states them.
struct TestTerm {
  var stored: TestTensor
  var isHalf = false
  var scale: [Double]?  // [n][c]
  var shift: [Double] = []
  var keep: [Bool]?  // [n][c][voxel]
  var activation = Activation.none
  var slope = 0.125
  var keepScale = 2.0

  func value(_ i: Int, channel: Int) -> Double {
    var v = stored.values[i]
    if let scale { v = v * scale[channel] + shift[channel] }
    v = activate(v, activation, slope)
    if let keep { v = keep[i] ? v * keepScale : 0 }
    return v
  }
}

func activate(_ v: Double, _ kind: Activation, _ slope: Double) -> Double {
  switch kind {
  case .none: v
  case .relu: max(0, v)
  case .leaky: v > 0 ? v : v * slope
  case .sigmoid: 1 / (1 + exp(-v))
  case .elu: v > 0 ? v : slope * (exp(v) - 1)
  case .silu: v / (1 + exp(-v))
  case .gelu: 0.5 * v * (1 + erf(v / 2.squareRoot()))
  case .tanh: tanh(v)
  }
}
func activationSlope(_ v: Double, _ kind: Activation, _ slope: Double) -> Double {
  switch kind {
  case .none: 1
  case .relu: v > 0 ? 1 : 0
  case .leaky: v > 0 ? 1 : slope
  default:
    (activate(v + 1e-6, kind, slope) - activate(v - 1e-6, kind, slope)) / 2e-6
  }
}

struct TestSegment {
  var terms: [TestTerm]
  var map = 0
  var isPlanar = false
  var crop = [0, 0, 0]
  var factor = [1, 1, 1]

  enum Kind: CaseIterable {
    case plain, half, planar, planarHalf, norm, normLeaky, relu, sigmoid, keep, twoTerms, crop, nearest,
        trilinear
  }

  /// A random segment whose value has the given extents.
  static func random(_ kind: Kind, n: Int, c: Int, extent: [Int], _ random: inout TestRandom) -> TestSegment {
    var source = extent
    var segment = TestSegment(terms: [])
    switch kind {
    case .crop:
      segment.crop = [1, 0, 2]
      source = [extent[0] + 1, extent[1] + 3, extent[2] + 2]
    case .nearest, .trilinear:
      segment.map = kind == .nearest ? 1 : 2
      segment.factor = [2, 1, 3]
      source = zip(extent, segment.factor).map { ($0 + $1 - 1) / $1 }
    case .planar, .planarHalf: segment.isPlanar = true
    default: break
    }
    func term(_ random: inout TestRandom) -> TestTerm {
      var term = TestTerm(stored: .random(n, c, source, &random))
      term.isHalf = kind == .half || kind == .planarHalf
      if [.norm, .normLeaky, .twoTerms, .trilinear, .sigmoid].contains(kind) {
        term.scale = random.values(n * c)
        term.shift = random.values(n * c)
      }
      if [.normLeaky, .twoTerms, .crop, .trilinear, .planar].contains(kind) { term.activation = .leaky }
      if [.relu, .keep].contains(kind) { term.activation = .relu }
      if kind == .sigmoid { term.activation = .sigmoid }
      if [.keep, .twoTerms, .nearest].contains(kind) {
        term.keep = term.stored.values.map { _ in random.below(3) > 0 }
      }
      return term
    }
    segment.terms = [term(&random)]
    if kind == .twoTerms { segment.terms.append(term(&random)) }
    if kind == .twoTerms { segment.terms[1].isHalf = true }
    return segment
  }

  var channels: Int { terms[0].stored.c }

  func sourceValue(_ n: Int, _ c: Int, _ d: Int, _ h: Int, _ w: Int) -> Double {
    let stored = terms[0].stored
    return terms.reduce(0) { $0 + $1.value(stored.index(n, c, d, h, w), channel: n * stored.c + c) }
  }

  /// The value over `extent`, straight from the contract.
  func value(_ extent: [Int]) -> TestTensor {
    let stored = terms[0].stored
    var result = TestTensor(n: stored.n, c: stored.c, extent: extent)
    for n in 0..<stored.n {
      for c in 0..<stored.c {
        for d in 0..<extent[0] {
          for h in 0..<extent[1] {
            for w in 0..<extent[2] {
              result[n, c, d, h, w] = readers([d, h, w]).reduce(0) {
                $0 + $1.weight * sourceValue(n, c, $1.at[0], $1.at[1], $1.at[2])
              }
            }
          }
        }
      }
    }
    return result
  }

  /// Source voxels that a voxel of the value reads, with their weights.
  func readers(_ p: [Int]) -> [(at: [Int], weight: Double)] {
    if map == 0 { return [((0..<3).map { p[$0] + crop[$0] }, 1)] }
    if map == 1 { return [((0..<3).map { p[$0] / factor[$0] }, 1)] }
    let axes = (0..<3).map { i -> (low: Int, high: Int, weight: Double) in
      let position = max(0, (Double(p[i]) + 0.5) / Double(factor[i]) - 0.5)
      let low = Int(position)
      return (low, min(low + 1, terms[0].stored.extent[i] - 1), position - Double(low))
    }
    return (0..<8).map { corner in
      let picks = (0..<3).map { corner >> (2 - $0) & 1 == 1 }
      return (
        (0..<3).map { picks[$0] ? axes[$0].high : axes[$0].low },
        (0..<3).reduce(1.0) { $0 * (picks[$1] ? axes[$1].weight : 1 - axes[$1].weight) }
      )
    }
  }

  /// Puts the operands into the call's memory and adds the segment.
  func add(to call: inout KernelCall) {
    var flags = SegmentFlags()
    flags.map = map
    flags.isPlanar = isPlanar
    flags.hasTwoTerms = terms.count == 2
    flags.terms = terms.map { term in
      var f = SegmentFlags.TermFlags()
      f.isHalf = term.isHalf
      f.hasNorm = term.scale != nil
      f.hasKeep = term.keep != nil
      f.activation = term.activation
      return f
    }
    var words = [Int](repeating: Call.absentOperand, count: 6)
    for (i, term) in terms.enumerated() {
      let s = term.stored
      words[3 * i] = KernelCall.word(call.floats(s.encoded(planar: isPlanar), half: term.isHalf))
      if let scale = term.scale {
        let table: [Float] = [scale, term.shift].flatMap {
          TestTensor(n: s.n, c: s.c, extent: [1, 1, 1], values: $0).encoded(planar: false)
        }
        words[3 * i + 1] = KernelCall.word(call.floats(table))
      }
      if let keep = term.keep { words[3 * i + 2] = KernelCall.word(call.region(of: keepBits(keep, s))) }
    }
    let stored = terms[0].stored, second = terms.count == 2 ? terms[1] : terms[0]
    words += [stored.c] + stored.extent + crop + factor
    words += [terms[0].slope, terms[0].keepScale, second.slope, second.keepScale]
      .map { Int(Float($0).bitPattern) }
    call.addSegment(words, flags: flags.bits)
  }
}

/// keep[n][block][voxel] of 16 bits.
func keepBits(_ keep: [Bool], _ s: TestTensor) -> [UInt16] {
  var bits = [UInt16](repeating: 0, count: s.n * s.blocks * s.voxels)
  for n in 0..<s.n {
    for c in 0..<s.c {
      for v in 0..<s.voxels where keep[(n * s.c + c) * s.voxels + v] {
        bits[(n * s.blocks + c / 16) * s.voxels + v] |= 1 << UInt16(c % 16)
      }
    }
  }
  return bits
}
