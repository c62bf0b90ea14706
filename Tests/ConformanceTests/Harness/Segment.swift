import ExecutionPlan
import KernelCatalog

/// An input segment with its stored tensors: see `SegmentWord`.
struct Segment: CustomStringConvertible {
  var flags: SegmentFlags
  var channels: Int
  var source: Extents
  var crop = Extents(0, 0, 0)
  var factor = Extents(1, 1, 1)
  var slopes: [Float] = [0, 0]
  var keepScales: [Float] = [1, 1]
  /// `tensor0`, `scale0` … as far as the flags ask for them.
  var operands: [String: Operand] = [:]

  /// A segment whose value has at least these extents, with random contents.
  /// - Parameter flags: What its load does; the number of terms is that of `flags.terms`.
  static func random(
    _ flags: SegmentFlags, samples: Int, channels: Int, value: Extents, _ r: inout RandomNumbers
  ) -> Segment {
    var s = Segment(flags: flags, channels: channels, source: value)
    switch flags.map {
    case 0:
      s.crop = Extents(r.int(0...2), r.int(0...2), r.int(0...3))
      s.source = Extents(
        value.d + s.crop.d + r.int(0...1), value.h + s.crop.h, value.w + s.crop.w + r.int(0...2))
    default:
      s.factor = Extents(r.int(1...3), r.int(1...2), r.int(1...3))
      s.source = Extents(
        quotient(value.d, roundedUpBy: s.factor.d), quotient(value.h, roundedUpBy: s.factor.h),
        quotient(value.w, roundedUpBy: s.factor.w))
    }
    for (t, term) in flags.terms.enumerated() {
      s.slopes[t] = r.float(0.01...0.3)
      s.keepScales[t] = r.float(1.1...2)
      s.operands["tensor\(t)"] = .input(
        tensor(samples, channels, s.source.voxels, planar: flags.isPlanar, &r), half: term.isHalf)
      if term.hasNorm { s.operands["scale\(t)"] = .input(affine(samples, channels, &r)) }
      if term.hasKeep { s.operands["keep\(t)"] = .input(keepBits(samples, channels, s.source.voxels, &r)) }
    }
    return s
  }

  /// Any of the loads that `SegmentFlags` can say.
  static func randomFlags(_ r: inout RandomNumbers, planar: Bool? = nil) -> SegmentFlags {
    var flags = SegmentFlags()
    flags.map = r.int(0...2)
    flags.isPlanar = planar ?? r.bool()
    flags.hasTwoTerms = r.int(0...2) == 0
    flags.terms = (0..<(flags.hasTwoTerms ? 2 : 1)).map { _ in
      var term = SegmentFlags.TermFlags()
      term.isHalf = r.bool()
      term.hasNorm = r.bool()
      term.hasKeep = r.int(0...2) == 0
      term.activation = r.of([.none, .relu, .leaky, .sigmoid])
      return term
    }
    return flags
  }

  func words(_ word: (String) -> Int) -> [Int] {
    ["tensor0", "scale0", "keep0", "tensor1", "scale1", "keep1"].map(word)
      + [channels] + source.list + crop.list + factor.list
      + [bits(slopes[0]), bits(keepScales[0]), bits(slopes[1]), bits(keepScales[1])]
  }

  var description: String {
    "[\(channels) channels of \(source), map \(flags.map) crop \(crop) factor \(factor)"
      + (flags.isPlanar ? " planar" : "")
      + flags.terms.map { term in
        " term" + (term.isHalf ? " half" : "") + (term.hasNorm ? " norm" : "")
          + " \(term.activation)" + (term.hasKeep ? " keep" : "")
      }.joined() + "]"
  }
}

/// A stored tensor: N × blocks × voxels × 16 with zero in the lanes beyond C, or planar N × C × voxels.
func tensor(
  _ samples: Int, _ channels: Int, _ voxels: Int, planar: Bool, in range: ClosedRange<Float> = -2...2,
  _ r: inout RandomNumbers
) -> [Float] {
  guard !planar else { return r.floats(samples * channels * voxels, range) }
  var values = r.floats(samples * padded(channels) * voxels, range)
  guard channels % 16 != 0 else { return values }
  let last = blocks(channels) - 1
  for n in 0..<samples {
    for v in 0..<voxels {
      for lane in (channels % 16)..<16 {
        values[((n * blocks(channels) + last) * voxels + v) * 16 + lane] = 0
      }
    }
  }
  return values
}

/// Elements of a stored tensor.
func size(_ samples: Int, _ channels: Int, _ voxels: Int, planar: Bool) -> Int {
  samples * (planar ? channels : padded(channels)) * voxels
}

/// Two arrays [N][CP] one behind the other (scale and shift, mean and rstd), lanes beyond C zero.
func affine(
  _ samples: Int, _ channels: Int, first: ClosedRange<Float> = -1.5...1.5,
  second: ClosedRange<Float> = -1.5...1.5, _ r: inout RandomNumbers
) -> [Float] {
  var values: [Float] = []
  for range in [first, second] {
    for _ in 0..<samples {
      values += r.floats(channels, range) + [Float](repeating: 0, count: padded(channels) - channels)
    }
  }
  return values
}

/// keep[n][block][voxel] with no bit beyond C.
func keepBits(_ samples: Int, _ channels: Int, _ voxels: Int, _ r: inout RandomNumbers) -> [UInt16] {
  (0..<samples * blocks(channels) * voxels).map { i in
    let lanes = min(16, channels - 16 * (i / voxels % blocks(channels)))
    return UInt16(truncatingIfNeeded: r.next()) & UInt16((1 << lanes) - 1)
  }
}
