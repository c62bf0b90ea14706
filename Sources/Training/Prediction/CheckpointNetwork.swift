import ExecutionPlan
import GraphCompiler
import Interchange
import LayerGraph
import Volumes

/// A checkpoint's network on a device, ready to predict windows.
public final class CheckpointNetwork {
  public let checkpoint: Checkpoint
  public let batch: Int
  private let loaded: any LoadedPlan

  /// Bytes on the device.
  public var allocatedBytes: Int { loaded.allocatedBytes }

  /// Compiles and loads the forward pass.
  ///
  /// The batch is the training's, halved until the plan fits `memoryBudget`; results do not depend on it.
  /// - Throws: `MemoryError` where one window does not fit, and what compiling and loading throw.
  /// - Parameter path: of the checkpoint, for messages.
  public init(
    _ checkpoint: Checkpoint, path: String, on device: any Device, memoryBudget: Int? = nil
  ) throws {
    self.checkpoint = checkpoint
    let budget = min(memoryBudget ?? .max, device.description.memoryBytes)
    let isSigmoid = checkpoint.recipe.loss.loss(checkpoint.outputs)?.sigmoid ?? false
    var options = CompilerOptions()
    options.precision = checkpoint.recipe.precision
    options.output = isSigmoid ? .sigmoid : .softmax
    var batch = max(1, checkpoint.recipe.sampler.batch)
    while true {
      let graph = try checkpoint.graph(batch: batch)
      let weights = try checkpoint.parameters(of: graph, path: path)
      options.memoryBudget = budget
      let plan: ExecutionPlan
      do {
        plan = try compile(graph, options: options, device: device.description).plan
      } catch {
        guard error.isTooLarge else { throw error }
        guard batch > 1 else {
          guard let least = error.leastBytes else { throw error }
          throw MemoryError(
            neededBytes: least, availableBytes: budget,
            device: memoryBudget == nil ? device.description.name : "--memory-budget",
            proposal: "one window of the training patch does not fit")
        }
        batch /= 2
        continue
      }
      loaded = try device.load(plan)
      try loaded.write(weights, to: "weights")
      if plan.tensor("buffers") != nil {
        try loaded.write(try Self.buffers(of: checkpoint, for: plan, path: path), to: "buffers")
      }
      break
    }
    self.batch = batch
  }

  /// Running statistics in the plan's order.
  private static func buffers(
    of checkpoint: Checkpoint, for plan: ExecutionPlan, path: String
  ) throws(InterchangeError) -> [Float] {
    var values: [Float] = []
    for wanted in plan.buffers {
      guard
        let own = checkpoint.bufferRecords.first(where: { $0.name == wanted.name && $0.shape == wanted.shape }
        )
      else { throw InterchangeError(path: path, problem: "lacks the running statistics \(wanted.name)") }
      values += checkpoint.state.buffers[own.offsetInElements..<own.offsetInElements + own.count]
    }
    return values
  }

  /// N×C×D×H×W in, probabilities out.
  public func predict(_ input: [Float]) throws -> [Float] {
    try loaded.write(input, to: "predict/input")
    try loaded.run(.predict)
    return try loaded.read("output")
  }

  /// This network as a member of an ensemble; overlap and mirrored axes are the recipe's unless given.
  public func member(overlap: Double? = nil, mirror: MirrorAxes? = nil) -> PredictionMember {
    let recipe = checkpoint.recipe
    return PredictionMember(
      network: PatchNetwork(
        patch: recipe.sampler.patch, batch: batch, channelCount: checkpoint.channels.count,
        classCount: checkpoint.outputs.count, margin: recipe.model.margin, forward: { try self.predict($0) }),
      preprocessing: checkpoint.preprocessing, overlap: overlap ?? recipe.inference.overlap,
      mirror: mirror ?? recipe.inference.mirror, padding: recipe.sampler.pad,
      outside: recipe.augmentation.outsideCase)
  }
}
