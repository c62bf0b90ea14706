import ExecutionPlan
import KernelCatalog
import LayerGraph

/// Backward pass: nodes in reverse order, each gradient complete before its node is reached.
///
/// A gradient is a stored tensor of its node's layout. Where a sum hands one gradient to two nodes they share
/// the tensor (`holders`) until one of them must write. The order is fixed here: first writer overwrites,
/// later ones add.
final class BackwardPass {
  let lowering: Lowering
  let forward: ForwardPass
  var gradient: [TensorID?]
  /// Nodes that still need a gradient tensor's value.
  var holders: [TensorID: Set<Int>] = [:]
  let needsGradient: [Bool]
  var recomputedKeepBits: [Int: TensorID] = [:]

  var graph: Graph { lowering.graph }

  init(_ forward: ForwardPass) {
    self.forward = forward
    lowering = forward.lowering
    let nodes = forward.graph.nodes
    gradient = Array(repeating: nil, count: nodes.count)
    var needs = Array(repeating: false, count: nodes.count)
    for node in nodes {
      needs[node.id] =
        node.op == .input
        ? forward.lowering.options.training?.differentiatesInput == true
        : !node.parameters.isEmpty || node.inputs.contains { needs[$0] }
    }
    needsGradient = needs
  }

  /// Lowers the backward pass from the gradients of the heads' logits.
  func run(headGradients: [TensorID]) {
    for (head, g) in zip(forward.heads, headGradients) {
      let own = inFormOf(head, g)
      if gradient[head] == nil {
        assign(own, to: head)
      } else {  // two outputs of one tensor
        contribute(to: head) { out, accumulates in
          self.emitIdentity(head, from: own, to: out, accumulates: accumulates)
        }
      }
    }
    for node in graph.nodes.reversed() where forward.isNeeded[node.id] && needsGradient[node.id] {
      guard let g = gradient[node.id] else { continue }
      lower(node, g)
      holders[g]?.remove(node.id)
    }
  }

  private func lower(_ node: Node, _ g: TensorID) {
    switch forward.roles[node.id] {
    case .input, .absorbed:
      break
    case .concat:
      lowerConcat(node, g)
    case .identity:
      share(g, of: node.id, with: [node.inputs[0]])
    case .add:
      share(g, of: node.id, with: node.inputs)
    case .join(let multiplies):
      lowerJoin(node, g, multiplies: multiplies)
    case .fusedActivation(let activation, let slope), .storedActivation(let activation, let slope):
      lowerStoredActivation(node, g, activation, slope)
    case .chain(let chain):
      lowerChain(node, g, chain)
    case .map(let map):
      lowerMap(node, g, map)
    case .prelu:
      lowerPReLU(node, g)
    case .pool(let window):
      lowerPool(node, g, window)
    case .generalPool(let pool, let kind):
      lowerGeneralPool(node, g, pool, kind)
    case .resampling(let resampling):
      lowerResampling(node, g, resampling)
    case .softmax:
      lowerSoftmax(node, g)
    case .convolution(let shape, let transposed):
      lowerConvolution(node, g, shape, transposed: transposed)
    }
  }

  // MARK: Where gradients go

  func assign(_ g: TensorID, to id: Int) {
    gradient[id] = g
    holders[g, default: []].insert(id)
  }

  /// Gives the same gradient to several nodes without a copy where they have none yet.
  func share(_ g: TensorID, of owner: Int, with targets: [Int]) {
    let targets = targets.filter { needsGradient[$0] }
    for (i, target) in targets.enumerated() {
      // Until the last of them g stays as it is: one may hold it already, and would add g to itself there.
      if i == targets.count - 1 { holders[g]?.remove(owner) }
      if gradient[target] == nil && fits(g, target) {
        assign(g, to: target)
      } else {
        // Before anybody writes over g: a sum of a value with itself, or a second contribution.
        contribute(to: target) { out, accumulates in
          emitIdentity(target, from: g, to: out, accumulates: accumulates)
        }
      }
    }
  }

  /// Calls `write` with the tensor that receives a contribution to a node's gradient. A tensor that others
  /// still hold is copied first.
  func contribute(to target: Int, _ write: (TensorID, Bool) -> Void) {
    guard needsGradient[target] else { return }
    guard let present = gradient[target] else {
      let fresh = allocate(target)
      assign(fresh, to: target)
      write(fresh, false)
      return
    }
    if holders[present] == [target] {
      write(present, true)
      return
    }
    holders[present]?.remove(target)
    let own = allocate(target)
    emitIdentity(target, from: present, to: own, accumulates: false)
    assign(own, to: target)
    write(own, true)
  }

  func allocate(_ id: Int) -> TensorID {
    let node = graph.nodes[id]
    let (layout, type) = storageForm(id)
    return lowering.scratch(
      "\(node.path)/gradient", node.shape.axes, layout, type, role: .gradient, layer: node.path)
  }

  private func storageForm(_ id: Int) -> (Layout, ScalarType) {
    let node = graph.nodes[id]
    if writesPlanarLogits(id) { return (.planar, .float32) }
    let layout = lowering.layout(channels: node.shape.channels)
    return (layout, lowering.type(layout))
  }

