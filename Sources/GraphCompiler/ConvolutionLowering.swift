import ExecutionPlan
import KernelCatalog
import LayerGraph

/// A convolution as the kernels see it: from segments to one stored tensor. Forward, transposed, and the data
/// gradients of both are this one operation with different weight strides.
struct ConvolutionCall {
  var layer: String
  var what: String
  var pass: Call.Pass
  var segments: [LazySegment]
  var batch: Int
  var inExtent: Extent
  var outExtent: Extent
  var outChannels: Int
  var kernel: Extent
  var stride: Extent
  var padding: Extent
  var dilation: Extent
  var groups: ChannelGroups
  var isTransposed: Bool
  /// The canonical weights' first element, and its strides along virtual input and output channels.
  var weights: Word
  var strideIn: Int
  var strideOut: Int
  var bias: Word = .absent
  var activation = Activation.none
  var slope = 0.0
  var out: TensorID
  var accumulates = false
  /// A norm of the output follows: where the kernel can, it leaves the statistics (`Lowering.statistics`).
  var wantsStatistics = false

  var inChannels: Int { segments.reduce(0) { $0 + $1.channels } }
  var inBlocks: Int { segments.reduce(0) { $0 + $1.blocks } }
  var allowsWinograd: Bool { dilation == 1 && groups.isOne }
  /// Multiply-adds counted as two: each (input voxel, tap) pair of a transposed one, output voxel else.
  var flops: Int {
    2 * batch * (isTransposed ? inExtent.count : outExtent.count) * kernel.count * inChannels * outChannels
  }
}

/// Mean and M2 of runs of `chunkVoxels` voxels: [N][channel block][chunk][2][16].
struct ChunkStatistics {
  var partials: TensorID
  var chunkVoxels: Int
}

/// Groups of channels as packing sees them: dense weights with zeros where two groups would meet.
struct ChannelGroups {
  /// Channels of a group on the side of the virtual inputs, and on that of the outputs.
  var inputs = 1 << 30
  var outputs = 1 << 30
  /// Output channel of the whole that is the call's first.
  var firstOutput = 0
  /// Canonical elements that a group's weights stand lower than dense ones would.
  var shift = 0
  var isOne: Bool { shift == 0 }

  init() {}
  init(_ count: Int, inputs: Int, outputs: Int, firstOutput: Int = 0, shift: Int) {
    guard count > 1 else { return }
    self.inputs = inputs / count
    self.outputs = outputs / count
    self.firstOutput = firstOutput
    self.shift = shift
  }

  var integers: [Int] { [inputs, outputs, firstOutput, shift] }
}

extension Lowering {
  /// Voxels from a kernel's first tap to its last, that every backend's scratch holds.
  static let longestSpan = 31

