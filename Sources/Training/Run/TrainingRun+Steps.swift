import ExecutionPlan
import Interchange
import Volumes

extension TrainingRun {
  /// Trains from where the run stands to its last step.
  ///
  /// - Parameters:
  ///   - stop: asked between steps; a text ends the run with a checkpoint.
  ///   - validating: cases done and cases in all, while a validation runs.
  /// - Throws: `DivergenceError`; `InterchangeError` where the disk refuses (checkpoints written before
  ///   stay); the device's errors.
  public func run(
    stop: () -> String? = { nil }, validating: @escaping (Int, Int) -> Void = { _, _ in }
  ) throws -> RunEnd {
    let start = clock()
    let microBatches = recipe.sampler.microBatches
    let batches = self.batches
    let pipeline = BatchPipeline(
      first: progress.step * microBatches, capacity: max(3, microBatches), threadCount: options.dataThreads,
      make: { batches($0) })
    defer { pipeline.stop() }
    var end = RunEnd.completed
    while progress.step < lastStep {
      if let reason = stop() {
        end = .stopped(reason)
        break
      }
      if let limit = options.timeLimitInSeconds, clock() - start >= limit {
        end = .timeLimit
        break
      }
      let figures = try step(pipeline)
      try emit(.step(figures))
      try checkFinite(figures)
      try afterStep(validating)
    }
    if end == .completed && lastStep < recipe.training.steps { end = .stepLimit }
    if progress.checkpointStep != progress.step { try writeCheckpoint(.last) }
    try emit(.end(step: progress.step, reason: end.text))
    return end
  }

  private func step(_ pipeline: BatchPipeline) throws -> TrainingEvent.StepFigures {
    let start = clock()
    let number = progress.step
    let count = recipe.sampler.microBatches
    let training = recipe.training
    session.optimizer.learningRate = recipe.schedule.rate(
      base: recipe.optimizer.learningRate, step: number, stepsPerEpoch: training.stepsPerEpoch,
      horizon: training.steps, plateauFactor: progress.plateau.factor)
    var waited = 0.0
    for index in 0..<count {
      let before = clock()
      let batch = pipeline.next()
      waited += clock() - before
      try session.accumulate(batch, index: index, of: count, step: number)
    }
    try session.loaded.run(.update)
    let result = try session.result()
    progress.step = number + 1
    return TrainingEvent.StepFigures(
      step: number + 1, loss: result.loss, learningRate: session.optimizer.learningRate,
      gradientNorm: result.gradientNorm, lossScale: result.lossScale, isSkipped: result.wasSkipped,
      seconds: clock() - start, waitSeconds: waited)
  }

  /// A skipped step of mixed precision is its loss scale's business; anything else that is not finite ends
  /// the run before it reaches a checkpoint.
  private func checkFinite(_ figures: TrainingEvent.StepFigures) throws {
    func diverged(_ quantity: String) -> DivergenceError {
      DivergenceError(step: figures.step, quantity: quantity, checkpointStep: progress.checkpointStep)
    }
    let mayBeSkipped = recipe.precision == .mixed
    progress.skippedInARow = figures.isSkipped ? progress.skippedInARow + 1 : 0
    if mayBeSkipped && figures.isSkipped {
      if progress.skippedInARow >= 100 {
        throw diverged("100 steps in a row had gradients that are not finite")
      }
      return
    }
    func text(_ value: Float) -> String { value.isNaN ? "not a number" : "infinite" }
    if !figures.loss.isFinite { throw diverged("the loss is \(text(figures.loss))") }
    if !figures.gradientNorm.isFinite {
      throw diverged("the gradient's norm is \(text(figures.gradientNorm))")
    }
    progress.lossSum += Double(figures.loss)
    progress.lossCount += 1
  }

  private func afterStep(_ validating: @escaping (Int, Int) -> Void) throws {
    let training = recipe.training
    let step = progress.step
    let isScheduled =
      step == training.steps || (training.validateEvery > 0 && step % training.validateEvery == 0)
    if isScheduled || step == lastStep {
      if batches.fixedPatch != nil { try emit(.patch(step: step, dice: try patchDice())) }
      // A truncated run validates once more at its end; only scheduled validations steer the run, so that
      // going on later gives what an uninterrupted run gives.
      if !dataset.validation.isEmpty { try validate(steers: isScheduled, validating) }
    }
    if step % training.checkpointEvery == 0 || isScheduled || step == lastStep { try writeCheckpoint(.last) }
  }

  private func validate(steers: Bool, _ validating: @escaping (Int, Int) -> Void) throws {
    let start = clock()
    let validation = Validation(
      dataset: dataset, recipe: recipe, session: session, outputFolder: "\(options.folder)/validation")
    let result = try validation(progress: validating)
    let isBest =
      steers && (result.mean.map { mean in progress.best.map { mean > $0.meanDice } ?? true } ?? false)
    let figures = TrainingEvent.ValidationFigures(
      step: progress.step, labels: result.labels, meanDice: result.mean, cases: result.cases, isBest: isBest,
      seconds: clock() - start)
    if steers {
      if case .plateau(let plateau) = recipe.schedule {
        progress.plateau.observe(result.mean ?? .nan, plateau)
      }
      if isBest, let mean = result.mean {
        progress.best = Checkpoint.BestValidation(step: progress.step, meanDice: mean)
        try writeCheckpoint(.best)
      }
    }
    let loss = progress.lossCount > 0 ? progress.lossSum / Double(progress.lossCount) : .nan
    (progress.lossSum, progress.lossCount) = (0, 0)
    try folder.appendMetrics(figures, loss: loss, learningRate: session.optimizer.learningRate)
    try emit(.validation(figures))
  }

  /// Dice of each foreground class, or each region, on the one patch.
  private func patchDice() throws -> [TrainingEvent.LabelDice] {
    guard let patch = batches.fixedPatch else { return [] }
    let one = patch.voxels
    let input = (0..<recipe.sampler.batch).flatMap { _ in one }
    let output = try session.predict(input)
    let reference = patch.labels(without: recipe.model.margin)
    let voxels = reference.count
    let outputs = dataset.outputs
    let isIndependent = !outputs.regions.isEmpty
    var mostProbable = [Int](repeating: 0, count: isIndependent ? 0 : voxels)
    output.withUnsafeBufferPointer { p in
      for v in mostProbable.indices {
        for c in 1..<outputs.count where p[c * voxels + v] > p[mostProbable[v] * voxels + v] { mostProbable[v] = c }
      }
    }
    return (isIndependent ? 0..<outputs.count : 1..<outputs.count).map { channel in
      let members = isIndependent ? outputs.regions[channel].members : [channel]
      var (both, total) = (0, 0)
      for v in 0..<voxels where reference[v] >= 0 {
        let a = isIndependent ? output[channel * voxels + v] > 0.5 : mostProbable[v] == channel
        let b = members.contains(Int(reference[v]))
        both += a && b ? 1 : 0
        total += (a ? 1 : 0) + (b ? 1 : 0)
      }
      return TrainingEvent.LabelDice(
        name: outputs.names[channel], dice: total > 0 ? 2 * Double(both) / Double(total) : nil)
    }
  }
}