  func fits(_ g: TensorID, _ id: Int) -> Bool {
    let (layout, type) = storageForm(id)
    return lowering.tensor(g).layout == layout && lowering.tensor(g).type == type
  }

  /// Copies or adds a gradient, changing its layout where they differ.
  func emitIdentity(_ id: Int, from g: TensorID, to out: TensorID, accumulates: Bool) {
    let node = graph.nodes[id]
    if !fits(g, id) {
      precondition(!accumulates, "internal: adding gradients of two layouts")
      return emitLayout(node, from: g, to: out)
    }
    emitChain(node, ChainCall(out: out, g: g, z: g, accumulates: accumulates), "add gradients")
  }

  private func emitLayout(_ node: Node, from g: TensorID, to out: TensorID) {
    let stored = lowering.tensor(g)
    let extent = node.shape.extent
    lowering.emit(
      KernelCatalog.materialise, node.path, .backward, "gradient layout",
      defines: [
        ("OUT_HALF", forward.isHalf(out)), ("OUT_BLOCK", forward.block(out)), ("OUT_ACT", 0),
      ],
      operands: [("out", lowering.operand(out))],
      integers: lowering.integers(
        ["N", "outC", "firstC", "D", "H", "W"],
        [node.shape.batch, node.shape.channels, 0, extent.d, extent.h, extent.w])
        + [("slopeBits", .float(0))],
      segments: [
        LazySegment(
          terms: [LazyTerm(tensor: g, isHalf: stored.type == .float16)],
          channels: node.shape.channels, source: extent, isPlanar: stored.layout == .planar)
      ])
  }

  /// The convolution that wrote planar logits, and its fused activation where it has one.
  private func writesPlanarLogits(_ id: Int) -> Bool {
    forward.heads.contains { head in
      guard let stored = forward.storage[head], lowering.tensor(stored).layout == .planar else { return false }
      if id == head { return true }
      guard case .fusedActivation = forward.roles[head] else { return false }
      return graph.nodes[head].inputs == [id]
    }
  }

  /// The loss works on planar logits; where those were a copy, their gradient goes back to the node's layout.
  private func inFormOf(_ head: Int, _ g: TensorID) -> TensorID {
    guard !fits(g, head) else { return g }
    let own = allocate(head)
    emitLayout(graph.nodes[head], from: g, to: own)
    return own
  }

  /// The input's gradient as N×C×D×H×W in fp32.
  func planarInputGradient() -> TensorID? {
    guard let g = gradient[graph.input] else { return nil }
    let node = graph.nodes[graph.input]
    if lowering.tensor(g).layout == .planar { return g }
    let out = lowering.scratch(
      "input/gradient", node.shape.axes, .planar, role: .gradient, layer: node.path)
    emitLayout(node, from: g, to: out)
    return out
  }

  // MARK: Maps and pools

  private func lowerMap(_ node: Node, _ g: TensorID, _ map: IndexMap) {
    contribute(to: node.inputs[0]) { out, accumulates in
      emitMapBackward(
        node, map, g, to: .operand(out, offsetInBytes: 0), like: out, batch: node.shape.batch,
        channels: node.shape.channels, source: graph.nodes[node.inputs[0]].shape.extent,
        accumulates: accumulates)
    }
  }

  /// Adjoint of an index map from extents `source` to the node's, for some samples and channels of the source's
  /// gradient.
  func emitMapBackward(
    _ node: Node, _ map: IndexMap, _ g: TensorID, to place: Word, like out: TensorID, batch: Int,
    channels: Int, source: Extent, accumulates: Bool
  ) {
    lowering.emit(
      KernelCatalog.mapBackward, node.path, .backward, "backward",
      defines: [
        ("G_HALF", forward.isHalf(g)), ("OUT_HALF", forward.isHalf(out)), ("BLOCK", forward.block(out)),
        ("MAP", map.code), ("ACCUMULATE", accumulates ? 1 : 0),
      ],
      operands: [("gSource", place), ("g", lowering.operand(g))],
      integers: lowering.integers(
        [
          "N", "C", "sourceD", "sourceH", "sourceW", "D", "H", "W", "cropD", "cropH", "cropW",
          "factorD", "factorH", "factorW",
        ],
        [batch, channels] + source.axes + node.shape.extent.axes + map.cropOffset.axes + map.factor.axes))
  }

  private func lowerPool(_ node: Node, _ g: TensorID, _ window: Extent) {
    let input = node.inputs[0]
    contribute(to: input) { out, accumulates in
      lowering.emit(
        KernelCatalog.maxPoolBackward, node.path, .backward, "backward",
        defines: [
          ("G_HALF", forward.isHalf(g)), ("OUT_HALF", forward.isHalf(out)), ("BLOCK", forward.block(out)),
          ("ACCUMULATE", accumulates ? 1 : 0), ("MASK", 0),
        ],
        operands: [("gIn", lowering.operand(out)), ("g", lowering.operand(g))],
        integers: poolIntegers(graph.nodes[input].shape, node.shape, window) + [("slopeBits", .float(0))],
        segments: [forward.values[input]!.segments[0]])
    }
  }
}
