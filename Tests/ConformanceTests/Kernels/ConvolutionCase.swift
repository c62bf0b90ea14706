@testable import KernelCatalog

/// A random convolution: shapes, segments and how it is cut.
struct ConvolutionCase {
  var samples: Int
  var isTransposed: Bool
  var kernel, stride, pad, dilation, input, output: Extents
  var segments: [Segment]
  var outC: Int
  /// Canonical weights: input channel i, output channel o, tap k at i·strideIn + o·strideOut + k.
  var weights: [Float]
  var strideIn, strideOut: Int
  /// Voxels of the mask's planes beyond those of the output: it may be a slab of them.
  var maskMargin = 0

  var inC: Int { segments.reduce(0) { $0 + $1.channels } }
  var inBlocks: Int { segments.reduce(0) { $0 + blocks($1.channels) } }
  var taps: Int { kernel.voxels }

  /// - Parameters:
  ///   - fixed: This kernel, with stride 1 or `apart`, undilated.
  ///   - width: Voxels of a row of the small side.
  ///   - plain: Segments without lazy steps, for the reference in Swift.
  init(
    isTransposed: Bool, kernel fixed: Extents? = nil, stride apart: Extents? = nil, width: Int? = nil,
    plain: Bool = false, _ r: inout RandomNumbers
  ) {
    self.isTransposed = isTransposed
    samples = r.int(1...3)
    let kernel =
      fixed
      ?? r.of([
        Extents(1, 1, 1), Extents(3, 3, 3), Extents(3, 3, 3), Extents(1, 3, 3), Extents(2, 2, 2),
        Extents(3, 1, 5),
      ])
    let stride =
      fixed != nil
      ? apart ?? Extents(1, 1, 1)
      : r.of([
        Extents(1, 1, 1), Extents(1, 1, 1), Extents(2, 2, 2), Extents(1, 2, 2), Extents(2, 1, 3),
      ])
    let dilation =
      fixed != nil
      ? Extents(1, 1, 1)
      : r.of([Extents(1, 1, 1), Extents(1, 1, 1), Extents(2, 2, 2), Extents(1, 2, 3), Extents(3, 1, 2)])
    let pad = r.bool() ? kernel.map { ($0 - 1) / 2 } : kernel.map { _ in 0 }
    self.kernel = kernel
    self.stride = stride
    self.pad = pad
    self.dilation = dilation
    // The small side; the large one follows, with or without voxels that no window reaches.
    let small = Extents(r.of([1, 2, 3]), r.of([1, 3, 5]), width ?? r.of([1, 4, 7, 13, 26]))
    func large(_ n: Int, _ k: Int, _ s: Int, _ p: Int, _ d: Int) -> Int {
      max(1, (n - 1) * s + (k - 1) * d + 1 - 2 * p + (s > 1 ? r.int(0...1) : 0))
    }
    let wide = Extents(
      large(small.d, kernel.d, stride.d, pad.d, dilation.d), large(small.h, kernel.h, stride.h, pad.h, dilation.h),
      large(small.w, kernel.w, stride.w, pad.w, dilation.w))
    input = isTransposed ? small : wide
    output = isTransposed ? wide : small
    outC = r.of(oddChannels + [48, 65])
    let count = r.of([1, 1, 2, 3])
    segments = []
    for _ in 0..<count {
      var flags = SegmentFlags()
      if !plain { flags = Segment.randomFlags(&r, planar: r.int(0...3) == 0) }
      let channels = flags.isPlanar ? r.of([1, 2, 3, 5, 8, 8, 19]) : r.of([1, 3, 16, 17, 33])
      segments.append(.random(flags, samples: samples, channels: channels, value: input, &r))
    }
    let inC = segments.reduce(0) { $0 + $1.channels }
    let taps = kernel.voxels
    (strideIn, strideOut) = r.bool() ? (taps, inC * taps) : (outC * taps, taps)
    weights = r.floats(inC * outC * taps, -0.5...0.5)
  }

