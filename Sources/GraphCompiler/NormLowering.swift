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
    let scale = lowering.scratch(
      "\(node.path)/scale", [2, shape.batch, blocks * 16], role: .statistics, layer: node.path)
    let mean = lowering.scratch(
      "\(node.path)/mean", [2, shape.batch, blocks * 16], role: .statistics, layer: node.path)
    let partials = needsStatistics(node.id) ? lowering.statistics[z] ?? emitStatistics(node, z) : nil
    var state = NormState(node: node.id, norm: norm, scale: scale, mean: mean)
    if norm.kind == .group {
      emitGroupNorm(node, norm, partials!, state)
    } else {
      if norm.kind == .batchRenorm && isTraining {
        state.renorm = lowering.scratch(
          "\(node.path)/renorm", [2, blocks * 16], role: .statistics, layer: node.path)
      }
      emitNormFinalise(node, norm, partials, state)
    }
    return state
  }

  /// Whether a node is a norm whose statistics are those of its input.
  func needsStatistics(_ node: Int) -> Bool {
    guard isNeeded[node], case .normalisation(let norm) = graph.nodes[node].op else { return false }
    return isTraining || !norm.isOverBatch
  }

  /// One pass over z.
  private func emitStatistics(_ node: Node, _ z: TensorID) -> ChunkStatistics {
    let shape = node.shape
    let voxels = shape.extent.count
    let partials = lowering.scratch(
      "\(node.path)/partials", [shape.batch, (shape.channels + 15) / 16, chunks(voxels), 2, 16], role: .workspace,
      layer: node.path)
    lowering.emit(
      KernelCatalog.normStatistics, node.path, .forward, "statistics",
      defines: [("HALF", isHalf(z)), ("BLOCK", block(z))],
      operands: [("z", lowering.operand(z)), ("partials", lowering.operand(partials))],
      integers: lowering.integers(
        ["N", "C", "voxels", "chunkVoxels"], [shape.batch, shape.channels, voxels, chunkVoxels]))
    return ChunkStatistics(partials: partials, chunkVoxels: chunkVoxels)
  }

  private func emitNormFinalise(_ node: Node, _ norm: Normalisation, _ chunks: ChunkStatistics?, _ state: NormState) {
    let isBatch = norm.isOverBatch
    let running = isBatch ? lowering.runningStatistics(node) : nil
    let bias = isBatch ? droppedBias(node) : nil
    let mode =
      switch norm.kind {
      case .instance, .group: 0
      case .batch: isTraining ? 1 : 2
      case .batchRenorm: isTraining ? 3 : 4
      }
    lowering.emit(
      KernelCatalog.normFinalise, node.path, .forward, "finalise",
      defines: [("BATCH", isBatch ? 1 : 0), ("RUNNING", mode)],
      operands: [
        ("partials", lowering.operand(chunks?.partials)),
        ("gamma", lowering.parameter(node.parameters.first, in: lowering.weights)),
        ("beta", lowering.parameter(node.parameters.last, in: lowering.weights)),
        ("scale", lowering.operand(state.scale)), ("mean", lowering.operand(state.mean)),
        ("runningMean", running?.mean ?? .absent), ("runningVariance", running?.variance ?? .absent),
        ("bias", lowering.parameter(bias, in: lowering.weights)),
        ("scalars", mode == 3 ? lowering.operand(lowering.scalars) : .absent),
        ("renorm", lowering.operand(state.renorm)),
      ],
      integers: lowering.integers(
        ["N", "C", "voxels", "chunkVoxels"],
        [node.shape.batch, node.shape.channels, node.shape.extent.count, chunks?.chunkVoxels ?? chunkVoxels])
        + [("epsilonBits", .float(norm.epsilon)), ("momentumBits", .float(norm.momentum))])
  }

  private func emitGroupNorm(_ node: Node, _ norm: Normalisation, _ chunks: ChunkStatistics, _ state: NormState) {
    lowering.emit(
      KernelCatalog.groupNormFinalise, node.path, .forward, "finalise",
      operands: [
        ("partials", lowering.operand(chunks.partials)),
        ("gamma", lowering.parameter(node.parameters.first, in: lowering.weights)),
        ("beta", lowering.parameter(node.parameters.last, in: lowering.weights)),
        ("scale", lowering.operand(state.scale)), ("mean", lowering.operand(state.mean)),
      ],
      integers: lowering.integers(
        ["N", "C", "sets", "voxels", "chunkVoxels"],
        [node.shape.batch, node.shape.channels, norm.groups, node.shape.extent.count, chunks.chunkVoxels])
        + [("epsilonBits", .float(norm.epsilon))])
  }

  /// The bias of the convolution that feeds this norm: it is never added (its effect cancels), but the running
  /// mean is that of z + bias.
  private func droppedBias(_ node: Node) -> Int? {
    let source = graph.nodes[node.inputs[0]]
    guard lowering.dropsBias(source) else { return nil }
    return source.parameters.count > 1 ? source.parameters[1] : nil
  }

  func emitKeepBits(_ node: Node, _ probability: Double, isSpatial: Bool) -> TensorID {
    let shape = node.shape
    let blocks = (shape.channels + 15) / 16
    let keep = lowering.scratch(
      "\(node.path)/keep", [shape.batch, blocks] + shape.extent.axes, .flat, .uint16, role: .statistics,
      layer: node.path)
    lowering.emitKeepBits(node, probability, isSpatial: isSpatial, into: keep, pass: .forward)
    return keep
  }
}

extension Lowering {
  /// A bias that only a norm over its own channel follows has no effect but on running means (decision 18). A group
  /// norm of several channels sees it.
  func dropsBias(_ node: Node) -> Bool {
    switch node.op {
    case .convolution(let shape), .transposedConvolution(let shape):
      guard shape.hasBias, consumers[node.id].count == 1 else { return false }
      guard case .normalisation(let norm) = graph.nodes[consumers[node.id][0]].op else { return false }
      return norm.kind != .group || norm.groups == node.shape.channels
    default: return false
    }
  }

  func emitKeepBits(
    _ node: Node, _ probability: Double, isSpatial: Bool, into keep: TensorID, pass: Call.Pass
  ) {
    let shape = node.shape
    let hash = stableHash(node.path)
    emit(
      KernelCatalog.dropoutKeep, node.path, pass, "keep-bits", defines: [("SPATIAL", isSpatial ? 1 : 0)],
      operands: [("keep", operand(keep)), ("scalars", operand(scalars))],
      integers: integers(
        ["N", "C", "voxels", "layerLow", "layerHigh", "threshold"],
        [
          shape.batch, shape.channels, shape.extent.count, Int(hash & 0xffff_ffff), Int(hash >> 32),
          Int((probability * 4_294_967_296).rounded()),
        ]))
  }

  func runningStatistics(_ node: Node) -> (mean: Word, variance: Word)? {
    guard let storage = bufferStorage, case .normalisation(let norm) = node.op else { return nil }
    let places = norm.runningStatistics.compactMap { bufferOffsets["\(node.path)/\($0)"] }
    guard places.count == 2 else { return nil }
    return (.operand(storage, offsetInBytes: 4 * places[0]), .operand(storage, offsetInBytes: 4 * places[1]))
  }
}

/// FNV-1a, 64 bits: the same on every machine, unlike Hashable.
func stableHash(_ text: String) -> UInt64 {
  text.utf8.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
}
