import ExecutionPlan
import KernelCatalog
import LayerGraph

extension BackwardPass {
  /// Partial sums, directly or in Winograd's domain, and their reduction onto the gradient.
  /// - Returns: Where `wantsSums` and dz is the side that moves over no other: Σ of dz over each partition's voxels,
  ///   [partition][channel block][16].
  func emitWeightGradient(
    _ node: Node, _ dz: TensorID, _ shape: ConvolutionShape, transposed: Bool, wantsSums: Bool
  ) -> (partials: TensorID, partitions: Int)? {
    let from = graph.nodes[node.inputs[0]].shape
    let input = forward.values[node.inputs[0]]!.segments
    let gradient = [plainSegment(dz, node.shape)]
    // A is the side that the kernel slides over: the input, or a transposed convolution's output gradient.
    let call = WeightGradientCall(
      node: node, shape: shape, a: transposed ? gradient : input, b: transposed ? input : gradient,
      aExtent: transposed ? node.shape.extent : from.extent, bExtent: transposed ? from.extent : node.shape.extent)
    let sizes = call.sizes(batch: from.batch)
    let algorithm = lowering.options.algorithm
    let winograd =
      shape.groups == 1 && algorithm != .direct
      ? WinogradGradWeightTiling.choose(sizes, preferred: algorithm == .winograd, device: lowering.device) : nil
    let tiling = winograd == nil ? GradWeightTiling.choose(sizes, device: lowering.device) : nil
    let partitions = winograd?.partitions ?? tiling!.partitions
    let sums =
      wantsSums && !transposed
      ? lowering.scratch(
        "\(node.path)/bias partials", [partitions, (node.shape.channels + 15) / 16, 16], role: .workspace,
        layer: node.path) : nil
    let partials =
      if let winograd { emitWinogradSums(call, sizes, winograd, sums) } else { emitDirectSums(call, sizes, tiling!, sums) }
    func padded(_ segments: [LazySegment]) -> [Int] {
      segments.map(\.channels) + Array(repeating: 0, count: 4 - segments.count)
    }
    // Canonical weights are O × I/groups × taps, or I × O/groups × taps for a transposed convolution.
    let taps = shape.kernel.count
    let inner = call.aChannels / shape.groups * taps
    let groups = ChannelGroups(shape.groups, inputs: call.aChannels, outputs: call.bChannels, shift: inner)
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
        [call.a.count] + padded(call.a) + [call.b.count] + padded(call.b)
          + [taps, partitions, taps, inner, groups.inputs, groups.outputs, groups.shift]))
    return sums.map { ($0, partitions) }
  }

  private func emitDirectSums(
    _ call: WeightGradientCall, _ sizes: GradWeightTiling.Shape, _ tiling: GradWeightTiling, _ sums: TensorID?
  ) -> TensorID {
    let (partials, slots) = scratch(call.node, tiling.partialFloats, tiling.groups * tiling.slotFloats)
    let shape = call.shape
    lowering.emit(
      KernelCatalog.convGradWeight, call.node.path, .backward, "weight gradient",
      defines: [
        ("A_SEGMENTS", call.a.count), ("STRIDE_W", shape.stride.w), ("TAPS_H", tiling.tapsH),
        ("TAPS_W", tiling.tapsW), ("A_LANES", tiling.aLanes), ("B_BLOCKS", tiling.bBlocks),
        ("LANES", sizes.lanes), ("DILATED", shape.dilation == 1 ? 0 : 1),
        ("SUMS", sums == nil ? 0 : 1),
      ],
      operands: [
        ("partials", lowering.operand(partials)), ("sums", lowering.operand(sums)), ("slots", lowering.operand(slots)),
      ],
      integers: call.integers(sizes)
        + lowering.integers(
          [
            "kD", "kH", "kW", "strideD", "strideH", "strideW", "padD", "padH", "padW", "dilD", "dilH", "dilW",
            "partitions", "tileH", "tileW", "slotFloats",
          ],
          shape.kernel.axes + shape.stride.axes + shape.padding.axes + shape.dilation.axes
            + [tiling.partitions, tiling.tileH, tiling.tileW, tiling.slotFloats]),
      segments: call.a + call.b, groups: tiling.groups, flops: call.flops(sizes))
    return partials
  }

  private func emitWinogradSums(
    _ call: WeightGradientCall, _ sizes: GradWeightTiling.Shape, _ tiling: WinogradGradWeightTiling, _ sums: TensorID?
  ) -> TensorID {
    let (partials, slots) = scratch(call.node, tiling.partialFloats, tiling.groups * tiling.slotFloats)
    lowering.emit(
      KernelCatalog.convWinogradGradWeight, call.node.path, .backward, "weight gradient",
      defines: [
        ("A_SEGMENTS", call.a.count), ("M", tiling.m),
        ("KD", Lowering.winogradTaps(call.shape.kernel, m: tiling.m)), ("TW", tiling.tilesInSet),
        ("A_LANES", tiling.aLanes), ("B_BLOCKS", tiling.bBlocks), ("SUMS", sums == nil ? 0 : 1),
      ],
      operands: [
        ("partials", lowering.operand(partials)), ("sums", lowering.operand(sums)), ("slots", lowering.operand(slots)),
      ],
      integers: call.integers(sizes)
        + lowering.integers(
          ["padD", "padH", "padW", "kH", "partitions", "aShare", "bShare", "slotFloats"],
          call.shape.padding.axes
            + [call.shape.kernel.h, tiling.partitions, tiling.aShare, tiling.bShare, tiling.slotFloats]),
      segments: call.a + call.b, groups: tiling.groups, flops: call.flops(sizes))
    return partials
  }

  private func scratch(_ node: Node, _ partials: Int, _ slots: Int) -> (partials: TensorID, slots: TensorID) {
    (
      lowering.scratch("\(node.path)/weight partials", [partials], role: .workspace, layer: node.path),
      lowering.scratch("\(node.path)/slots", [slots], role: .workspace, layer: node.path)
    )
  }
}

/// A weight gradient as its kernels see it: Σ over B's voxels of A, where the kernel's taps lie, times B.
private struct WeightGradientCall {
  var node: Node
  var shape: ConvolutionShape
  var a, b: [LazySegment]
  var aExtent, bExtent: Extent

  var aChannels: Int { a.reduce(0) { $0 + $1.channels } }
  var bChannels: Int { b.reduce(0) { $0 + $1.channels } }

  func sizes(batch: Int) -> GradWeightTiling.Shape {
    GradWeightTiling.Shape(
      batch: batch, aExtent: aExtent.axes, bExtent: bExtent.axes, aSegmentChannels: a.map(\.channels),
      bSegmentChannels: b.map(\.channels), kernel: shape.kernel.axes, stride: shape.stride.axes,
      padding: shape.padding.axes, dilation: shape.dilation.axes, bIsPlanar: b.allSatisfy(\.isPlanar))
  }

  /// The words that both kernels begin with.
  func integers(_ sizes: GradWeightTiling.Shape) -> [(String, Word)] {
    zip(
      ["N", "aD", "aH", "aW", "bD", "bH", "bW", "aBlocks", "bBlocks"],
      [sizes.batch] + aExtent.axes + bExtent.axes
        + [a.reduce(0) { $0 + $1.blocks }, b.reduce(0) { $0 + $1.blocks }]
    ).map { ($0, .integer($1)) }
  }

  /// Multiply-adds of the direct sum, counted as two.
  func flops(_ sizes: GradWeightTiling.Shape) -> Int {
    2 * sizes.batch * bExtent.count * shape.kernel.count * aChannels * bChannels / shape.groups
  }
}
