import ExecutionPlan
import KernelCatalog
import LayerGraph

/// Sums and products that cannot stay lazy: products, and sums whose second input is repeated.
extension ForwardPass {
  func lowerJoin(_ node: Node, multiplies: Bool) {
    oneSegment(node.inputs[0])
    let out = allocate(node)
    emitCombine(
      node, .forward, multiplies ? "product" : "sum", multiplies: multiplies, out: out,
      values[node.inputs[0]]!.segments[0], repeated(node.inputs[1], over: node.shape.extent), accumulates: false)
    setStored(node, out)
    roles[node.id] = .join(multiplies: multiplies)
  }

  /// Makes a value one segment, so that a kernel of one segment can read it.
  func oneSegment(_ id: Int) {
    if values[id]!.segments.count != 1 { ensureStored(id) }
  }

  /// A value as a segment of these extents: along axes where its own extent is 1 it is repeated.
  func repeated(_ id: Int, over extent: Extent) -> LazySegment {
    oneSegment(id)
    let own = graph.nodes[id].shape.extent
    guard own != extent else { return values[id]!.segments[0] }
    if values[id]!.segments[0].map != .identity { ensureStored(id) }
    var segment = values[id]!.segments[0]
    segment.map = .nearest(extent.map(own) { $0 / $1 })
    return segment
  }

  func emitCombine(
    _ node: Node, _ pass: Call.Pass, _ what: String, multiplies: Bool, out: TensorID, _ a: LazySegment,
    _ b: LazySegment, accumulates: Bool
  ) {
    lowering.emit(
      KernelCatalog.combine, node.path, pass, what,
      defines: [
        ("MULTIPLY", multiplies ? 1 : 0), ("WIDENS", b.channels < a.channels ? 1 : 0), ("OUT_HALF", isHalf(out)),
        ("BLOCK", block(out)), ("ACCUMULATE", accumulates ? 1 : 0),
      ],
      operands: [("out", lowering.operand(out))], integers: volumeIntegers(node.shape), segments: [a, b])
  }
}

/// N, C, D, H, W.
func volumeIntegers(_ shape: Shape) -> [(String, Word)] {
  zip(["N", "C", "D", "H", "W"], shape.axes).map { ($0, .integer($1)) }
}

extension BackwardPass {
  func lowerJoin(_ node: Node, _ g: TensorID, multiplies: Bool) {
    let (a, b) = (node.inputs[0], node.inputs[1])
    let gradient = plainSegment(g, node.shape)
    contributeToSecond(node, g, multiplies: multiplies)
    guard multiplies else { return share(g, of: node.id, with: [a]) }
    contribute(to: a) { out, accumulates in
      self.forward.emitCombine(
        node, .backward, "gradient of the first factor", multiplies: true, out: out, gradient,
        self.forward.repeated(b, over: node.shape.extent), accumulates: accumulates)
    }
  }

  /// The second input's gradient: g (times the first factor), summed over what was repeated.
  private func contributeToSecond(_ node: Node, _ g: TensorID, multiplies: Bool) {
    let (a, b) = (node.inputs[0], node.inputs[1])
    let own = graph.nodes[b].shape
    let gradient = plainSegment(g, node.shape)
    let widens = own.channels < node.shape.channels
    /// Sum over channels, or the product alone, at the node's extents.
    func emitWhole(_ out: TensorID, _ accumulates: Bool) {
      let factor = forward.values[a]!.segments[0]
      guard widens else {
        return forward.emitCombine(
          node, .backward, "gradient of the second factor", multiplies: true, out: out, gradient, factor,
          accumulates: accumulates)
      }
      lowering.emit(
        KernelCatalog.channelDot, node.path, .backward, "gradient of the map",
        defines: [
          ("DOT", multiplies ? 1 : 0), ("OUT_HALF", forward.isHalf(out)), ("ACCUMULATE", accumulates ? 1 : 0),
        ],
        operands: [("out", lowering.operand(out))], integers: volumeIntegers(node.shape),
        segments: multiplies ? [gradient, factor] : [gradient])
    }
    contribute(to: b) { out, accumulates in
      let isRepeated = own.extent != node.shape.extent
      guard isRepeated else {
        if !multiplies && !widens { return emitIdentity(b, from: g, to: out, accumulates: accumulates) }
        return emitWhole(out, accumulates)
      }
      var whole = g
      if multiplies || widens {
        let (layout, type) = (lowering.tensor(out).layout, lowering.tensor(out).type)
        whole = lowering.scratch(
          "\(node.path)/gradient of the repeated", [own.batch, own.channels] + node.shape.extent.axes, layout, type,
          role: .gradient, layer: node.path)
        emitWhole(whole, false)
      }
      emitMapBackward(
        node, .nearest(node.shape.extent.map(own.extent) { $0 / $1 }), whole,
        to: .operand(out, offsetInBytes: 0), like: out, batch: own.batch, channels: own.channels,
        source: own.extent, accumulates: accumulates)
    }
  }
}

extension BackwardPass {
  /// The gradient of a stored concatenation goes to its parts. Convolutions that read it lazily have contributed to
  /// them already.
  func lowerConcat(_ node: Node, _ g: TensorID) {
    var first = 0
    for input in node.inputs {
      let shape = graph.nodes[input].shape
      contribute(to: input) { out, accumulates in
        lowering.emit(
          KernelCatalog.channelSlice, node.path, .backward, "gradient of a part",
          defines: [
            ("G_HALF", forward.isHalf(g)), ("G_BLOCK", forward.block(g)), ("OUT_HALF", forward.isHalf(out)),
            ("BLOCK", forward.block(out)), ("ACCUMULATE", accumulates ? 1 : 0),
          ],
          operands: [("out", lowering.operand(out)), ("g", lowering.operand(g))],
          integers: lowering.integers(
            ["N", "C", "wholeC", "firstC", "voxels"],
            [shape.batch, shape.channels, node.shape.channels, first, shape.extent.count]))
      }
      first += shape.channels
    }
  }
}
