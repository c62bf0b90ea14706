import ExecutionPlan
import KernelCatalog
import LayerGraph

/// What `pool` does with a window.
enum PoolKind: Int {
  case maximum = 0, mean = 1, meanInside = 2
}

/// What `resample` does along an axis.
enum ResampleMode: Int {
  case constant = 0, reflect = 1, edge = 2, nearest = 3, linear = 4, aligned = 5
}

/// Padding or resizing of a stored tensor.
struct Resampling {
  var mode: ResampleMode
  var low: Extent = 0
  var value = 0.0

  init(_ mode: PadMode, low: Extent) {
    self.low = low
    switch mode {
    case .constant(let value):
      self.mode = .constant
      self.value = value
    case .reflect: self.mode = .reflect
    case .edge: self.mode = .edge
    }
  }
  init(_ interpolation: Interpolation, alignsCorners: Bool) {
    mode = interpolation == .nearest ? .nearest : alignsCorners ? .aligned : .linear
  }
}

extension ForwardPass {
  /// Windows of any stride and padding.
  func lowerGeneralPool(_ node: Node, _ pool: PoolShape, _ kind: PoolKind) {
    let base = node.inputs[0]
    oneSegment(base)
    let out = allocate(node)
    lowering.emit(
      KernelCatalog.pool, node.path, .forward, "forward",
      defines: [("KIND", kind.rawValue), ("OUT_HALF", isHalf(out)), ("BLOCK", block(out))],
      operands: [("out", lowering.operand(out))],
      integers: generalPoolIntegers(graph.nodes[base].shape, node.shape, pool),
      segments: [values[base]!.segments[0]])
    setStored(node, out)
    roles[node.id] = .generalPool(pool, kind)
  }

  func lowerResampling(_ node: Node, _ resampling: Resampling) {
    let base = node.inputs[0]
    ensureStored(base)
    let source = values[base]!.stored!
    let out = allocate(node)
    lowering.emit(
      KernelCatalog.resample, node.path, .forward, "forward",
      defines: [
        ("MODE", resampling.mode.rawValue), ("SOURCE_HALF", isHalf(source)), ("OUT_HALF", isHalf(out)),
        ("BLOCK", block(out)),
      ],
      operands: [("out", lowering.operand(out)), ("source", lowering.operand(source))],
      integers: resampleIntegers(graph.nodes[base].shape, node.shape, resampling)
        + [("valueBits", .float(resampling.value))])
    setStored(node, out)
    roles[node.id] = .resampling(resampling)
  }

  func lowerSoftmax(_ node: Node) {
    oneSegment(node.inputs[0])
    let out = allocate(node)
    lowering.emit(
      KernelCatalog.softmax, node.path, .forward, "forward",
      defines: [("OUT_HALF", isHalf(out)), ("BLOCK", block(out))],
      operands: [("out", lowering.operand(out))], integers: volumeIntegers(node.shape),
      segments: [values[node.inputs[0]]!.segments[0]])
    setStored(node, out)
    roles[node.id] = .softmax
  }
}

extension BackwardPass {
  func lowerGeneralPool(_ node: Node, _ g: TensorID, _ pool: PoolShape, _ kind: PoolKind) {
    let input = node.inputs[0]
    contribute(to: input) { out, accumulates in
      lowering.emit(
        KernelCatalog.poolBackward, node.path, .backward, "backward",
        defines: [
          ("KIND", kind.rawValue), ("G_HALF", forward.isHalf(g)), ("OUT_HALF", forward.isHalf(out)),
          ("BLOCK", forward.block(out)), ("ACCUMULATE", accumulates ? 1 : 0),
        ],
        operands: [("gIn", lowering.operand(out)), ("g", lowering.operand(g))],
        integers: generalPoolIntegers(graph.nodes[input].shape, node.shape, pool),
        segments: kind == .maximum ? [forward.values[input]!.segments[0]] : [])
    }
  }

  func lowerResampling(_ node: Node, _ g: TensorID, _ resampling: Resampling) {
    contribute(to: node.inputs[0]) { out, accumulates in
      lowering.emit(
        KernelCatalog.resampleBackward, node.path, .backward, "backward",
        defines: [
          ("MODE", resampling.mode.rawValue), ("G_HALF", forward.isHalf(g)), ("OUT_HALF", forward.isHalf(out)),
          ("BLOCK", forward.block(out)), ("ACCUMULATE", accumulates ? 1 : 0),
        ],
        operands: [("gSource", lowering.operand(out)), ("g", lowering.operand(g))],
        integers: resampleIntegers(graph.nodes[node.inputs[0]].shape, node.shape, resampling))
    }
  }

  func lowerSoftmax(_ node: Node, _ g: TensorID) {
    let p = forward.storage[node.id]!
    contribute(to: node.inputs[0]) { out, accumulates in
      lowering.emit(
        KernelCatalog.softmaxBackward, node.path, .backward, "backward",
        defines: [
          ("P_HALF", forward.isHalf(p)), ("G_HALF", forward.isHalf(g)), ("OUT_HALF", forward.isHalf(out)),
          ("BLOCK", forward.block(out)), ("ACCUMULATE", accumulates ? 1 : 0),
        ],
        operands: [("out", lowering.operand(out)), ("g", lowering.operand(g)), ("p", lowering.operand(p))],
        integers: lowering.integers(
          ["N", "C", "voxels"], [node.shape.batch, node.shape.channels, node.shape.extent.count]))
    }
  }
}

private func generalPoolIntegers(_ from: Shape, _ to: Shape, _ pool: PoolShape) -> [(String, Word)] {
  poolIntegers(from, to, pool.window)
    + zip(["strideD", "strideH", "strideW", "padD", "padH", "padW"], pool.stride.axes + pool.padding.axes)
    .map { ($0, .integer($1)) }
}

private func resampleIntegers(_ from: Shape, _ to: Shape, _ resampling: Resampling) -> [(String, Word)] {
  let names = ["N", "C", "sourceD", "sourceH", "sourceW", "D", "H", "W", "lowD", "lowH", "lowW"]
  let values = [from.batch, from.channels] + from.extent.axes + to.extent.axes + resampling.low.axes
  return zip(names, values).map { ($0, .integer($1)) }
}
