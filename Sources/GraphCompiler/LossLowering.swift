import ExecutionPlan
import KernelCatalog
import LayerGraph

extension Lowering {
  /// Loss of one head's planar logits; returns the logits' gradient, written over them where `isInPlace`.
  func emitLoss(
    _ loss: Loss, head: Int, weight: Double, logits: TensorID, target: TensorID, shape: Shape, isInPlace: Bool
  ) -> TensorID {
    let voxels = shape.extent.count
    let layer = head == 0 ? "loss" : "loss.\(head)"
    let counts = [shape.batch, shape.channels, voxels, chunkVoxels]
    let names = ["N", "C", "voxels", "chunkVoxels"]
    let partials = scratch(
      "\(layer)/partials", [shape.batch, chunks(voxels), 3 * shape.channels + 2], role: .workspace,
      layer: layer)
    let coefficients = scratch(
      "\(layer)/coefficients", [2 * shape.batch * shape.channels + 1], role: .workspace, layer: layer)
    let gradient =
      isInPlace ? logits : scratch("\(layer)/gradient", shape.axes, .planar, role: .gradient, layer: layer)
    let kinds = [
      ("SIGMOID", loss.sigmoid ? 1 : 0), ("TARGET", loss.sigmoid ? 1 : 0), ("ENTROPY", loss.entropy.rawValue),
      ("SQUARED", loss.isSquared ? 1 : 0),
    ]
    let focus = [("gammaBits", Word.float(loss.focus)), ("clipBits", .float(loss.clip))]
    emit(
      KernelCatalog.lossSums, layer, .loss, "sums", defines: kinds,
      operands: [
        ("logits", operand(logits)), ("target", operand(target)),
        ("classWeights", operand(classWeights)), ("partials", operand(partials)),
      ],
      integers: integers(names + ["ignore", "mean"], counts + [loss.ignoredLabel, loss.isMeanOverVoxels ? 1 : 0])
        + focus)
    emit(
      KernelCatalog.lossFinalise, layer, .loss, "finalise", defines: [("KIND", loss.region.rawValue)],
      operands: [
        ("partials", operand(partials)), ("coefficients", operand(coefficients)),
        ("scalars", operand(scalars)),
      ],
      integers: integers(
        names + ["firstClass", "batch", "first"],
        counts + [loss.includesBackground ? 0 : 1, loss.isOverBatch ? 1 : 0, head == 0 ? 1 : 0])
        + [
          ("regionWeightBits", .float(weight * loss.regionWeight)),
          ("entropyWeightBits", .float(weight * loss.entropyWeight)), ("epsilonBits", .float(loss.epsilon)),
          ("alphaBits", .float(loss.alpha)), ("betaBits", .float(loss.beta)),
        ],
      groups: 1)
    emit(
      KernelCatalog.lossGradient, layer, .loss, "gradient", defines: kinds,
      operands: [
        ("g", operand(gradient)), ("logits", operand(logits)), ("target", operand(target)),
        ("classWeights", operand(classWeights)), ("coefficients", operand(coefficients)),
      ],
      integers: integers(["N", "C", "voxels", "ignore"], Array(counts.prefix(3)) + [loss.ignoredLabel]) + focus)
    return gradient
  }

  /// The target of a coarser head, from the main one's.
  func emitCoarseTarget(_ target: TensorID, _ loss: Loss, head: Int, from main: Shape, to shape: Shape) -> TensorID {
    let planes = loss.sigmoid ? shape.batch * shape.channels : shape.batch
    let out = scratch(
      "target.\(head)", [planes] + shape.extent.axes, .flat, tensor(target).type, role: .workspace,
      layer: "loss.\(head)")
    let factor = main.extent.map(shape.extent) { $0 / $1 }
    emit(
      KernelCatalog.pickTarget, "loss.\(head)", .loss, "target", defines: [("TARGET", loss.sigmoid ? 1 : 0)],
      operands: [("out", operand(out)), ("target", operand(target))],
      integers: integers(
        ["planes", "D", "H", "W", "factorD", "factorH", "factorW"], [planes] + shape.extent.axes + factor.axes))
    return out
  }

  func emitUpdate(_ options: TrainingOptions, parameterCount: Int) {
    let chunk = 65_536
    let chunkCount = (parameterCount + chunk - 1) / chunk
    let partials = scratch("update/partials", [chunkCount, 2], role: .workspace, layer: "update")
    emit(
      KernelCatalog.gradientNorm, "update", .update, "gradient norm",
      operands: [
        ("gradient", operand(gradients)), ("partials", operand(partials)), ("scalars", operand(scalars)),
      ],
      integers: integers(["count", "chunkVoxels"], [parameterCount, chunk]))
    emit(
      KernelCatalog.updatePrepare, "update", .update, "prepare",
      defines: [("DYNAMIC", options.dynamicLossScale ? 1 : 0)],
      operands: [("partials", operand(partials)), ("scalars", operand(scalars))],
      integers: integers(["chunks"], [chunkCount]), groups: 1)
    emit(
      KernelCatalog.optimizerStep, "update", .update, "step",
      defines: [("KIND", options.optimizer.rawValue)],
      operands: [
        ("weights", operand(weights)), ("gradient", operand(gradients)), ("first", operand(moments[0])),
        ("second", operand(moments.count > 1 ? moments[1] : nil)), ("scalars", operand(scalars)),
      ],
      integers: integers(["count"], [parameterCount]))
  }

  /// Logits to what `predict` returns; in place.
  func emitProbabilities(_ logits: TensorID, shape: Shape, sigmoid: Bool) {
    emit(
      KernelCatalog.probabilities, "output", .forward, "probabilities",
      defines: [("SIGMOID", sigmoid ? 1 : 0)],
      operands: [("out", operand(logits)), ("logits", operand(logits))],
      integers: integers(["N", "C", "voxels"], [shape.batch, shape.channels, shape.extent.count]))
  }
}
