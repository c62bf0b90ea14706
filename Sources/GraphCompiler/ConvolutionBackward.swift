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
      let part = DataGradient(node: node, dz: dz, shape: shape, isTransposed: transposed, firstChannel: first)
      if case .map(let map) = forward.roles[target], lowering.consumers[target].count == 1 {
        emitMappedGradient(part, through: graph.nodes[target], map)
      } else {
        contribute(to: target) { out, accumulates in
          self.emitDataGradient(
            part, batch: node.shape.batch, sample: 0, channel: 0,
            channels: self.graph.nodes[target].shape.channels, out, accumulates)
        }
      }
      first += graph.nodes[target].shape.channels
    }
  }

  /// The nodes that a convolution's input consists of: a concat's parts, or the input itself.
  private func targets(_ id: Int) -> [Int] {
    if case .concat = forward.roles[id] { return graph.nodes[id].inputs.flatMap(targets) }
    return [id]
  }

  func plainSegment(_ tensor: TensorID, _ shape: Shape) -> LazySegment {
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
        kernel: shape.kernel.axes, stride: shape.stride.axes, padding: shape.padding.axes,
        dilation: shape.dilation.axes),
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
        ("DILATED", shape.dilation == 1 ? 0 : 1),
      ],
      operands: [("partials", lowering.operand(partials)), ("slots", lowering.operand(slots))],
      integers: lowering.integers(
        [
          "N", "aD", "aH", "aW", "bD", "bH", "bW", "aBlocks", "bBlocks", "kD", "kH", "kW", "strideD",
          "strideH", "strideW", "padD", "padH", "padW", "dilD", "dilH", "dilW", "partitions", "tileH", "tileW",
          "slotFloats",
        ],
        [from.batch] + aExtent.axes + bExtent.axes + [blocks(a), blocks(b)] + shape.kernel.axes
          + shape.stride.axes + shape.padding.axes + shape.dilation.axes
          + [tiling.partitions, tiling.tileH, tiling.tileW, tiling.slotFloats]),
      segments: a + b, groups: tiling.groups,
      flops: 2 * from.batch * bExtent.count * taps * channels(a) * channels(b) / shape.groups)
    func padded(_ segments: [LazySegment]) -> [Int] {
      segments.map(\.channels) + Array(repeating: 0, count: 4 - segments.count)
    }
    // Canonical weights are O × I/groups × taps, or I × O/groups × taps for a transposed convolution.
    let inner = channels(a) / shape.groups * taps
    let groups = ChannelGroups(shape.groups, inputs: channels(a), outputs: channels(b), shift: inner)
    lowering.emit(
      KernelCatalog.gradWeightReduce, node.path, .backward, "weight gradient reduce",
      operands: [
        ("gradient", lowering.parameter(node.parameters[0], in: lowering.gradients)),
        ("partials", lowering.operand(partials)),
      ],
      integers: lowering.integers(
        [
          "aSegments", "aC0", "aC1", "aC2", "aC3", "bSegments", "bC0", "bC1", "bC2", "bC3", "taps",
          "partitions", "strideA", "strideB", "groupA", "groupB", "groupShift",
        ],
        [a.count] + padded(a) + [b.count] + padded(b)
          + [taps, tiling.partitions, taps, inner, groups.inputs, groups.outputs, groups.shift]))
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

  /// The data gradient of one part of a convolution's input.
  private struct DataGradient {
    var node: Node
    var dz: TensorID
    var shape: ConvolutionShape
    var isTransposed: Bool
    /// First channel of the part within the convolution's input.
    var firstChannel: Int
  }

  /// The gradient of an up-sampled or cropped part exists for one sample and up to 32 channels at a time: its
  /// adjoint takes it to the source at once, and the whole never stands in memory.
  private func emitMappedGradient(_ part: DataGradient, through node: Node, _ map: IndexMap) {
    let source = graph.nodes[node.inputs[0]].shape
    contribute(to: node.inputs[0]) { out, accumulates in
      let stored = lowering.tensor(out)
      let isBlocked = stored.layout == .blocked
      let chunk = isBlocked ? min(32, source.channels) : source.channels
      let temporary = lowering.scratch(
        "\(node.path)/gradient chunk", [1, chunk] + node.shape.extent.axes, stored.layout, stored.type,
        role: .gradient, layer: node.path)
      let sampleBytes = stored.sizeInBytes / source.batch
      for sample in 0..<source.batch {
        for channel in stride(from: 0, to: source.channels, by: chunk) {
          let channels = min(chunk, source.channels - channel)
          emitDataGradient(part, batch: 1, sample: sample, channel: channel, channels: channels, temporary, false)
          let before = channel * source.extent.count * stored.type.sizeInBytes
          emitMapBackward(
            node, map, temporary, to: .operand(out, offsetInBytes: sample * sampleBytes + before), like: out,
            batch: 1, channels: channels, source: source.extent, accumulates: accumulates)
        }
      }
    }
  }

  /// A transposed convolution of dz (plain for a transposed one), for `batch` samples from `sample` on and
  /// `channels` channels of the part from `channel` on.
  private func emitDataGradient(
    _ part: DataGradient, batch: Int, sample: Int, channel: Int, channels: Int, _ out: TensorID,
    _ accumulates: Bool
  ) {
    let node = part.node
    let input = graph.nodes[node.inputs[0]].shape
    let taps = part.shape.kernel.count
    // Canonical weights are O × I/groups × taps, or I × O/groups × taps.
    let inner = (part.isTransposed ? node.shape.channels : input.channels) / part.shape.groups * taps
    let strideOut = part.isTransposed ? inner : taps
    let strideIn = part.isTransposed ? taps : inner
    var segment = plainSegment(part.dz, node.shape)
    segment.terms[0].offsetInBytes = sample * (lowering.tensor(part.dz).sizeInBytes / node.shape.batch)
    lowering.emitConvolution(
      ConvolutionCall(
        layer: node.path, what: "data gradient", pass: .backward, segments: [segment], batch: batch,
        inExtent: node.shape.extent, outExtent: input.extent, outChannels: channels,
        kernel: part.shape.kernel, stride: part.shape.stride, padding: part.shape.padding,
        dilation: part.shape.dilation,
        groups: ChannelGroups(
          part.shape.groups, inputs: node.shape.channels, outputs: input.channels,
          firstOutput: part.firstChannel + channel, shift: inner),
        isTransposed: !part.isTransposed,
        weights: lowering.parameter(
          node.parameters[0], in: lowering.weights, elements: (part.firstChannel + channel) * strideOut),
        strideIn: strideIn, strideOut: strideOut, out: out, accumulates: accumulates))
  }
}
