import ExecutionPlan
import KernelCatalog
import LayerGraph

/// Voxels of a chunk of partial sums. Part of the summation order, so never a matter of the device.
let chunkVoxels = 4096

func chunks(_ voxels: Int) -> Int { (voxels + chunkVoxels - 1) / chunkVoxels }

extension ForwardPass {
  /// Statistics of the stored z and their combination into scale and shift (decision 7).
  func emitNorm(_ node: Node, _ norm: Normalisation, _ z: TensorID) -> NormState {
    let shape = node.shape
    let blocks = (shape.channels + 15) / 16
    let voxels = shape.extent.count
    let usesRunning = norm.kind == .batch && !isTraining
    let scale = lowering.scratch(
      "\(node.path)/scale", [2, shape.batch, blocks * 16], role: .statistics, layer: node.path)
    let mean = lowering.scratch(
      "\(node.path)/mean", [2, shape.batch, blocks * 16], role: .statistics, layer: node.path)
    var partials: TensorID?
    if !usesRunning {
      let tensor = lowering.scratch(
        "\(node.path)/partials", [shape.batch, blocks, chunks(voxels), 2, 16], role: .workspace,
        layer: node.path)
      lowering.emit(
        KernelCatalog.normStatistics, node.path, .forward, "statistics",
        defines: [("HALF", isHalf(z)), ("BLOCK", block(z))],
        operands: [("z", lowering.operand(z)), ("partials", lowering.operand(tensor))],
        integers: lowering.integers(
          ["N", "C", "voxels", "chunkVoxels"], [shape.batch, shape.channels, voxels, chunkVoxels]))
      partials = tensor
    }
    let isBatch = norm.kind == .batch
    let running = isBatch ? lowering.runningStatistics(node) : nil
    let bias = isBatch ? droppedBias(node) : nil
    lowering.emit(
      KernelCatalog.normFinalise, node.path, .forward, "finalise",
      defines: [("BATCH", isBatch ? 1 : 0), ("RUNNING", isBatch ? (isTraining ? 1 : 2) : 0)],
      operands: [
        ("partials", lowering.operand(partials)),
        ("gamma", lowering.parameter(node.parameters.first, in: lowering.weights)),
        ("beta", lowering.parameter(node.parameters.last, in: lowering.weights)),
        ("scale", lowering.operand(scale)), ("mean", lowering.operand(mean)),
        ("runningMean", running?.mean ?? .absent), ("runningVariance", running?.variance ?? .absent),
        ("bias", lowering.parameter(bias, in: lowering.weights)),
      ],
      integers: lowering.integers(
        ["N", "C", "voxels", "chunkVoxels"], [shape.batch, shape.channels, voxels, chunkVoxels])
        + [("epsilonBits", .float(norm.epsilon)), ("momentumBits", .float(norm.momentum))])
    return NormState(node: node.id, norm: norm, scale: scale, mean: mean)
  }

  /// The bias of the convolution that feeds this norm: it is never added (its effect cancels), but the running
  /// mean is that of z + bias.
  private func droppedBias(_ node: Node) -> Int? {
    let source = graph.nodes[node.inputs[0]]
    guard lowering.dropsBias(source) else { return nil }
    return source.parameters.count > 1 ? source.parameters[1] : nil
  }

  func emitKeepBits(_ node: Node, _ probability: Double) -> TensorID {
    let shape = node.shape
    let blocks = (shape.channels + 15) / 16
    let keep = lowering.scratch(
      "\(node.path)/keep", [shape.batch, blocks] + shape.extent.axes, .flat, .uint16, role: .statistics,
      layer: node.path)
    lowering.emitKeepBits(node, probability, into: keep, pass: .forward)
    return keep
  }
}

extension Lowering {
  /// A bias that only a norm over its own channels follows has no effect but on running means (decision 18).
  func dropsBias(_ node: Node) -> Bool {
    switch node.op {
    case .convolution(let shape), .transposedConvolution(let shape):
      guard shape.hasBias, consumers[node.id].count == 1 else { return false }
      if case .normalisation = graph.nodes[consumers[node.id][0]].op { return true }
      return false
    default: return false
    }
  }

  func emitKeepBits(_ node: Node, _ probability: Double, into keep: TensorID, pass: Call.Pass) {
    let shape = node.shape
    let hash = stableHash(node.path)
    emit(
      KernelCatalog.dropoutKeep, node.path, pass, "keep-bits",
      operands: [("keep", operand(keep)), ("scalars", operand(scalars))],
      integers: integers(
        ["N", "C", "voxels", "layerLow", "layerHigh", "threshold"],
        [
          shape.batch, shape.channels, shape.extent.count, Int(hash & 0xffff_ffff), Int(hash >> 32),
          Int((probability * 4_294_967_296).rounded()),
        ]))
  }

  func runningStatistics(_ node: Node) -> (mean: Word, variance: Word)? {
    guard let storage = bufferStorage, let mean = bufferOffsets["\(node.path)/running_mean"],
      let variance = bufferOffsets["\(node.path)/running_var"]
    else { return nil }
    return (.operand(storage, offsetInBytes: 4 * mean), .operand(storage, offsetInBytes: 4 * variance))
  }
}

/// FNV-1a, 64 bits: the same on every machine, unlike Hashable.
func stableHash(_ text: String) -> UInt64 {
  text.utf8.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
}
