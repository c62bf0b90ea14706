import ExecutionPlan
import MemoryPlacement

/// One layer's row of the profile.
public struct LayerRecord: Sendable {
  public var name: String
  public var op: String
  /// N×C×D×H×W of its output.
  public var shape: [Int]
  public var parameterBytes: Int
  /// Bytes of the tensors that the layer stores in the forward pass.
  public var activationBytes: Int
  /// Of these, bytes that live until the backward pass.
  public var savedBytes: Int
  /// Largest sum of workspace alive at one step of the layer's calls.
  public var workspaceBytes: Int
  /// The layer's bytes that are alive at the step of the arena's peak.
  public var peakBytesAt: Int
  /// Multiply-adds counted as two, forward and backward.
  public var flops: Int
  /// Label of the call of the backward pass for which the largest saved tensor is kept; empty where nothing is.
  public var keptFor = ""
  /// What dropping the layer's stored tensors after the forward pass, and making them again, would free while they wait.
  public var remakeBytes = 0
  /// What that would take, as a share of the step, by the compiler's model of the device.
  public var remakeTime = 0.0
}

public struct MemorySummary: Sendable {
  public var arenaBytes: Int
  public var lowerBoundBytes: Int
  public var stateBytes: Int
  public var method: String
  public var tensors: [TensorSpan]
  /// What is dropped and made again to stay within a budget; nil where everything fits as it is.
  public var recompute: RecomputeSummary?

  public var peakBytes: Int { arenaBytes + stateBytes }

  /// Scratch bytes alive at each operation.
  public func liveBytes(steps: Int) -> [Int] {
    bytesAlive(tensors.lazy.map { ($0.lower, $0.upper, $0.sizeInBytes) }, steps: steps)
  }

  /// The largest tensors alive at the step with the most bytes, the largest first.
  public func largestAtPeak(_ count: Int) -> [TensorSpan] {
    let live = liveBytes(steps: tensors.map(\.upper).max() ?? 0)
    guard let step = live.indices.max(by: { live[$0] < live[$1] }) else { return [] }
    let alive = tensors.filter { $0.lower <= step && step < $0.upper }
    return Array(alive.sorted { ($1.sizeInBytes, $0.name) < ($0.sizeInBytes, $1.name) }.prefix(count))
  }
}

/// The price of a plan that fits, at the rates of `Lowering.modelledSeconds`.
public struct RecomputeSummary: Sendable {
  /// Names of the tensors that are made again, in order; one that is made twice stands twice.
  public var remade: [String]
  /// Labels of the convolutions that write over their input, slab by slab.
  public var overlaid: [String]
  /// Time of what is made again and of the slabs, as a share of the step without them.
  public var extraTime: Double
  /// The same of the multiply-adds.
  public var extraFLOPs: Double
  /// No choice of what to make again within the same bytes takes less than this share (a bound, not always reached).
  public var leastExtraTime: Double

  /// What is done to fit, for a reader.
  public var text: String {
    func counted(_ count: Int, _ noun: String) -> String { "\(count) \(noun)\(count == 1 ? "" : "s")" }
    var parts: [String] = []
    if !remade.isEmpty { parts.append("\(counted(remade.count, "tensor")) made again") }
    if !overlaid.isEmpty { parts.append("\(counted(overlaid.count, "convolution")) over their input in slabs") }
    return parts.joined(separator: ", ")
  }
}

/// A scratch tensor in time and space: a rectangle of the arena map.
public struct TensorSpan: Sendable {
  public var name: String
  public var layer: String
  public var role: String
  public var lower: Int
  public var upper: Int
  public var sizeInBytes: Int
  public var offsetInBytes: Int
  /// It holds what another one held, made once more to stay within a budget.
  public var isRemade: Bool
}

func tensorSpans(_ lowering: Lowering, _ lifetimes: [Lifetime], _ placement: Placement) -> [TensorSpan] {
  zip(lifetimes, placement.offsetsInBytes).map { lifetime, offset in
    let tensor = lowering.tensors[lifetime.id]
    return TensorSpan(
      name: tensor.name, layer: tensor.layer, role: tensor.role.rawValue, lower: lifetime.lower,
      upper: lifetime.upper, sizeInBytes: tensor.sizeInBytes, offsetInBytes: offset, isRemade: tensor.isRemade)
  }
}

