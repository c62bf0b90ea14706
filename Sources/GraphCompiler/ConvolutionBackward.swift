import ExecutionPlan
import KernelCatalog
import LayerGraph

extension BackwardPass {
  /// Weight gradient, bias gradient, then data gradients: the input's segments die before their gradients are
  /// allocated where they can.
  func lowerConvolution(_ node: Node, _ dz: TensorID, _ shape: ConvolutionShape, transposed: Bool) {
    let hasBias = shape.hasBias && !lowering.dropsBias(node)
    let sums = emitWeightGradient(node, dz, shape, transposed: transposed, wantsSums: hasBias)
    if let sums {
      emitBiasGradient(node, sums.partials, rows: sums.partitions, chunks: 1)
    } else if hasBias {
      emitBiasSums(node, dz)
    }
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

  /// A pass over dz, and the bias's gradient.
  private func emitBiasSums(_ node: Node, _ dz: TensorID) {
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
    emitBiasGradient(node, partials, rows: shape.batch, chunks: chunks(voxels))
  }

  private func emitBiasGradient(_ node: Node, _ partials: TensorID, rows: Int, chunks: Int) {
    lowering.emit(
      KernelCatalog.biasGradient, node.path, .backward, "bias gradient",
      operands: [
        ("gradient", lowering.parameter(node.parameters[1], in: lowering.gradients)),
        ("partials", lowering.operand(partials)),
      ],
      integers: lowering.integers(["N", "C", "chunks"], [rows, node.shape.channels, chunks]))
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