  /// Every other time, where the stride allows: only some planes of the output, or planes beyond it, as the compiler's
  /// slabs ask for them.
  mutating func cutToSlab(_ r: inout RandomNumbers) {
    guard stride.d == 1, r.bool() else { return }
    let first = r.int(-2...output.d)
    pad.d += isTransposed ? first : -first
    output.d = r.int(1...3)
  }

  /// Words that convolution kernels have in common.
  var integers: [String: Int] {
    var integers = [
      "N": samples, "inBlocks": inBlocks, "outC": outC, "strideIn": strideIn, "strideOut": strideOut,
      "slopeBits": bits(0.1), "groupIn": 1 << 30, "groupOut": 1 << 30, "firstOut": 0, "groupShift": 0,
      "groupA": 1 << 30, "groupB": 1 << 30, "maskVoxels": output.voxels + maskMargin,
    ]
    integers.merge(counts("segment", segments.map(\.channels))) { $1 }
    integers.set("in", input)
    integers.set("out", output)
    integers.set("k", kernel)
    integers.set("stride", stride)
    integers.set("pad", pad)
    integers.set("dil", dilation)
    return integers
  }

  /// `segments`, `segmentC0` … `segmentC3`.
  func counts(_ prefix: String, _ channels: [Int]) -> [String: Int] {
    var counts = [prefix + "s": channels.count]
    if prefix != "segment" { counts = [prefix + "Segments": channels.count] }
    for i in 0..<4 { counts["\(prefix)C\(i)"] = i < channels.count ? channels[i] : 0 }
    return counts
  }

  func shape() -> ConvolutionTiling.Shape {
    ConvolutionTiling.Shape(
      batch: samples, inExtent: input.list, outExtent: output.list, segmentChannels: segments.map(\.channels),
      outChannels: outC, kernel: kernel.list, stride: stride.list, padding: pad.list,
      dilation: dilation.list,
      isTransposed: isTransposed,
      inputIsPlanar: segments[0].flags.isPlanar)
  }

  /// Weights packed for the convolution that comes after.
  func packing(outputBlocks: Int, isCompared: Bool) -> KernelCase {
    let floats = DirectTiling.packedFloats(shape(), outputBlocks: outputBlocks)
    return KernelCase(
      interface: KernelCatalog.packWeights,
      operands: ["packed": isCompared ? .output(floats) : .scratch(floats), "weights": .input(weights)],
      integers: integers.merging(["transposed": isTransposed ? 1 : 0, "outputBlocks": outputBlocks]) { $1 },
      tolerance: 0)
  }

  /// Bias, activation, mask and output of a convolution, in any way that an epilogue has.
  mutating func epilogue(
    _ r: inout RandomNumbers
  ) -> (defines: [String: Int], operands: [String: Operand]) {
    let outPlanar = r.int(0...3) == 0
    if outPlanar { outC = min(outC, 8) }
    let half = r.bool()
    let bias = r.int(0...1)
    let accumulate = r.int(0...1)
    let elements = size(samples, outC, output.voxels, planar: outPlanar)
    let mask = r.of([0, 0, 1, 2])
    maskMargin = r.of([0, 7])
    return (
      [
        "OUT_BLOCK": outPlanar ? 1 : 16, "OUT_HALF": half ? 1 : 0, "BIAS": bias,
        "OUT_ACT": r.of([0, 1, 2, 3, 4, 5, 6, 7]), "ACCUMULATE": accumulate, "MASK": mask,
      ],
      [
        "out": accumulate == 1
          ? .updated(tensor(samples, outC, output.voxels, planar: outPlanar, &r), half: half)
          : .output(elements, half: half),
        "bias": bias == 1 ? .input(r.floats(outC)) : .absent,
        "mask": mask == 0 ? .absent : .input(maskValues(planar: outPlanar, &r), half: half),
      ]
    )
  }

  /// An activation's outputs, every third of them 0, as behind a relu.
  func maskValues(planar: Bool, _ r: inout RandomNumbers) -> [Float] {
    tensor(samples, outC, output.voxels + maskMargin, planar: planar, &r).map { r.int(0...2) == 0 ? 0 : $0 }
  }
}
