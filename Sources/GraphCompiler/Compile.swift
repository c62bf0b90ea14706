import ExecutionPlan
import KernelCatalog
import LayerGraph
import MemoryPlacement

/// A plan with what the compiler knows of it.
public struct Compilation: Sendable {
  public var plan: ExecutionPlan
  /// One row a pass, in order: `--explain`.
  public var passes: [PassRecord]
  /// One row a layer: `voxcl profile`.
  public var layers: [LayerRecord]
  public var memory: MemorySummary
}

public struct PassRecord: Sendable {
  public var name: String
  public var seconds: Double
  /// Calls scheduled and tensors known after the pass.
  public var calls: Int
  public var tensors: Int
  public var note: String
}

/// Compiles a graph for a device: lower forward · loss · differentiate · update · predict · place · assemble.
///
/// Pure: the same graph, options and device give the same plan, byte for byte. `clock` only fills the pass
/// table's seconds.
/// - Throws: `CompilerError` where the graph asks for what no kernel does.
public func compile(
  _ graph: Graph, options: CompilerOptions, device: DeviceDescription, clock: () -> Double = { 0 }
) throws(CompilerError) -> Compilation {
  let lowering = Lowering(graph: graph, options: options, device: device)
  var passes: [PassRecord] = []
  var last = clock()
  func record(_ name: String, _ note: String = "") {
    let now = clock()
    passes.append(
      PassRecord(
        name: name, seconds: now - last,
        calls: lowering.programs.reduce(lowering.program.calls.count) { $0 + $1.calls.count },
        tensors: lowering.tensors.count, note: note))
    last = now
  }

  allocateState(lowering)
  record("state", "\(graph.parameterCount) parameters")
  if let training = options.training {
    try checkLoss(graph, training.loss)
    lowering.program = ScheduledProgram(name: .accumulate)
    let (forward, logits) = try lowerTrainingForward(lowering)
    record("forward", "\(forward.storedCount) stored tensors")
    let gradient = lowerLoss(lowering, forward, logits: logits, training)
    record("loss")
    differentiate(lowering, forward, gradient, training)
    record("differentiate")
    lowering.programs.append(lowering.program)
    lowering.program = ScheduledProgram(name: .update)
    lowering.emitUpdate(training, parameterCount: graph.parameterCount)
    lowering.programs.append(lowering.program)
    lowering.program = ScheduledProgram(name: .predict)
    record("update", "\(training.optimizer)")
  }
  if options.predicts {
    try lowerPredict(lowering)
    lowering.programs.append(lowering.program)
    lowering.program = ScheduledProgram(name: .predict)
    record("predict")
  }
  let lifetimes = lifetimes(lowering)
  record("lifetimes", "\(lifetimes.count) scratch tensors")
  let placement = placeTensors(lifetimes)
  record("place", "\(placement.method), lower bound \(placement.lowerBoundInBytes) of \(placement.arenaInBytes)")
  let plan = assemble(lowering, lifetimes, placement)
  record("assemble", "\(plan.kernels.count) kernels")
  let layers = layerRecords(lowering, lifetimes, placement)
  return Compilation(
    plan: plan, passes: passes, layers: layers,
    memory: MemorySummary(
      arenaBytes: placement.arenaInBytes, lowerBoundBytes: placement.lowerBoundInBytes,
      stateBytes: plan.arenas[0].sizeInBytes, method: placement.method,
      tensors: tensorSpans(lowering, lifetimes, placement)))
}

