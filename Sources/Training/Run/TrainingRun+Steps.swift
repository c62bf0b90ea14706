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
      if isEarlyStopped {
        end = .earlyStop
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

  /// Hands the step's learning rate and limits of batch renorm to the session; a new stage starts its schedule.
  private func startStep(_ number: Int) -> StepPlan {
    if recipe.plan(ofStep: number).firstStep == number && number > 0 {
      progress.plateau = PlateauState()
      progress.watchedLoss = LossMean()
    }
    let plan = recipe.plan(ofStep: number, plateauFactor: progress.plateau.factor)
    session.optimizer.learningRate = plan.learningRate
    session.renormLimits = plan.renormLimits
    return plan
  }

  private func step(_ pipeline: BatchPipeline) throws -> TrainingEvent.StepFigures {
    let start = clock()
    let number = progress.step
    let count = recipe.sampler.microBatches
    let plan = startStep(number)
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
      seconds: clock() - start, waitSeconds: waited, stage: plan.stage,
      renormLimits: plan.stage.map { _ in plan.renormLimits })
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
    progress.loss.add(Double(figures.loss))
    progress.watchedLoss.add(Double(figures.loss))
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
      if !dataset.validation.isEmpty {
        try validate(steers: isScheduled, validating)
      } else if isScheduled {
        steer(nil)
      }
    }
    if step % training.checkpointEvery == 0 || isScheduled || step == lastStep { try writeCheckpoint(.last) }
  }
}
