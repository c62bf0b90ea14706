import ExecutionPlan
import KernelCatalog
import LayerGraph

extension BackwardPass {
  /// Weight gradient, bias gradient, then data gradients: the input's segments die before their gradients are
  /// allocated where they can.
  func lowerConvolution(_ node: Node, _ dz: TensorID, _ shape: ConvolutionShape, transposed: Bool) {
    emitWeightGradient(node, dz, shape, transposed: transposed)
    if shape.hasBias && !lowering.dropsBias(node) { emitBiasGradient(node, dz) }
    var first = 0
    for target in targets(node.inputs[0]) {
      let channels = graph.nodes[target].shape.channels
      emitDataGradient(node, dz, shape, transposed: transposed, target: target, firstChannel: first)
      first += channels
    }
  }

  /// The nodes that a convolution's input consists of: a concat's parts, or the input itself.
  private func targets(_ id: Int) -> [Int] {
    if case .concat = forward.roles[id] { return graph.nodes[id].inputs.flatMap(targets) }
    return [id]
  }

  private func plainSegment(_ tensor: TensorID, _ shape: Shape) -> LazySegment {
    let stored = lowering.tensor(tensor)
    return LazySegment(
      terms: [LazyTerm(tensor: tensor, isHalf: stored.type == .float16)], channels: shape.channels,
      source: shape.extent, isPlanar: stored.layout == .planar)
  }

  private func emitWeightGradient(
    _ node: Node, _ dz: TensorID, _ shape: ConvolutionShape, transposed: Bool
  ) {
    let input = node.inputs[0]
    let from = graph.nodes[input].shape
    let inputSegments = forward.values[input]!.segments
    let gradientSegments = [plainSegment(dz, node.shape)]
    // A is the side that the kernel slides over: the input, or a transposed convolution's output gradient.
    let a = transposed ? gradientSegments : inputSegments
    let b = transposed ? inputSegments : gradientSegments
    let aExtent = transposed ? node.shape.extent : from.extent
    let bExtent = transposed ? from.extent : node.shape.extent
    let taps = shape.kernel.count
    let tiling = GradWeightTiling.choose(
      GradWeightTiling.Shape(
        batch: from.batch, aExtent: aExtent.axes, bExtent: bExtent.axes,
        aSegmentChannels: a.map(\.channels), bSegmentChannels: b.map(\.channels),
        kernel: shape.kernel.axes, stride: shape.stride.axes, padding: shape.padding.axes),
      device: lowering.device)
    let partials = lowering.scratch(
      "\(node.path)/weight partials", [tiling.partialFloats], role: .workspace, layer: node.path)
    let slots = lowering.scratch(
      "\(node.path)/slots", [tiling.groups * tiling.slotFloats], role: .workspace, layer: node.path)
    func blocks(_ segments: [LazySegment]) -> Int { segments.reduce(0) { $0 + $1.blocks } }
    func channels(_ segments: [LazySegment]) -> Int { segments.reduce(0) { $0 + $1.channels } }
    lowering.emit(
      KernelCatalog.convGradWeight, node.path, .backward, "weight gradient",
      defines: [
        ("A_SEGMENTS", a.count), ("STRIDE_W", shape.stride.w), ("TAPS_H", tiling.tapsH),
        ("TAPS_W", tiling.tapsW), ("A_LANES", tiling.aLanes), ("B_BLOCKS", tiling.bBlocks),
      ],
      operands: [("partials", lowering.operand(partials)), ("slots", lowering.operand(slots))],
      integers: lowering.integers(
        [
          "N", "aD", "aH", "aW", "bD", "bH", "bW", "aBlocks", "bBlocks", "kD", "kH", "kW", "strideD",
          "strideH", "strideW", "padD", "padH", "padW", "partitions", "tileH", "tileW", "slotFloats",
        ],
        [from.batch] + aExtent.axes + bExtent.axes + [blocks(a), blocks(b)] + shape.kernel.axes
          + shape.stride.axes + shape.padding.axes
          + [tiling.partitions, tiling.tileH, tiling.tileW, tiling.slotFloats]),
      segments: a + b, groups: tiling.groups,
      flops: 2 * from.batch * bExtent.count * taps * channels(a) * channels(b))
    func padded(_ segments: [LazySegment]) -> [Int] {
      segments.map(\.channels) + Array(repeating: 0, count: 4 - segments.count)
    }
    // Canonical weights are O I taps, or I O taps for a transposed convolution.
    lowering.emit(
      KernelCatalog.gradWeightReduce, node.path, .backward, "weight gradient reduce",
      operands: [
        ("gradient", lowering.parameter(node.parameters[0], in: lowering.gradients)),
        ("partials", lowering.operand(partials)),
      ],
      integers: lowering.integers(
        [
          "aSegments", "aC0", "aC1", "aC2", "aC3", "bSegments", "bC0", "bC1", "bC2", "bC3", "taps",
          "partitions", "strideA", "strideB",
        ],
        [a.count] + padded(a) + [b.count] + padded(b)
          + [taps, tiling.partitions, taps, channels(a) * taps]))
  }

  private func emitBiasGradient(_ node: Node, _ dz: TensorID) {
    let shape = node.shape
    let voxels = shape.extent.count
    let partials = lowering.scratch(
      "\(node.path)/bias partials", [shape.batch, (shape.channels + 15) / 16, chunks(voxels), 16],
      role: .workspace, layer: node.path)
    lowering.emit(
      KernelCatalog.channelSums, node.path, .backward, "bias sums",
      defines: [("HALF", forward.isHalf(dz)), ("BLOCK", forward.block(dz))],
      operands: [("g", lowering.operand(dz)), ("partials", lowering.operand(partials))],
      integers: lowering.integers(
        ["N", "C", "voxels", "chunkVoxels"], [shape.batch, shape.channels, voxels, chunkVoxels]))
    lowering.emit(
      KernelCatalog.biasGradient, node.path, .backward, "bias gradient",
      operands: [
        ("gradient", lowering.parameter(node.parameters[1], in: lowering.gradients)),
        ("partials", lowering.operand(partials)),
      ],
      integers: lowering.integers(["N", "C", "chunks"], [shape.batch, shape.channels, chunks(voxels)]))
  }

  /// The gradient of one part of the input: a transposed convolution of dz (plain for a transposed one).
  private func emitDataGradient(
    _ node: Node, _ dz: TensorID, _ shape: ConvolutionShape, transposed: Bool, target: Int,
    firstChannel: Int
  ) {
    let input = graph.nodes[node.inputs[0]].shape
    let taps = shape.kernel.count
    let outChannels = node.shape.channels
    // Canonical stride of an input channel: O I taps, or I O taps.
    let strideOut = transposed ? outChannels * taps : taps
    let strideIn = transposed ? taps : input.channels * taps
    contribute(to: target) { out, accumulates in
      lowering.emitConvolution(
        ConvolutionCall(
          layer: node.path, what: "data gradient", pass: .backward,
          segments: [plainSegment(dz, node.shape)], batch: input.batch, inExtent: node.shape.extent,
          outExtent: input.extent, outChannels: graph.nodes[target].shape.channels, kernel: shape.kernel,
          stride: shape.stride, padding: shape.padding, isTransposed: !transposed,
          weights: lowering.parameter(
            node.parameters[0], in: lowering.weights, elements: firstChannel * strideOut),
          strideIn: strideIn, strideOut: strideOut, out: out, accumulates: accumulates))
    }
  }
}