/// Fixed part of the plan: parameters, gradients, moments, running statistics, scalars.
func allocateState(_ lowering: Lowering) {
  let graph = lowering.graph
  let count = graph.parameterCount
  lowering.scalars = lowering.state("scalars", Scalar.count)
  lowering.weights = lowering.state("weights", max(1, count))
  if let training = lowering.options.training {
    lowering.gradients = lowering.state("gradients", max(1, count))
    for i in 0..<training.optimizer.moments {
      lowering.moments.append(lowering.state("moment.\(i)", max(1, count)))
    }
    if training.loss.classWeights != nil {
      lowering.classWeights = lowering.state("classWeights", graph.outputShape.channels)
    }
  }
  var next = 0
  for node in graph.nodes {
    guard case .normalisation(let norm) = node.op else { continue }
    for name in norm.runningStatistics {
      lowering.bufferOffsets["\(node.path)/\(name)"] = next
      lowering.buffers.append(
        ParameterRecord(
          name: "\(node.path)/\(name)", shape: [node.shape.channels], offsetInElements: next))
      next += node.shape.channels
    }
  }
  if next > 0 { lowering.bufferStorage = lowering.state("buffers", next) }
}

private func checkLoss(_ graph: Graph, _ loss: Loss) throws(CompilerError) {
  let output = graph.nodes[graph.output]
  let isSoftmax = output.op == .softmax
  let isSigmoid = output.op == .activation(.sigmoid)
  if isSoftmax && loss.sigmoid || isSigmoid && !loss.sigmoid {
    throw CompilerError(
      path: output.path,
      problem: "the network ends in \(output.op.name), the loss wants \(loss.sigmoid ? "sigmoid" : "softmax")")
  }
  if let weights = loss.classWeights, weights.count != output.shape.channels {
    throw CompilerError(
      path: output.path,
      problem: "\(weights.count) class weights for \(output.shape.channels) output channels")
  }
}

private func lowerTrainingForward(_ lowering: Lowering) throws(CompilerError) -> (ForwardPass, TensorID) {
  let shape = lowering.graph.inputShape
  lowering.emit(
    KernelCatalog.clear, "update", .update, "clear gradients", defines: [("ONLY_FIRST", 1)],
    operands: [
      ("values", lowering.operand(lowering.gradients)), ("scalars", lowering.operand(lowering.scalars)),
    ],
    integers: [("count", .integer(lowering.graph.parameterCount))])
  let input = lowering.scratch("input", shape.axes, .planar, role: .input, layer: "input")
  lowering.program.inputs.append(input)
  let forward = ForwardPass(lowering, isTraining: true)
  return (forward, try forward.run(input: input))
}

private func lowerLoss(
  _ lowering: Lowering, _ forward: ForwardPass, logits: TensorID, _ training: TrainingOptions
) -> TensorID {
  let shape = lowering.graph.nodes[forward.logits].shape
  let target =
    training.loss.sigmoid
    ? lowering.scratch("target", shape.axes, .planar, role: .input, layer: "loss")
    : lowering.scratch(
      "target", [shape.batch] + shape.extent.axes, .flat, .int32, role: .input, layer: "loss")
  lowering.program.inputs.append(target)
  return lowering.emitLoss(training.loss, logits: logits, target: target, shape: shape)
}

private func differentiate(
  _ lowering: Lowering, _ forward: ForwardPass, _ gradient: TensorID, _ training: TrainingOptions
) {
  let backward = BackwardPass(forward)
  backward.run(logitsGradient: gradient)
  if training.differentiatesInput, let input = backward.planarInputGradient() {
    lowering.export(input, as: "inputGradient")
  }
}

private func lowerPredict(_ lowering: Lowering) throws(CompilerError) {
  let graph = lowering.graph
  let input = lowering.scratch("predict/input", graph.inputShape.axes, .planar, role: .input, layer: "input")
  lowering.program.inputs.append(input)
  let forward = ForwardPass(lowering, isTraining: false)
  let logits = try forward.run(input: input)
  let shape = graph.nodes[forward.logits].shape
  switch (lowering.options.output, graph.nodes[graph.output].op) {
  case (.softmax, _), (.asDeclared, .softmax):
    lowering.emitProbabilities(logits, shape: shape, sigmoid: false)
  case (.sigmoid, _), (.asDeclared, .activation(.sigmoid)):
    lowering.emitProbabilities(logits, shape: shape, sigmoid: true)
  default: break
  }
  lowering.export(logits, as: "output")
}
