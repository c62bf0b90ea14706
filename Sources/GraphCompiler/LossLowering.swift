import ExecutionPlan
import KernelCatalog
import LayerGraph

extension Lowering {
  /// Loss of planar logits against `target`; returns the logits' gradient, written over them.
  func emitLoss(_ loss: Loss, logits: TensorID, target: TensorID, shape: Shape) -> TensorID {
    let voxels = shape.extent.count
    let layer = "loss"
    let counts = [shape.batch, shape.channels, voxels, chunkVoxels]
    let names = ["N", "C", "voxels", "chunkVoxels"]
    let partials = scratch(
      "loss/partials", [shape.batch, chunks(voxels), 3 * shape.channels + 2], role: .workspace,
      layer: layer)
    let coefficients = scratch(
      "loss/coefficients", [2 * shape.batch * shape.channels + 1], role: .workspace, layer: layer)
    let kinds = [("SIGMOID", loss.sigmoid ? 1 : 0), ("TARGET", loss.sigmoid ? 1 : 0)]
    emit(
      KernelCatalog.lossSums, layer, .loss, "sums", defines: kinds,
      operands: [
        ("logits", operand(logits)), ("target", operand(target)),
        ("classWeights", operand(classWeights)), ("partials", operand(partials)),
      ],
      integers: integers(names + ["ignore"], counts + [loss.ignoredLabel]))
    emit(
      KernelCatalog.lossFinalise, layer, .loss, "finalise", defines: [("KIND", loss.region.rawValue)],
      operands: [
        ("partials", operand(partials)), ("coefficients", operand(coefficients)),
        ("scalars", operand(scalars)),
      ],
      integers: integers(
        names + ["firstClass", "batch"],
        counts + [loss.includesBackground ? 0 : 1, loss.isOverBatch ? 1 : 0])
        + [
          ("regionWeightBits", .float(loss.regionWeight)),
          ("entropyWeightBits", .float(loss.entropyWeight)), ("epsilonBits", .float(loss.epsilon)),
        ],
      groups: 1)
    emit(
      KernelCatalog.lossGradient, layer, .loss, "gradient", defines: kinds,
      operands: [
        ("g", operand(logits)), ("logits", operand(logits)), ("target", operand(target)),
        ("classWeights", operand(classWeights)), ("coefficients", operand(coefficients)),
      ],
      integers: integers(["N", "C", "voxels", "ignore"], Array(counts.prefix(3)) + [loss.ignoredLabel]))
    return logits
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
