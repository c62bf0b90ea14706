import ExecutionPlan
import GraphCompiler

/// The targets of one micro-batch.
public enum Target: Sendable {
  /// N×D×H×W class indices; negative ones count nowhere.
  case classes([Int32])
  /// N×C×D×H×W values of independent channels.
  case channels([Float])
}

public struct MicroBatch: Sendable {
  /// N×C×D×H×W.
  public var input: [Float]
  public var target: Target

  public init(input: [Float], target: Target) {
    self.input = input
    self.target = target
  }
}

/// What one optimizer step did.
public struct StepResult: Sendable {
  /// Mean over the micro-batches, unscaled.
  public var loss: Float
  /// Norm of the unscaled gradient before clipping.
  public var gradientNorm: Float
  public var lossScale: Float
  /// A gradient was not finite: nothing moved.
  public var wasSkipped: Bool
}

/// A network in training on a device: a loaded plan with its parameters, optimizer state and scalars.
public final class TrainingSession {
  public let loaded: any LoadedPlan
  public var optimizer: OptimizerSettings
  public let lossScale: LossScaleSettings
  public private(set) var seed: UInt64
  /// Of batch renorm; may change from step to step.
  public var renormLimits = RenormLimits()
  private var scalars = [UInt32](repeating: 0, count: Scalar.count)

  public var plan: ExecutionPlan { loaded.plan }

  /// - Parameters:
  ///   - initialScale: 1 for fp32; the plan moves it where it was compiled with a dynamic loss scale.
  public init(
    _ loaded: any LoadedPlan, parameters: [Float], optimizer: OptimizerSettings,
    lossScale: LossScaleSettings = LossScaleSettings(), initialScale: Double = 1, seed: UInt64 = 0,
    classWeights: [Double]? = nil
  ) throws {
    self.loaded = loaded
    self.optimizer = optimizer
    self.lossScale = lossScale
    self.seed = seed
    try write(parameters, to: "weights")
    if let classWeights { try write(classWeights.map(Float.init), to: "classWeights") }
    try resetBuffers()
    set(.lossScale, Float(initialScale))
    try writeAllScalars()
  }

  // MARK: Steps

  /// One optimizer step over micro-batches: their gradients' mean, then the update.
  /// - Parameter step: number of the step from 0; with the seed it fixes the dropout.
  public func step(_ microBatches: [MicroBatch], step: Int) throws -> StepResult {
    for (index, batch) in microBatches.enumerated() {
      try accumulate(batch, index: index, of: microBatches.count, step: step)
    }
    try loaded.run(.update)
    return try result()
  }

  /// Forward, loss and backward of one micro-batch; no update.
  public func accumulate(_ batch: MicroBatch, index: Int, of count: Int, step: Int) throws {
    try writeInputs(batch)
    set(.microBatch, bits: UInt32(index))
    set(.microBatchWeight, Float(1 / Double(count)))
    set(.step, bits: UInt32(truncatingIfNeeded: step))
    try writeHostScalars()
    try loaded.run(.accumulate)
  }

  /// Loads a micro-batch without running anything, for measurements.
  public func writeInputs(_ batch: MicroBatch) throws {
    try write(batch.input, to: "input")
    switch batch.target {
    case .classes(let classes): try write(classes, to: "target")
    case .channels(let channels): try write(channels, to: "target")
    }
  }

  public func result() throws -> StepResult {
    let values: [UInt32] = try read("scalars")
    func float(_ scalar: Scalar) -> Float { Float(bitPattern: values[scalar.rawValue]) }
    return StepResult(
      loss: float(.loss), gradientNorm: float(.gradientNorm), lossScale: float(.lossScale),
      wasSkipped: values[Scalar.skipped.rawValue] != 0)
  }

  // MARK: State