func layerRecords(_ lowering: Lowering, _ lifetimes: [Lifetime], _ placement: Placement) -> [LayerRecord] {
  let calls = lowering.programs.flatMap(\.calls)
  let peak = peakStep(lifetimes, steps: calls.count)
  // Steps from the loss on belong to the backward pass.
  let boundary = calls.firstIndex { $0.pass == .loss } ?? calls.count
  let lastStep = calls.lastIndex { $0.pass == .backward } ?? -1
  var rows: [String: LayerRecord] = [:]
  var order: [String] = []
  func row(_ layer: String) -> LayerRecord {
    if let known = rows[layer] { return known }
    order.append(layer)
    return LayerRecord(
      name: layer, op: layer, shape: [], parameterBytes: 0, activationBytes: 0, savedBytes: 0,
      workspaceBytes: 0, peakBytesAt: 0, flops: 0)
  }
  for node in lowering.graph.nodes {
    var record = row(node.path)
    record.op = node.op.name
    record.shape = node.shape.axes
    record.parameterBytes = node.parameters.reduce(0) { $0 + 4 * lowering.graph.parameters[$1].count }
    rows[node.path] = record
  }
  // With training in the plan, the profile speaks of the training step.
  let steps = lastStep >= 0 ? 0...lastStep : 0...max(0, calls.count - 1)
  for call in calls[steps.clamped(to: 0...max(0, calls.count - 1))] where call.flops > 0 {
    var record = row(call.layer)
    record.flops += call.flops
    rows[call.layer] = record
  }
  var largestSaved: [String: Int] = [:]
  for lifetime in lifetimes where steps.contains(lifetime.lower) {
    let tensor = lowering.tensors[lifetime.id]
    var record = row(tensor.layer)
    switch tensor.role {
    case .activation, .statistics, .input, .output:
      if !tensor.isRemade { record.activationBytes += lifetime.sizeInBytes }
      if lifetime.lower < boundary && lifetime.upper > boundary {
        record.savedBytes += lifetime.sizeInBytes
        if lifetime.sizeInBytes > largestSaved[tensor.layer] ?? 0 {
          largestSaved[tensor.layer] = lifetime.sizeInBytes
          record.keptFor = calls[lifetime.upper - 1].label
        }
      }
    case .workspace:
      record.workspaceBytes = max(record.workspaceBytes, lifetime.sizeInBytes)
    case .gradient, .state: break
    }
    if lifetime.lower <= peak && peak < lifetime.upper { record.peakBytesAt += lifetime.sizeInBytes }
    rows[tensor.layer] = record
  }
  if lastStep >= 0 {
    for (layer, price) in remakePrices(lowering, lifetimes) {
      rows[layer]?.remakeBytes = price.bytes
      rows[layer]?.remakeTime = price.time
    }
  }
  return order.compactMap { rows[$0] }
}

/// By layer: bytes that making its tensors again would free, and the share of the step that it would take.
private func remakePrices(_ lowering: Lowering, _ lifetimes: [Lifetime]) -> [String: (bytes: Int, time: Double)] {
  let model = RecomputeModel(lowering, program: 0, lifetimes: lifetimes)
  let step = lowering.programs[0].calls.reduce(0) { $0 + lowering.modelledSeconds($1) }
  var prices: [String: (bytes: Int, time: Double)] = [:]
  for (item, figures) in zip(model.items, model.problem.items) {
    guard !lowering.tensor(item.tensor).isRemade else { continue }
    let layer = lowering.tensor(item.tensor).layer
    prices[layer, default: (0, 0)].bytes += figures.sizeInBytes
    prices[layer, default: (0, 0)].time += figures.seconds / step
  }
  return prices
}

/// The first step at which the most bytes are alive.
func peakStep(_ lifetimes: [Lifetime], steps: Int) -> Int {
  let live = bytesAlive(lifetimes.lazy.map { ($0.lower, $0.upper, $0.sizeInBytes) }, steps: steps)
  return live.max().flatMap(live.firstIndex) ?? 0
}

/// Bytes alive at each step, of tensors that live in `lower..<upper`.
private func bytesAlive(_ lives: some Sequence<(lower: Int, upper: Int, bytes: Int)>, steps: Int) -> [Int] {
  var change = [Int](repeating: 0, count: steps + 1)
  for life in lives {
    change[min(life.lower, steps)] += life.bytes
    change[min(life.upper, steps)] -= life.bytes
  }
  var live = 0
  return change.dropLast().map {
    live += $0
    return live
  }
}
