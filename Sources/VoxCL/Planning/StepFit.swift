import ExecutionPlan
import GraphCompiler
import LayerGraph
import Training

/// Whether a training step of a recipe's network fits a number of bytes, by the plan that training will use: exact, not
/// by a proxy.
struct StepFit {
  let device: DeviceDescription
  let limit: Int
  let channels: Int
  let classes: [ClassLabel]

  /// A plan that takes this much longer, since tensors are made again to fit, is as good as a smaller patch.
  private static let mostExtraTime = 0.1

  struct Found {
    var bytes: Int
    /// Share of a step.
    var extraTime: Double
    var flops: Int
  }

  /// Nil where it does not fit.
  /// - Throws: `GraphError`, `CompilerError`.
  func callAsFunction(_ recipe: Recipe) throws -> Found? {
    let graph = try graph(recipe)
    var options = options(recipe)
    if let whole = try compiled(graph, options), whole.bytes <= limit { return whole }
    options.memoryBudget = limit
    guard let found = try compiled(graph, options), found.bytes <= limit, found.extraTime <= Self.mostExtraTime else {
      return nil
    }
    return found
  }

  func graph(_ recipe: Recipe) throws(GraphError) -> Graph {
    try recipe.model.graph(
      batch: recipe.sampler.batch, channels: channels, classes: classes.count, patch: recipe.sampler.patch)
  }

  /// As a training run compiles.
  func options(_ recipe: Recipe) -> CompilerOptions {
    guard let loss = recipe.loss.loss(NetworkOutputs(classes: classes)) else {
      preconditionFailure("internal: a plan with an unknown loss")
    }
    return recipe.compilerOptions(loss)
  }

  private func compiled(_ graph: Graph, _ options: CompilerOptions) throws -> Found? {
    do {
      let compilation = try compile(graph, options: options, device: device)
      let calls = [ProgramName.accumulate, .update].flatMap { compilation.plan.program($0)?.calls ?? [] }
      return Found(
        bytes: compilation.plan.allocatedBytes, extraTime: compilation.memory.recompute?.extraTime ?? 0,
        flops: calls.reduce(0) { $0 + $1.flops })
    } catch {
      guard error.isTooLarge else { throw error }
      return nil
    }
  }
}