  /// Flat arrays in declaration order: weights, moments, batch-norm statistics, device-kept scalars.
  public struct State: Sendable, Equatable {
    public var weights: [Float]
    public var moments: [[Float]]
    public var buffers: [Float]
    public var deviceScalars: [UInt32]
  }

  public func state() throws -> State {
    let all: [UInt32] = try read("scalars")
    var moments: [[Float]] = []
    while plan.tensor("moment.\(moments.count)") != nil { moments.append(try read("moment.\(moments.count)")) }
    return State(
      weights: try read("weights"), moments: moments,
      buffers: plan.tensor("buffers") == nil ? [] : try read("buffers"),
      deviceScalars: Array(all[Scalar.lossScale.rawValue...]))
  }

  public func restore(_ state: State) throws {
    try write(state.weights, to: "weights")
    for (index, moment) in state.moments.enumerated() { try write(moment, to: "moment.\(index)") }
    if !state.buffers.isEmpty { try write(state.buffers, to: "buffers") }
    for (index, value) in state.deviceScalars.enumerated() {
      scalars[Scalar.lossScale.rawValue + index] = value
    }
    try writeAllScalars()
  }

  /// Gradients of the micro-batches so far, unscaled.
  public func gradients() throws -> [Float] {
    let all: [UInt32] = try read("scalars")
    let scale = Float(bitPattern: all[Scalar.lossScale.rawValue])
    let raw: [Float] = try read("gradients")
    return raw.map { $0 / scale }
  }

  /// The forward pass alone, with running statistics and without dropout: N×C×D×H×W.
  public func predict(_ input: [Float]) throws -> [Float] {
    try write(input, to: "predict/input")
    try loaded.run(.predict)
    return try read("output")
  }

  private func resetBuffers() throws {
    guard plan.tensor("buffers") != nil else { return }
    try write(initialBuffers(plan), to: "buffers")
  }

  // MARK: Memory

  public func write<Element>(_ values: [Element], to name: String) throws {
    try loaded.write(values, to: name)
  }
  public func read<Element>(_ name: String) throws -> [Element] { try loaded.read(name) }

  private func set(_ scalar: Scalar, _ value: Float) { scalars[scalar.rawValue] = value.bitPattern }
  private func set(_ scalar: Scalar, bits: UInt32) { scalars[scalar.rawValue] = bits }

  private func fillHostScalars() {
    set(.learningRate, Float(optimizer.learningRate))
    set(.beta1, Float(optimizer.beta1))
    set(.beta2, Float(optimizer.beta2))
    set(.epsilon, Float(optimizer.epsilon))
    set(.coupledDecay, Float(optimizer.coupledDecay))
    set(.decoupledDecay, Float(optimizer.decoupledDecay))
    set(.clipNorm, Float(optimizer.clipNorm))
    set(.logBeta1, Float(naturalLog(optimizer.beta1)))
    set(.logBeta2, Float(naturalLog(optimizer.beta2)))
    set(.seedLow, bits: UInt32(truncatingIfNeeded: seed))
    set(.seedHigh, bits: UInt32(truncatingIfNeeded: seed >> 32))
    set(.scaleGrowth, Float(lossScale.growth))
    set(.scaleBackoff, Float(lossScale.backoff))
    set(.scaleInterval, bits: UInt32(lossScale.interval))
    set(.kerasEpsilon, optimizer.hasKerasEpsilon ? 1 : 0)
    set(.renormRMax, Float(renormLimits.rMax))
    set(.renormDMax, Float(renormLimits.dMax))
  }

  private func writeAllScalars() throws {
    fillHostScalars()
    try write(scalars, to: "scalars")
  }

  /// The device keeps the second half.
  private func writeHostScalars() throws {
    fillHostScalars()
    guard let tensor = plan.tensor("scalars") else { preconditionFailure("internal: no scalars") }
    try scalars.prefix(Scalar.lossScale.rawValue).withUnsafeBytes { try loaded.write($0, to: tensor.address) }
  }
}
