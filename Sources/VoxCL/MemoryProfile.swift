import ExecutionPlan
import GraphCompiler
import LayerGraph
import Training

/// What a plan needs, layer by layer; with a device also what it takes.
public struct MemoryProfile: Codable, Sendable {
  public var model: String
  public var precision: String
  public var mode: String
  public var input: [Int]
  public var device: String?
  /// Inputs, targets, state, activations, gradients and workspace: all that a device allocates.
  public var predictedPeakBytes: Int
  /// Most bytes alive at one step, plus the state: no placement needs less.
  public var lowerBoundBytes: Int
  /// Counted at the device's interface; nil without a run.
  public var allocatedBytes: Int?
  /// Host arrays of one batch and of the parameters while they are handed over.
  public var hostPeakBytes: Int
  public var parameterBytes: Int
  /// Parameters, gradients, moments, running statistics, scalars.
  public var stateBytes: Int
  public var secondsPerStep: Double?
  /// What the device reaches at most; nil without a run.
  public var limits: DeviceLimits?
  public var layers: [Layer]
  /// What is done to stay within a memory budget; nil where everything fits.
  public var recompute: Recompute?
  /// Ways to run the step, the fastest first; nil unless asked for.
  public var curve: [CurvePoint]?
  /// Each call of the step with its time; nil unless asked for.
  public var calls: [TimedCall]?

  /// Shares are of the step without a budget, by the compiler's model of the device.
  public struct Recompute: Codable, Sendable {
    /// Tensors that are made again.
    public var remade: [String]
    /// Convolutions that write over their input, slab by slab.
    public var overlaid: [String]
    public var extraTime, leastExtraTime, extraFLOPs: Double
  }

  public struct CurvePoint: Codable, Sendable {
    /// All that the device allocates.
    public var bytes: Int
    public var extraTime, extraFLOPs: Double
  }

  public struct Layer: Codable, Sendable {
    public var name: String
    public var op: String
    public var shape: [Int]
    public var parameterBytes: Int
    public var activationBytes: Int
    public var savedBytes: Int
    public var workspaceBytes: Int
    public var peakBytesAt: Int
    public var flops: Int
    /// The call of the backward pass that the largest saved tensor waits for; empty where nothing is saved.
    public var keptFor: String
    /// What making the layer's tensors again would free while they wait, and take as a share of the step.
    public var remakeBytes: Int
    public var remakeTime: Double
    public var forwardSeconds: Double?
    public var backwardSeconds: Double?
    /// The least seconds that `limits` allow, over the seconds taken. Operations are those of the direct algorithm:
    /// Winograd, which needs fewer, may be above 1, and so may a tensor that a cache still holds.
    public var shareOfLimit: Double?
  }
}

/// A call with the time it took: for finding what to make faster.
public struct TimedCall: Codable, Sendable {
  public var label: String
  public var kernel: String
  public var seconds: Double
  public var flops: Int
  public var traffic: Int
}

extension MemoryProfile {
  public init(_ compilation: Compilation, graph: Graph, mode: String) {
    let plan = compilation.plan
    let out = graph.outputShape
    model = graph.name
    precision = plan.precision.rawValue
    self.mode = mode
    input = graph.inputShape.axes
    predictedPeakBytes = plan.allocatedBytes
    lowerBoundBytes = compilation.memory.lowerBoundBytes + compilation.memory.stateBytes
    parameterBytes = 4 * graph.parameterCount
    stateBytes = compilation.memory.stateBytes
    let target = mode == "train" && !graph.endsInSigmoid ? out.batch * out.extent.count : out.count
    hostPeakBytes = parameterBytes + 4 * (graph.inputShape.count + target)
    recompute = compilation.memory.recompute.map {
      Recompute(
        remade: $0.remade, overlaid: $0.overlaid, extraTime: $0.extraTime, leastExtraTime: $0.leastExtraTime,
        extraFLOPs: $0.extraFLOPs)
    }
    layers = compilation.layers.map {
      Layer(
        name: $0.name, op: $0.op, shape: $0.shape, parameterBytes: $0.parameterBytes,
        activationBytes: $0.activationBytes, savedBytes: $0.savedBytes, workspaceBytes: $0.workspaceBytes,
        peakBytesAt: $0.peakBytesAt, flops: $0.flops, keptFor: $0.keptFor, remakeBytes: $0.remakeBytes,
        remakeTime: $0.remakeTime)
    }
  }

  /// The memory–time curve of a network's training step.
  public static func curve(
    _ graph: Graph, _ options: CompilerOptions, _ device: DeviceDescription
  ) throws -> [CurvePoint] {
    try memoryTimeCurve(of: graph, options: options, device: device).map {
      CurvePoint(bytes: $0.bytes, extraTime: $0.extraTime, extraFLOPs: $0.extraFLOPs)
    }
  }

  /// Runs one step (or one forward pass) on a device: allocated bytes, and the median seconds of each call over
  /// `repeats` runs after one to warm up.
  public mutating func measure(
    _ compilation: Compilation, graph: Graph, on device: any Device, repeats: Int = 3
  ) throws -> [TimedCall] {
    let limits = try DeviceLimits.measure(on: device, mostBytes: compilation.plan.allocatedBytes)
    self.limits = limits
    let run = try BenchmarkRun(compilation, graph: graph, on: device)
    self.device = device.description.id
    allocatedBytes = run.loaded.allocatedBytes
    try run.step()
    let calls = run.calls
    let runs = try (0..<repeats).map { _ in try run.profile() }
    let medians = calls.indices.map { i in runs.map { $0[i] }.sorted()[repeats / 2] }
    fill(calls, medians, limits)
    secondsPerStep = medians.reduce(0, +)
    return zip(calls, medians).map { call, seconds in
      TimedCall(
        label: call.label, kernel: compilation.plan.kernels[call.kernel].name, seconds: seconds, flops: call.flops,
        traffic: call.traffic)
    }
  }

  private mutating func fill(_ calls: [Call], _ seconds: [Double], _ limits: DeviceLimits) {
    var forward: [String: Double] = [:]
    var backward: [String: Double] = [:]
    var least: [String: Double] = [:]
    for (call, time) in zip(calls, seconds) {
      least[call.layer, default: 0] += limits.leastSeconds(flops: call.flops, traffic: call.traffic)
      if call.pass == .forward {
        forward[call.layer, default: 0] += time
      } else {
        backward[call.layer, default: 0] += time
      }
    }
    for i in layers.indices {
      layers[i].forwardSeconds = forward[layers[i].name] ?? 0
      layers[i].backwardSeconds = backward[layers[i].name] ?? 0
      let taken = (forward[layers[i].name] ?? 0) + (backward[layers[i].name] ?? 0)
      layers[i].shareOfLimit = taken > 0 ? (least[layers[i].name] ?? 0) / taken : nil
    }
  }
}
