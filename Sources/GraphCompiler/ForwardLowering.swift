import ExecutionPlan
import KernelCatalog
import LayerGraph

/// Forward pass: every node becomes a lazy value; only convolutions, pools and what cannot stay lazy are stored.
///
/// A chain norm → activation → dropout over a stored tensor is never stored: consumers apply it as they load
/// (decision 6 of the design: one stored tensor per block).
final class ForwardPass {
  let lowering: Lowering
  /// Statistics of the batch, dropout on; a backward pass follows.
  let isTraining: Bool
  /// Logits of the outputs that are wanted: the main one's, and in training those of supervised outputs.
  let heads: [Int]
  /// Whether one of them depends on a node.
  let isNeeded: [Bool]
  var values: [LazyValue?]
  var roles: [NodeRole]
  /// Stored tensor of nodes that have one.
  var storage: [TensorID?]

  /// The first thing met that no kernel does.
  var unsupported: CompilerError?

  var graph: Graph { lowering.graph }

  init(_ lowering: Lowering, isTraining: Bool) {
    self.lowering = lowering
    self.isTraining = isTraining
    let count = lowering.graph.nodes.count
    values = Array(repeating: nil, count: count)
    roles = Array(repeating: .absorbed, count: count)
    storage = Array(repeating: nil, count: count)
    let graph = lowering.graph
    let outputs = [graph.output] + (isTraining ? lowering.supervised.map(\.node) : [])
    heads = outputs.map { ForwardPass.logitsNode(graph, $0) }
    var needed = Array(repeating: false, count: count)
    for head in heads { needed[head] = true }
    for node in graph.nodes.reversed() where needed[node.id] { for input in node.inputs { needed[input] = true } }
    isNeeded = needed
  }

  /// The main output's logits.
  var logits: Int { heads[0] }

  /// An output without its last softmax or sigmoid, which belong to the loss.
  static func logitsNode(_ graph: Graph, _ output: Int) -> Int {
    switch graph.nodes[output].op {
    case .softmax, .activation(.sigmoid): graph.nodes[output].inputs[0]
    default: output
    }
  }

  /// Lowers all nodes that a head needs; returns the heads' planar fp32 tensors.
  func run(input: TensorID) throws(CompilerError) -> [TensorID] {
    for node in graph.nodes where isNeeded[node.id] || node.op == .input {
      lower(node, input)
      if let unsupported { throw unsupported }
    }
    let tensors = heads.map(planarLogits)
    if let unsupported { throw unsupported }
    return tensors
  }

  private func planarLogits(_ head: Int) -> TensorID {
    if let stored = values[head]!.stored, lowering.tensor(stored).layout == .planar,
      lowering.tensor(stored).type == .float32, graph.nodes[head].op != .input
    {
      return stored
    }
    return materialise(head, layout: .planar, type: .float32)
  }

  /// A head that nothing reads may be stored as its loss wants it, and overwritten by its gradient.
  func isLast(_ id: Int) -> Bool {
    heads.contains(id) && !lowering.consumers[id].contains { isNeeded[$0] }
      && heads.filter { $0 == id }.count == 1
  }

  /// Its backward pass reads what it stored: the loss must not write the gradient over that.
  func differentiatesByOutput(_ id: Int) -> Bool {
    switch roles[id] {
    case .fusedActivation, .storedActivation, .softmax: true
    case .identity: differentiatesByOutput(graph.nodes[id].inputs[0])
    default: false
    }
  }

  private func lower(_ node: Node, _ input: TensorID) {
    switch node.op {
    case .input:
      setStored(node, input)
      roles[node.id] = .input
      // The caller hands over N×C×D×H×W; everything behind it counts on the layout of its channels.
      if lowering.layout(channels: node.shape.channels) == .blocked {
        setStored(node, materialise(node.id))
      }
    case .convolution(let shape):
      lowerConvolution(node, shape, transposed: false)
    case .transposedConvolution(let shape):
      lowerConvolution(node, shape, transposed: true)
    case .normalisation(let norm):
      lowerNorm(node, norm)
    case .activation(let kind):
      lowerActivation(node, kind)
    case .prelu:
      lowerPReLU(node)
    case .dropout(let probability, let isSpatial):
      lowerDropout(node, probability, isSpatial: isSpatial)
    case .maxPool(let pool):
      let tiles = pool.stride == pool.window && pool.padding == 0 && pool.window.allSatisfy { $0 <= 16 }
      if tiles { lowerPool(node, pool.window) } else { lowerGeneralPool(node, pool, .maximum) }
    case .averagePool(let pool, let countsPadding):
      lowerGeneralPool(node, pool, countsPadding ? .mean : .meanInside)
    case .resize(let mode, let alignsCorners):
      lowerResampling(node, Resampling(mode, alignsCorners: alignsCorners))
    case .pad(let mode, let low):
      lowerResampling(node, Resampling(mode, low: low))
    case .upsample(let mode, let factor):
      lowerMap(node, mode == .nearest ? .nearest(factor) : .trilinear(factor))
    case .crop:
      let from = graph.nodes[node.inputs[0]].shape.extent
      lowerMap(node, .crop(from.map(node.shape.extent) { ($0 - $1) / 2 }))
    case .concat:
      // Too many segments for one load: the parts are stored first, then the whole.
      let isMany = node.inputs.reduce(0) { $0 + values[$1]!.segments.count } > 4
      if isMany { for input in node.inputs { oneSegment(input) } }
      values[node.id] = LazyValue(segments: node.inputs.flatMap { values[$0]!.segments })
      if values[node.id]!.segments.count > 4 { ensureStored(node.id) }
      roles[node.id] = .concat
    case .add:
      lowerAdd(node)
    case .multiply:
      lowerJoin(node, multiplies: true)
    case .softmax:
      lowerSoftmax(node)
    }
  }

