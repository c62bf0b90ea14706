import ExecutionPlan
import KernelCatalog
import LayerGraph

/// Words of one `chain_backward` call.
struct ChainCall {
  var out: TensorID
  var g: TensorID
  var z: TensorID
  var chain: Chain?
  var sums: TensorID?
  var preActivation = Activation.none
  var preSlope = 0.0
  var accumulates = false
}

extension BackwardPass {
  func lowerStoredActivation(_ node: Node, _ g: TensorID, _ activation: Activation, _ slope: Double) {
    let input = node.inputs[0]
    guard needsGradient[input] else { return }
    let stored = forward.storage[node.id]!
    if gradient[input] == nil, holders[g] == [node.id], fits(g, input),
      masks(g, with: stored, activation, slope)
    {
      assign(g, to: input)
      return
    }
    writeThrough(node, g, to: input) { out, accumulates in
      self.emitChain(
        node,
        ChainCall(
          out: out, g: g, z: stored, preActivation: activation, preSlope: slope,
          accumulates: accumulates),
        "activation backward")
    }
  }

  func lowerChain(_ node: Node, _ g: TensorID, _ chain: Chain) {
    let z = forward.storage[chain.base]!
    if let keep = chain.keep, lowering.options.recomputesKeepBits {
      // The same counter gives the same bits: a tensor that is recomputed instead of kept.
      lowering.emitKeepBits(
        graph.nodes[keep.node], keep.probability, isSpatial: keep.isSpatial, into: recomputed(keep), pass: .backward)
    }
    var sums: TensorID?
    if let norm = chain.norm { sums = emitNormSums(node, g, z, chain, norm) }
    guard needsGradient[chain.base] else { return }
    writeThrough(node, g, to: chain.base) { out, accumulates in
      self.emitChain(
        node,
        ChainCall(out: out, g: g, z: z, chain: chain, sums: sums, accumulates: accumulates),
        "backward")
    }
  }

  /// Keep-bits of the backward pass: a tensor of their own where they are made again.
  private func recomputed(_ keep: KeepBits) -> TensorID {
    if let known = recomputedKeepBits[keep.node] { return known }
    let shape = graph.nodes[keep.node].shape
    let path = graph.nodes[keep.node].path
    let id = lowering.scratch(
      "\(path)/keep again", [shape.batch, (shape.channels + 15) / 16] + shape.extent.axes, .flat, .uint16,
      role: .statistics, layer: path)
    recomputedKeepBits[keep.node] = id
    return id
  }

  private func keepTensor(_ chain: Chain) -> TensorID? {
    guard let keep = chain.keep else { return nil }
    return recomputedKeepBits[keep.node] ?? keep.tensor
  }

  /// dz over g where this node is the only one that holds g and its target has no gradient yet.
  func writeThrough(
    _ node: Node, _ g: TensorID, to target: Int, _ write: @escaping (TensorID, Bool) -> Void
  ) {
    if gradient[target] == nil, holders[g] == [node.id], fits(g, target) {
      holders[g] = [target]
      gradient[target] = g
      write(g, false)
    } else {
      contribute(to: target, write)
    }
  }

  private func emitNormSums(
    _ node: Node, _ g: TensorID, _ z: TensorID, _ chain: Chain, _ norm: NormState
  ) -> TensorID {
    let owner = graph.nodes[norm.node]
    let shape = owner.shape
    let blocks = (shape.channels + 15) / 16
    let voxels = shape.extent.count
    let partials = lowering.scratch(
      "\(owner.path)/gradient partials", [shape.batch, blocks, chunks(voxels), 2, 16], role: .workspace,
      layer: owner.path)
    let sums = lowering.scratch(
      "\(owner.path)/gradient sums", [2, shape.batch, blocks * 16], role: .workspace, layer: owner.path)
    let counts = [shape.batch, shape.channels, voxels, chunkVoxels]
    let (gamma, beta) = (owner.parameters.first, owner.parameters.last)
    lowering.emit(
      KernelCatalog.normBackwardSums, owner.path, .backward, "gradient sums",
      defines: [
        ("Z_HALF", forward.isHalf(z)), ("G_HALF", forward.isHalf(g)), ("BLOCK", forward.block(z)),
        ("ACT", chain.activation.rawValue), ("KEEP", chain.keep == nil ? 0 : 1),
      ],
      operands: [
        ("g", lowering.operand(g)), ("z", lowering.operand(z)), ("scale", lowering.operand(norm.scale)),
        ("mean", lowering.operand(norm.mean)), ("keep", lowering.operand(keepTensor(chain))),
        ("partials", lowering.operand(partials)),
      ],
      integers: lowering.integers(["N", "C", "voxels", "chunkVoxels"], counts)
        + [("slopeBits", .float(chain.slope)), ("keepScaleBits", .float(chain.keep?.scale ?? 1))])
    let gradients = [
      ("gradGamma", lowering.parameter(gamma, in: lowering.gradients)),
      ("gradBeta", lowering.parameter(beta, in: lowering.gradients)),
    ]
    let between = [("partials", lowering.operand(partials)), ("sums", lowering.operand(sums))]
    if norm.norm.kind == .group {
      lowering.emit(
        KernelCatalog.groupNormBackwardFinalise, owner.path, .backward, "gradient finalise",
        operands: between + [
          ("gamma", lowering.parameter(gamma, in: lowering.weights)), ("mean", lowering.operand(norm.mean)),
        ] + gradients,
        integers: lowering.integers(
          ["N", "C", "sets", "voxels", "chunkVoxels"],
          [shape.batch, shape.channels, norm.norm.groups, voxels, chunkVoxels]))
    } else {
      lowering.emit(
        KernelCatalog.normBackwardFinalise, owner.path, .backward, "gradient finalise",
        defines: [("BATCH", norm.norm.isOverBatch ? 1 : 0), ("RENORM", norm.renorm == nil ? 0 : 1)],
        operands: between + gradients + [
          ("scale", lowering.operand(norm.scale)), ("renorm", lowering.operand(norm.renorm)),
        ],
        integers: lowering.integers(["N", "C", "voxels", "chunkVoxels"], counts))
    }
    return sums
  }

  func emitChain(_ node: Node, _ call: ChainCall, _ what: String) {
    let chain = call.chain
    lowering.emit(
      KernelCatalog.chainBackward, node.path, .backward, what,
      defines: [
        ("Z_HALF", forward.isHalf(call.z)), ("G_HALF", forward.isHalf(call.g)),
        ("OUT_HALF", forward.isHalf(call.out)), ("BLOCK", forward.block(call.out)),
        ("NORM", chain?.norm == nil ? 0 : 1), ("ACT", (chain?.activation ?? .none).rawValue),
        ("KEEP", chain?.keep == nil ? 0 : 1), ("PRE_ACT", call.preActivation.rawValue),
        ("ACCUMULATE", call.accumulates ? 1 : 0),
      ],
      operands: [
        ("out", lowering.operand(call.out)), ("g", lowering.operand(call.g)),
        ("z", lowering.operand(call.z)), ("scale", lowering.operand(chain?.norm?.scale)),
        ("mean", lowering.operand(chain?.norm?.mean)), ("sums", lowering.operand(call.sums)),
        ("keep", lowering.operand(chain.flatMap(keepTensor))),
      ],
      integers: lowering.integers(
        ["N", "C", "voxels"], [node.shape.batch, node.shape.channels, node.shape.extent.count])
        + [
          ("slopeBits", .float(chain?.slope ?? 0)), ("keepScaleBits", .float(chain?.keep?.scale ?? 1)),
          ("preSlopeBits", .float(call.preSlope)),
        ])
  }
}