  func emitConvolution(_ call: ConvolutionCall) {
    let out = tensor(call.out)
    let outBlock = out.layout == .planar ? 1 : 16
    let isHalf = out.type == .float16 ? 1 : 0
    let hasBias = if case .absent = call.bias { 0 } else { 1 }
    let shape = convolutionShape(call)
    let tiling = ConvolutionTiling.choose(shape, device: device)
    let packed = scratch(
      "\(call.layer)/packed", [tiling.packedFloats], role: .workspace, layer: call.layer)
    let slots = scratch(
      "\(call.layer)/slots", [tiling.groups * tiling.slotFloats], role: .workspace, layer: call.layer)
    emitPacking(call, tiling, into: packed)
    convolutions.append(ConvolutionSite(program: program.name, call: program.calls.count, shape: shape))

    let segmentIntegers = integers(
      [
        "N", "inD", "inH", "inW", "outD", "outH", "outW", "inBlocks", "outC", "kD", "kH", "kW", "strideD",
        "strideH", "strideW", "padD", "padH", "padW",
      ],
      [call.batch] + call.inExtent.axes + call.outExtent.axes + [call.inBlocks, call.outChannels]
        + call.kernel.axes + call.stride.axes)
    let operands: [(String, Word)] = [
      ("out", operand(call.out)), ("weights", operand(packed)), ("bias", call.bias), ("mask", .absent),
      ("slots", operand(slots)),
    ]
    let epilogue = [
      ("OB", tiling.outputBlocks), ("OUT_BLOCK", outBlock), ("OUT_HALF", isHalf), ("BIAS", hasBias),
      ("OUT_ACT", call.activation.rawValue), ("ACCUMULATE", call.accumulates ? 1 : 0), ("MASK", 0),
    ]
    switch tiling.algorithm {
    case .direct(let run, let tile):
      let row = [1, 1, call.outExtent.w]
      let tiles = tiling.leavesStatistics(shape) ? tileStatistics(call, row) : nil
      emit(
        KernelCatalog.conv3d, call.layer, call.pass, call.what,
        defines: [
          ("TRANSPOSED", call.isTransposed ? 1 : 0), ("STRIDE_W", call.isTransposed ? 1 : call.stride.w),
          ("T", run), ("LANES", shape.lanes),
        ] + epilogue + [("STATISTICS", tiles == nil ? 0 : 1)],
        operands: operands + [("tiles", operand(tiles))],
        integers: segmentIntegers + integers(["padD", "padH", "padW"], call.padding.axes)
          + integers(["dilD", "dilH", "dilW"], call.dilation.axes)
          + integers(
            ["tileD", "tileH", "tileW", "slotFloats"], [tile[0], tile[1], tile[2], tiling.slotFloats])
          + [("slopeBits", .float(call.slope)), ("maskVoxels", .integer(call.outExtent.count))],
        segments: call.segments, groups: tiling.groups, flops: call.flops)
      if let tiles { emitMergedStatistics(call, row, tiles) }
    case .winograd(let m, let tilesInW, let inner):
      // Backward-data of stride 1 is a convolution with reversed taps and the complementary padding.
      let padding =
        call.isTransposed && m != 5 ? call.kernel.map(call.padding) { $0 - 1 - $1 } : call.padding
      let tile = call.kernel.axes.map { $0 > 1 ? m : 1 }
      let tiles = tiling.leavesStatistics(shape) ? tileStatistics(call, tile) : nil
      emit(
        KernelCatalog.conv3dWinograd, call.layer, call.pass, call.what,
        defines: [
          ("M", m), ("KD", Self.winogradTaps(call.kernel, m: m)), ("TRANSPOSED", call.isTransposed && m == 5 ? 1 : 0),
          ("TW", tilesInW), ("INNER", inner ? 1 : 0),
        ] + epilogue
          + [("STATISTICS", tiles == nil ? 0 : 1)],
        operands: operands + [("tiles", operand(tiles))],
        integers: segmentIntegers + integers(["padD", "padH", "padW"], padding.axes)
          + [
            ("slotFloats", .integer(tiling.slotFloats)), ("slopeBits", .float(call.slope)),
            ("maskVoxels", .integer(call.outExtent.count)),
          ],
        segments: call.segments, groups: tiling.groups, flops: call.flops)
      if let tiles { emitMergedStatistics(call, tile, tiles) }
    }
  }

  /// Mean and M2 of each tile of the output.
  private func tileStatistics(_ call: ConvolutionCall, _ tile: [Int]) -> TensorID {
    let tiles = zip(call.outExtent.axes, tile).map { ($0 + $1 - 1) / $1 }
    return scratch(
      "\(call.layer)/tiles", [call.batch, (call.outChannels + 15) / 16] + tiles + [2, 16], role: .workspace,
      layer: call.layer)
  }

  /// Of planes of tiles, which a norm takes as chunks.
  private func emitMergedStatistics(_ call: ConvolutionCall, _ tile: [Int], _ tiles: TensorID) {
    let extent = call.outExtent
    let chunks = (extent.d + tile[0] - 1) / tile[0]
    let partials = scratch(
      "\(call.layer)/partials", [call.batch, (call.outChannels + 15) / 16, chunks, 2, 16], role: .workspace,
      layer: call.layer)
    emit(
      KernelCatalog.mergeStatistics, call.layer, call.pass, "statistics",
      operands: [("tiles", operand(tiles)), ("partials", operand(partials))],
      integers: integers(
        ["N", "C", "D", "H", "W", "tileD", "tileH", "tileW", "chunks"],
        [call.batch, call.outChannels] + extent.axes + tile + [chunks]))
    statistics[call.out] = ChunkStatistics(partials: partials, chunkVoxels: tile[0] * extent.h * extent.w)
  }