  // MARK: Chains

  private func lowerNorm(_ node: Node, _ norm: Normalisation) {
    let base = node.inputs[0]
    if values[base]!.stored == nil { _ = ensureStored(base) }
    let z = values[base]!.stored!
    let state = emitNorm(node, norm, z)
    extend(node, base: base, chain: Chain(base: base, norm: state)) { $0.scale = state.scale }
  }

  private func lowerActivation(_ node: Node, _ kind: ActivationKind) {
    let base = node.inputs[0]
    if case .fusedActivation = roles[node.id] { return }  // the convolution's epilogue did it
    let (activation, slope) = kind.code
    if var chain = extendableChain(base), chain.activation == .none, chain.keep == nil {
      chain.activation = activation
      chain.slope = slope
      extend(node, base: base, chain: chain) {
        $0.activation = activation
        $0.slope = slope
      }
      return
    }
    if isTraining && !activation.isInvertible {
      // Its derivative needs what went in: that is stored, and the activation stays lazy.
      ensureStored(base)
      return extend(node, base: base, chain: Chain(base: base, activation: activation, slope: slope)) {
        $0.activation = activation
        $0.slope = slope
      }
    }
    let stored = materialise(base, as: node, activation: activation, slope: slope)
    setStored(node, stored)
    roles[node.id] = .storedActivation(activation, slope)
  }

  private func lowerDropout(_ node: Node, _ probability: Double, isSpatial: Bool) {
    let base = node.inputs[0]
    let isActive = isTraining && lowering.options.training?.dropout == true && probability > 0
    guard isActive else {
      values[node.id] = values[base]
      storage[node.id] = storage[base]
      roles[node.id] = .identity
      return
    }
    var chain: Chain
    if let extendable = extendableChain(base), extendable.keep == nil {
      chain = extendable
    } else {
      _ = ensureStored(base)
      chain = Chain(base: base)
    }
    let keep = KeepBits(
      tensor: emitKeepBits(node, probability, isSpatial: isSpatial), node: node.id, probability: probability,
      isSpatial: isSpatial)
    chain.keep = keep
    extend(node, base: base, chain: chain) {
      $0.keep = keep.tensor
      $0.keepScale = keep.scale
    }
  }

  /// The chain that a pointwise node may lengthen: that of its input where nobody else reads it, or a new one
  /// over a stored tensor.
  private func extendableChain(_ base: Int) -> Chain? {
    if case .chain(let chain) = roles[base], lowering.consumers[base].count == 1 { return chain }
    if values[base]!.stored != nil { return Chain(base: base) }
    return nil
  }

  private func extend(_ node: Node, base: Int, chain: Chain, _ change: (inout LazyTerm) -> Void) {
    var segment = values[base]!.segments[0]
    change(&segment.terms[0])
    values[node.id] = LazyValue(segments: [segment])
    if case .chain = roles[base], chain.base != base { roles[base] = .absorbed }
    roles[node.id] = .chain(chain)
  }

  // MARK: Sums, maps, pools

  private func lowerAdd(_ node: Node) {
    let shapes = node.inputs.map { graph.nodes[$0].shape }
    let isPlanar = node.inputs.map { values[$0]!.segments[0].isPlanar }
    guard shapes[0] == shapes[1], isPlanar[0] == isPlanar[1] else { return lowerJoin(node, multiplies: false) }
    let terms = node.inputs.map { input -> LazyTerm in
      if let term = values[input]!.singleTerm { return term }
      return ensureStored(input).segments[0].terms[0]
    }
    values[node.id] = LazyValue(segments: [
      LazySegment(
        terms: terms, channels: node.shape.channels, source: node.shape.extent,
        isPlanar: values[node.inputs[0]]!.segments[0].isPlanar)
    ])
    roles[node.id] = .add
  }

