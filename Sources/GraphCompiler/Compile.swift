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
  /// Where the plan has convolutions with a tile to choose: what a tuner may change.
  public var convolutions: [ConvolutionSite]
}

/// A convolution or data gradient of a plan.
public struct ConvolutionSite: Sendable {
  public var program: ProgramName
  /// Index of its call in the program.
  public var call: Int
  public var shape: ConvolutionTiling.Shape
}

public struct PassRecord: Sendable {
  public var name: String
  public var seconds: Double
  /// Calls scheduled and tensors known after the pass.
  public var calls: Int
  public var tensors: Int
  public var note: String
}

/// Compiles a graph for a device: lower forward · loss · differentiate · update · predict · recompute · place · assemble.
///
/// Pure: the same graph, options and device give the same plan, byte for byte. `clock` only fills the pass
/// table's seconds.
/// - Throws: `CompilerError` where the graph asks for what no kernel does, or more than the memory budget holds.
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
  try lower(lowering, record)
  let placed = try placeWithinBudget(lowering)
  let (lifetimes, placement) = (placed.lifetimes, placed.placement)
  if let recompute = placed.recompute { record("recompute", recompute.text) }
  record("place", "\(placement.method), lower bound \(placement.lowerBoundInBytes) of \(placement.arenaInBytes)")
  let plan = assemble(lowering, lifetimes, placement)
  record("assemble", "\(plan.kernels.count) kernels")
  let layers = layerRecords(lowering, lifetimes, placement)
  return Compilation(
    plan: plan, passes: passes, layers: layers,
    memory: MemorySummary(
      arenaBytes: placement.arenaInBytes, lowerBoundBytes: placement.lowerBoundInBytes,
      stateBytes: lowering.stateBytes, method: placement.method,
      tensors: tensorSpans(lowering, lifetimes, placement), recompute: placed.recompute),
    convolutions: lowering.convolutions)
}

/// Bytes and time of every known way to run a training step, the fastest and largest first: what a memory budget chooses
/// from. Empty without training.
/// - Throws: as `compile`.
public func memoryTimeCurve(
  of graph: Graph, options: CompilerOptions, device: DeviceDescription
) throws(CompilerError) -> [MemoryTimePoint] {
  let lowering = Lowering(graph: graph, options: options, device: device)
  try lower(lowering) { _, _ in }
  return lowering.memoryTimeCurve()
}

/// The calls of all programs, before anything has a place.
private func lower(_ lowering: Lowering, _ record: (String, String) -> Void) throws(CompilerError) {
  let graph = lowering.graph
  allocateState(lowering)
  record("state", "\(graph.parameterCount) parameters")
  if let training = lowering.options.training {
    try checkLoss(graph, training.loss)
    lowering.program = ScheduledProgram(name: .accumulate)
    let (forward, logits) = try lowerTrainingForward(lowering)
    record("forward", "\(forward.storedCount) stored tensors")
    let gradients = lowerLosses(lowering, forward, logits, training)
    record("loss", gradients.count > 1 ? "\(gradients.count) outputs" : "")
    differentiate(lowering, forward, gradients, training)
    record("differentiate", "")
    lowering.programs.append(lowering.program)
    lowering.program = ScheduledProgram(name: .update)
    lowering.emitUpdate(training, parameterCount: graph.parameterCount)
    lowering.programs.append(lowering.program)
    lowering.program = ScheduledProgram(name: .predict)
    record("update", "\(training.optimizer)")
  }
  if lowering.options.predicts {
    try lowerPredict(lowering)
    lowering.programs.append(lowering.program)
    lowering.program = ScheduledProgram(name: .predict)
    record("predict", "")
  }
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

/// Every way in which a loss does not fit the network.
private func checkLoss(_ graph: Graph, _ loss: Loss) throws(CompilerError) {
  let output = graph.nodes[graph.output]
  var problems: [String] = []
  for id in [graph.output] + graph.supervised.map(\.node) {
    let node = graph.nodes[id]
    let isSoftmax = node.op == .softmax
    if isSoftmax && loss.sigmoid || node.op == .activation(.sigmoid) && !loss.sigmoid {
      problems.append(
        "\(node.path) ends in \(node.op.name), the loss wants \(loss.sigmoid ? "sigmoid" : "softmax")")
    }
  }
  if let weights = loss.classWeights, weights.count != output.shape.channels {
    problems.append("\(weights.count) class weights for \(output.shape.channels) output channels")
  }
  if !loss.includesBackground && loss.region != .none && output.shape.channels < 2 {
    problems.append("a region loss without the background needs at least 2 output channels")
  }
  if loss.sigmoid && (loss.entropy == .clipped || loss.entropy == .twice) {
    problems.append("the clipped and the twofold entropy are of softmax probabilities, not of sigmoid ones")
  }
  if !loss.sigmoid && loss.entropy == .linear { problems.append("the linear entropy is of channels, not of classes") }
  if loss.sigmoid && loss.classWeights != nil { problems.append("class weights are for softmax losses") }
  guard problems.isEmpty else {
    throw CompilerError(path: output.path, problem: problems.joined(separator: "; "))
  }
}

private func lowerTrainingForward(_ lowering: Lowering) throws(CompilerError) -> (ForwardPass, [TensorID]) {
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

/// The loss of each head, all of one target; returns the gradients of their logits.
private func lowerLosses(
  _ lowering: Lowering, _ forward: ForwardPass, _ logits: [TensorID], _ training: TrainingOptions
) -> [TensorID] {
  let loss = training.loss
  let main = lowering.graph.nodes[forward.logits].shape
  let target =
    loss.sigmoid
    ? lowering.scratch("target", main.axes, .planar, role: .input, layer: "loss")
    : lowering.scratch(
      "target", [main.batch] + main.extent.axes, .flat, .int32, role: .input, layer: "loss")
  lowering.program.inputs.append(target)
  let weights = [lowering.graph.outputWeight] + lowering.supervised.map(\.weight)
  return forward.heads.indices.map { head in
    let node = forward.heads[head]
    let shape = lowering.graph.nodes[node].shape
    let own =
      shape.extent == main.extent
      ? target : lowering.emitCoarseTarget(target, loss, head: head, from: main, to: shape)
    return lowering.emitLoss(
      loss, head: head, weight: weights[head], logits: logits[head], target: own, shape: shape,
      isInPlace: forward.isLast(node) && !forward.differentiatesByOutput(node)
        || forward.storage[node] != logits[head])
  }
}

private func differentiate(
  _ lowering: Lowering, _ forward: ForwardPass, _ gradients: [TensorID], _ training: TrainingOptions
) {
  let backward = BackwardPass(forward)
  backward.run(headGradients: gradients)
  if training.differentiatesInput, let input = backward.planarInputGradient() {
    lowering.export(input, as: "inputGradient")
  }
}

private func lowerPredict(_ lowering: Lowering) throws(CompilerError) {
  let graph = lowering.graph
  let input = lowering.scratch("predict/input", graph.inputShape.axes, .planar, role: .input, layer: "input")
  lowering.program.inputs.append(input)
  let forward = ForwardPass(lowering, isTraining: false)
  let logits = try forward.run(input: input)[0]
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