  private func emitPacking(_ call: ConvolutionCall, _ tiling: ConvolutionTiling, into packed: TensorID) {
    var segmentC = call.segments.map(\.channels)
    let count = segmentC.count
    segmentC += Array(repeating: 0, count: 4 - count)
    let channels = integers(
      ["segments", "segmentC0", "segmentC1", "segmentC2", "segmentC3", "outC", "strideIn", "strideOut"],
      [count] + segmentC + [call.outChannels, call.strideIn, call.strideOut])
    let operands: [(String, Word)] = [("packed", operand(packed)), ("weights", call.weights)]
    switch tiling.algorithm {
    case .direct, .winograd(_, _, inner: true):
      emit(
        KernelCatalog.packWeights, call.layer, call.pass, "\(call.what) pack",
        operands: operands,
        integers: channels
          + integers(
            [
              "kD", "kH", "kW", "strideD", "strideH", "strideW", "padD", "padH", "padW", "dilD", "dilH", "dilW",
              "groupIn", "groupOut", "firstOut", "groupShift",
              "transposed", "outputBlocks",
            ],
            call.kernel.axes + call.stride.axes + call.padding.axes + call.dilation.axes + call.groups.integers
              + [call.isTransposed ? 1 : 0, tiling.outputBlocks]))
    case .winograd(let m, _, _):
      emit(
        KernelCatalog.winogradWeights, call.layer, call.pass, "\(call.what) transform",
        defines: [("M", m), ("KD", Self.winogradTaps(call.kernel, m: m))], operands: operands,
        integers: channels
          + integers(
            ["outputBlocks", "flip", "kH"], [tiling.outputBlocks, call.isTransposed ? 1 : 0, call.kernel.h]))
    }
  }

  /// KD of Winograd's kernels: taps along D of a kernel or (m 5) of its phases.
  static func winogradTaps(_ kernel: Extent, m: Int) -> Int { kernel.d == 1 ? 1 : m == 5 ? 2 : 3 }

  private func convolutionShape(_ call: ConvolutionCall) -> ConvolutionTiling.Shape {
    ConvolutionTiling.Shape(
      batch: call.batch, inExtent: call.inExtent.axes, outExtent: call.outExtent.axes,
      segmentChannels: call.segments.map(\.channels), outChannels: call.outChannels,
      kernel: call.kernel.axes, stride: call.stride.axes, padding: call.padding.axes, dilation: call.dilation.axes,
      isTransposed: call.isTransposed, allowsWinograd: options.algorithm != .direct && call.allowsWinograd,
      prefersWinograd: options.algorithm == .winograd,
      inputIsPlanar: call.segments.count == 1 && call.segments[0].isPlanar,
      outputIsPlanar: tensor(call.out).layout == .planar, wantsStatistics: call.wantsStatistics)
  }
}

extension ForwardPass {
  func lowerConvolution(_ node: Node, _ shape: ConvolutionShape, transposed: Bool) {
    let input = node.inputs[0]
    let readers = lowering.consumers[node.id]
    // The only reader's activation goes into the epilogue; then its output is what is stored.
    var target = node
    var activation = Activation.none
    var slope = 0.0
    if readers.count == 1, isNeeded[readers[0]], case .activation(let kind) = graph.nodes[readers[0]].op,
      kind.code.0.isInvertible || !isTraining
    {
      target = graph.nodes[readers[0]]
      (activation, slope) = kind.code
      roles[target.id] = .fusedActivation(activation, slope: slope)
    }
    // Logits are planar whatever their number; a convolution can write them so. Not a transposed one: its
    // weight gradient loads that of its output, planar up to one block of channels only.
    let out = allocate(target, layout: isLast(target.id) && !transposed ? .planar : nil)
    let from = graph.nodes[input].shape
    let taps = shape.kernel.count
    // Canonical weights are O × I/groups × taps, or I × O/groups × taps.
    let inner = (transposed ? node.shape.channels : from.channels) / shape.groups * taps
    let dropsBias = lowering.dropsBias(node)
    if !shape.span.allSatisfy({ $0 <= Lowering.longestSpan }) {
      unsupported = unsupported ?? CompilerError(
        path: node.path, problem: "the kernel spans \(shape.span) voxels, at most \(Lowering.longestSpan) an axis")
      return setStored(target, out)
    }
    lowering.emitConvolution(
      ConvolutionCall(
        layer: node.path, what: "forward", pass: .forward, segments: values[input]!.segments,
        batch: node.shape.batch, inExtent: from.extent, outExtent: node.shape.extent,
        outChannels: node.shape.channels, kernel: shape.kernel, stride: shape.stride,
        padding: shape.padding, dilation: shape.dilation,
        groups: ChannelGroups(
          shape.groups, inputs: from.channels, outputs: node.shape.channels, shift: inner),
        isTransposed: transposed, weights: lowering.parameter(node.parameters[0], in: lowering.weights),
        strideIn: transposed ? inner : taps, strideOut: transposed ? taps : inner,
        bias: shape.hasBias && !dropsBias
          ? lowering.parameter(node.parameters[1], in: lowering.weights) : .absent,
        activation: activation, slope: slope, out: out,
        wantsStatistics: target.id == node.id && readers.contains { needsStatistics($0) }))
    setStored(target, out)
    roles[node.id] = .convolution(shape, transposed: transposed)
  }
}
