import ExecutionPlan
import GraphCompiler
import LayerGraph

/// The plan of a recipe on a device, made to fit the budget before anything is allocated.
struct RunPlan {
  let graph: Graph
  let loss: Loss
  let compilation: Compilation

  /// - Throws: `GraphError`, `CompilerError`; `MemoryError` where no plan fits the device or the
  ///   budget, with what would.
  init(_ recipe: Recipe, dataset: Dataset, device: DeviceDescription) throws {
    guard let loss = recipe.loss.loss(dataset.outputs) else {
      preconditionFailure("internal: a loss that the recipe's reader let pass")
    }
    self.loss = loss
    let budget = min(recipe.memoryBudget ?? .max, device.memoryBytes)
    let isBudget = recipe.memoryBudget.map { $0 <= device.memoryBytes } ?? false
    let holder = isBudget ? "the memory budget" : device.name
    do {
      (graph, compilation) = try Self.compile(recipe, dataset, loss, device)
    } catch let error as CompilerError {
      guard error.isTooLarge else { throw error }
      let proposal = Self.proposal(recipe, dataset, loss, device, budget: budget)
      guard let least = error.leastBytes else {
        var extended = error
        if !proposal.isEmpty { extended.problem += ": \(proposal)" }
        throw extended
      }
      throw MemoryError(neededBytes: least, availableBytes: budget, device: holder, proposal: proposal)
    }
  }

  /// A device's refusal with what would need a quarter less.
  func refused(
    _ error: MemoryError, _ recipe: Recipe, _ dataset: Dataset, _ device: DeviceDescription
  ) -> MemoryError {
    var error = error
    let smaller = Self.proposal(
      recipe, dataset, loss, device, budget: compilation.plan.allocatedBytes / 4 * 3)
    error.proposal = [error.proposal, smaller].filter { !$0.isEmpty }.joined(separator: "; ")
    return error
  }

  private static func compile(
    _ recipe: Recipe, _ dataset: Dataset, _ loss: Loss, _ device: DeviceDescription, isLimited: Bool = true
  ) throws -> (Graph, Compilation) {
    let graph = try recipe.model.graph(
      batch: recipe.sampler.batch, channels: dataset.channels.count, classes: dataset.outputs.count,
      patch: recipe.sampler.patch)
    var options = recipe.compilerOptions(loss)
    if isLimited { options.memoryBudget = min(recipe.memoryBudget ?? .max, device.memoryBytes) }
    do {
      return (graph, try GraphCompiler.compile(graph, options: options, device: device))
    } catch {
      guard error.isTooLarge, !device.tuning.choices.isEmpty else { throw error }
      // Tiles that are faster may need more workspace.
      var untuned = device
      untuned.tuning = TuningTable()
      return (graph, try GraphCompiler.compile(graph, options: options, device: untuned))
    }
  }

  /// What would fit: mixed precision, fewer patches a batch, a smaller patch; the first of each that does.
  private static func proposal(
    _ recipe: Recipe, _ dataset: Dataset, _ loss: Loss, _ device: DeviceDescription, budget: Int
  ) -> String {
    func bytes(_ recipe: Recipe) -> Int? {
      guard let plan = try? compile(recipe, dataset, loss, device).1.plan else { return nil }
      return plan.allocatedBytes <= budget
        ? plan.allocatedBytes : nil
    }
    var texts: [String] = []
    if let whole = try? compile(recipe, dataset, loss, device, isLimited: false).1 {
      let largest = whole.memory.largestAtPeak(3).map { "\($0.name) \(sizeText($0.sizeInBytes))" }
      texts.append("the largest tensors are \(largest.joined(separator: ", "))")
    }
    if recipe.precision == .fp32 {
      var mixed = recipe
      mixed.precision = .mixed
      if let needed = bytes(mixed) { texts.append("--precision mixed needs \(sizeText(needed))") }
    }
    var smaller = recipe
    while smaller.sampler.batch > 1 {
      smaller.sampler.batch /= 2
      guard let needed = bytes(smaller) else { continue }
      texts.append("sampler.batch \(smaller.sampler.batch) needs \(sizeText(needed))")
      break
    }
    smaller = recipe
    let divisor = recipe.model.divisor
    for _ in 0..<12 {
      let patch = smaller.sampler.patch
      let axis = (0..<3).max { patch[$0] < patch[$1] } ?? 0
      let extent = (patch[axis] * 3 / 4) / divisor[axis] * divisor[axis] + recipe.model.remainder[axis]
      guard extent >= 2 * divisor[axis] else { break }
      smaller.sampler.patch[axis] = extent
      guard let needed = bytes(smaller) else { continue }
      let p = smaller.sampler.patch
      texts.append("sampler.patch [\(p.x), \(p.y), \(p.z)] needs \(sizeText(needed))")
      break
    }
    return texts.joined(separator: "; ")
  }
}

extension Recipe {
  /// How a training run of this recipe compiles its network; without a limit of memory.
  public func compilerOptions(_ loss: Loss) -> CompilerOptions {
    var options = CompilerOptions()
    options.precision = precision
    options.output = loss.sigmoid ? .sigmoid : .softmax
    var training = TrainingOptions(loss: loss, optimizer: optimizer.settings.kind)
    training.dynamicLossScale = precision == .mixed
    options.training = training
    return options
  }
}
