import ExecutionPlan
import KernelCatalog
import LayerGraph

extension ForwardPass {
  /// The input is stored, because the slopes' gradient needs it; so is the output.
  func lowerPReLU(_ node: Node) {
    let base = node.inputs[0]
    if isTraining || values[base]!.segments.count != 1 { ensureStored(base) }
    let out = allocate(node)
    lowering.emit(
      KernelCatalog.prelu, node.path, .forward, "forward",
      defines: [("SHARED", sharesSlope(node)), ("OUT_HALF", isHalf(out)), ("BLOCK", block(out))],
      operands: [
        ("out", lowering.operand(out)), ("slopes", lowering.parameter(node.parameters[0], in: lowering.weights)),
      ],
      integers: volumeIntegers(node.shape), segments: [values[base]!.segments[0]])
    setStored(node, out)
    roles[node.id] = .prelu
  }

  func sharesSlope(_ node: Node) -> Int { graph.parameters[node.parameters[0]].count == 1 ? 1 : 0 }
}

extension BackwardPass {
  func lowerPReLU(_ node: Node, _ g: TensorID) {
    let input = node.inputs[0]
    let z = forward.values[input]!.segments[0].terms[0].tensor
    let shape = node.shape
    let voxels = shape.extent.count
    let partials = lowering.scratch(
      "\(node.path)/slope partials", [shape.batch, (shape.channels + 15) / 16, chunks(voxels), 16],
      role: .workspace, layer: node.path)
    func emit(_ out: TensorID?, _ accumulates: Bool) {
      lowering.emit(
        KernelCatalog.preluBackward, node.path, .backward, "backward",
        defines: [
          ("SHARED", forward.sharesSlope(node)), ("WRITES", out == nil ? 0 : 1), ("Z_HALF", forward.isHalf(z)),
          ("G_HALF", forward.isHalf(g)), ("OUT_HALF", forward.isHalf(out ?? g)), ("BLOCK", forward.block(z)),
          ("ACCUMULATE", accumulates ? 1 : 0),
        ],
        operands: [
          ("out", lowering.operand(out)), ("g", lowering.operand(g)), ("z", lowering.operand(z)),
          ("slopes", lowering.parameter(node.parameters[0], in: lowering.weights)),
          ("partials", lowering.operand(partials)),
        ],
        integers: lowering.integers(
          ["N", "C", "voxels", "chunkVoxels"], [shape.batch, shape.channels, voxels, chunkVoxels]))
    }
    if needsGradient[input] { writeThrough(node, g, to: input, emit) } else { emit(nil, false) }
    lowering.emit(
      KernelCatalog.preluSlope, node.path, .backward, "slope gradient",
      defines: [("SHARED", forward.sharesSlope(node))],
      operands: [
        ("gradient", lowering.parameter(node.parameters[0], in: lowering.gradients)),
        ("partials", lowering.operand(partials)),
      ],
      integers: lowering.integers(["N", "C", "chunks"], [shape.batch, shape.channels, chunks(voxels)]))
  }
}