  private func lowerMap(_ node: Node, _ map: IndexMap) {
    let base = node.inputs[0]
    if values[base]!.segments.count != 1 || values[base]!.segments[0].map != .identity {
      _ = ensureStored(base)
    }
    var segment = values[base]!.segments[0]
    segment.map = map
    values[node.id] = LazyValue(segments: [segment])
    roles[node.id] = .map(map)
  }

  private func lowerPool(_ node: Node, _ window: Extent) {
    let base = node.inputs[0]
    if values[base]!.segments.count != 1 { _ = ensureStored(base) }
    let out = allocate(node)
    let from = graph.nodes[base].shape
    lowering.emit(
      KernelCatalog.maxPool, node.path, .forward, "forward",
      defines: [("OUT_HALF", isHalf(out)), ("BLOCK", block(out))],
      operands: [("out", lowering.operand(out))],
      integers: poolIntegers(from, node.shape, window), segments: [values[base]!.segments[0]])
    setStored(node, out)
    roles[node.id] = .pool(window)
  }

  var storedCount: Int { storage.reduce(0) { $0 + ($1 == nil ? 0 : 1) } }

  // MARK: Storage

  /// Makes a node's value a stored tensor for all readers from here on.
  @discardableResult
  func ensureStored(_ id: Int) -> LazyValue {
    if values[id]!.stored == nil {
      let node = graph.nodes[id]
      let tensor = materialise(id)
      storage[id] = tensor
      values[id] = plainValue(node, tensor)
    }
    return values[id]!
  }

  private func materialise(
    _ id: Int, as node: Node? = nil, layout: Layout? = nil, type: ScalarType? = nil,
    activation: Activation = .none, slope: Double = 0
  ) -> TensorID {
    let node = node ?? graph.nodes[id]
    let out = allocate(node, layout: layout, type: type)
    var first = 0
    for segment in values[id]!.segments {
      let extent = node.shape.extent
      lowering.emit(
        KernelCatalog.materialise, node.path, .forward, "store",
        defines: [("OUT_HALF", isHalf(out)), ("OUT_BLOCK", block(out)), ("OUT_ACT", activation.rawValue)],
        operands: [("out", lowering.operand(out))],
        integers: lowering.integers(
          ["N", "outC", "firstC", "D", "H", "W"],
          [node.shape.batch, node.shape.channels, first, extent.d, extent.h, extent.w])
          + [("slopeBits", .float(slope))],
        segments: [segment])
      first += segment.channels
    }
    return out
  }

  func allocate(_ node: Node, layout: Layout? = nil, type: ScalarType? = nil) -> TensorID {
    let layout = layout ?? lowering.layout(channels: node.shape.channels)
    return lowering.scratch(
      node.path, node.shape.axes, layout, type ?? lowering.type(layout), role: .activation, layer: node.path)
  }

  func setStored(_ node: Node, _ tensor: TensorID) {
    storage[node.id] = tensor
    values[node.id] = plainValue(node, tensor)
  }

  private func plainValue(_ node: Node, _ tensor: TensorID) -> LazyValue {
    let stored = lowering.tensor(tensor)
    return LazyValue(segments: [
      LazySegment(
        terms: [LazyTerm(tensor: tensor, isHalf: stored.type == .float16)],
        channels: node.shape.channels, source: node.shape.extent, isPlanar: stored.layout == .planar)
    ])
  }

  func isHalf(_ id: TensorID) -> Int { lowering.tensor(id).type == .float16 ? 1 : 0 }
  func block(_ id: TensorID) -> Int { lowering.tensor(id).layout == .planar ? 1 : 16 }
}

/// N, C, extents in and out, window: the words of both pooling kernels.
func poolIntegers(_ from: Shape, _ to: Shape, _ window: Extent) -> [(String, Word)] {
  let names = ["N", "C", "inD", "inH", "inW", "outD", "outH", "outW", "windowD", "windowH", "windowW"]
  let values = [from.batch, from.channels] + from.extent.axes + to.extent.axes + window.axes
  return zip(names, values).map { ($0, .integer($1)) }
}

extension ActivationKind {
  var code: (Activation, slope: Double) {
    switch self {
    case .relu: (.relu, 0)
    case .leakyReLU(let slope): (.leaky, slope)
    case .sigmoid: (.sigmoid, 0)
    case .elu(let alpha): (.elu, alpha)
    case .silu: (.silu, 0)
    case .gelu: (.gelu, 0)
    case .tanh: (.tanh, 0)
    }
  }
}
