import CPUBackend
import ExecutionPlan
import GraphCompiler
import LayerGraph
import Models
import Testing
import Training

/// Less memory costs time, never a bit.
@Suite struct MemoryBudgetTests {
  /// The built-in networks, narrow and small, with all of their layers.
  static let networks: [(name: String, input: Shape, base: Int)] = [
    ("unet3d", Shape(batch: 1, channels: 1, extent: 16), 16),
    ("S0", Shape(batch: 1, channels: 1, extent: 92), 4),
    ("S0-2D", Shape(batch: 2, channels: 1, extent: Extent(1, 92, 92)), 8),
    ("S1-as-text", Shape(batch: 1, channels: 1, extent: Extent(16, 32, 32)), 16),
    ("S2", Shape(batch: 1, channels: 1, extent: 32), 16),
    ("S3", Shape(batch: 1, channels: 1, extent: 32), 16),
    ("S4", Shape(batch: 1, channels: 1, extent: 32), 16),
    ("R1", Shape(batch: 1, channels: 1, extent: Extent(64, 32, 32)), 8),
    ("R2", Shape(batch: 1, channels: 1, extent: Extent(64, 32, 32)), 8),
  ]

  private func graph(_ network: (name: String, input: Shape, base: Int)) throws -> Graph {
    try #require(BuiltInModel.named(network.name)).graph(input: network.input, base: network.base)
  }

  private func options(_ graph: Graph, _ precision: Precision) throws -> CompilerOptions {
    let isSigmoid = graph.nodes[graph.output].op == .activation(.sigmoid)
    return try TestNetworks.training(isSigmoid ? "bce" : "dice-ce", dropout: true) { $0.precision = precision }
  }

  private func batch(_ graph: Graph) -> MicroBatch {
    let out = graph.outputShape
    let input = (0..<graph.inputShape.count).map { Float(($0 * 7919) % 251) / 125 - 1 }
    return MicroBatch(
      input: input,
      target: graph.nodes[graph.output].op == .activation(.sigmoid)
        ? .channels((0..<out.count).map { Float($0 / 7 % 2) })
        : .classes((0..<out.batch * out.extent.count).map { Int32($0 / 7 % out.channels) }))
  }

  @Test(arguments: networks.indices, Precision.allCases)
  func anyBudgetGivesTheSameBits(_ index: Int, _ precision: Precision) throws {
    let graph = try graph(Self.networks[index])
    var options = try options(graph, precision)
    let device = try CPUDevice()
    let curve = try memoryTimeCurve(of: graph, options: options, device: device.description)
    try #require(curve.count > 1, "nothing can be made again")
    let batch = batch(graph)
    let whole = try TestNetworks.gradients(TestNetworks.session(graph, options), batch)
    for budget in [curve[curve.count / 2].bytes, curve.last!.bytes] {
      options.memoryBudget = budget
      let compilation = try compile(graph, options: options, device: device.description)
      #expect(compilation.plan.allocatedBytes <= budget)
      #expect(compilation.memory.recompute?.text.isEmpty == false)
      let session = try TestNetworks.session(graph, options)
      #expect(session.loaded.allocatedBytes == compilation.plan.allocatedBytes)
      let fitted = try TestNetworks.gradients(session, batch)
      #expect(fitted.loss.bitPattern == whole.loss.bitPattern)
      #expect(fitted.values.map(\.bitPattern) == whole.values.map(\.bitPattern))
    }
  }

  @Test(arguments: networks.indices)
  func moreMemoryIsNeverSlowerAndLessNeverLarger(_ index: Int) throws {
    let graph = try graph(Self.networks[index])
    var options = try options(graph, .fp32)
    let device = try CPUDevice().description
    let curve = try memoryTimeCurve(of: graph, options: options, device: device)
    for (larger, smaller) in zip(curve, curve.dropFirst()) {
      #expect(smaller.bytes < larger.bytes)
      #expect(smaller.extraTime >= larger.extraTime)
    }
    let full = curve[0].bytes
    let least = curve.last!.bytes
    var time = -1.0
    var bytes = Int.max
    for i in 0...8 {
      options.memoryBudget = full - (full - least) * i / 8
      let compilation = try compile(graph, options: options, device: device)
      let extra = compilation.memory.recompute?.extraTime ?? 0
      #expect(extra >= time)
      #expect(extra >= (compilation.memory.recompute?.leastExtraTime ?? 0) - 1e-12)
      #expect(compilation.plan.allocatedBytes <= min(bytes, options.memoryBudget!))
      (time, bytes) = (extra, compilation.plan.allocatedBytes)
    }
  }

  @Test(arguments: networks.indices)
  func smallAllocationsGiveTheSameBits(_ index: Int) throws {
    let graph = try graph(Self.networks[index])
    var options = try options(graph, .fp32)
    let device = try CPUDevice()
    var small = device.description
    let whole = try compile(graph, options: options, device: small)
    let largest = (whole.memory.tensors.map(\.sizeInBytes) + whole.plan.tensors.map(\.sizeInBytes)).max()!
    small.maxAllocationBytes = (largest + 255) / 256 * 256
    let batch = batch(graph)
    let expected = try TestNetworks.gradients(TestNetworks.session(graph, options), batch)
    for budget in [nil, (whole.plan.allocatedBytes * 99) / 100] {
      options.memoryBudget = budget
      let plan = try compile(graph, options: options, device: small).plan
      #expect(plan.arenas.count > whole.plan.arenas.count)
      #expect(plan.arenas.allSatisfy { $0.sizeInBytes <= small.maxAllocationBytes })
      let session = try TrainingSession(
        device.load(plan), parameters: initialParameters(of: graph, seed: 3), optimizer: OptimizerSettings(), seed: 5)
      let found = try TestNetworks.gradients(session, batch)
      #expect(found.loss.bitPattern == expected.loss.bitPattern)
      #expect(found.values.map(\.bitPattern) == expected.values.map(\.bitPattern))
    }
    small.maxAllocationBytes = largest / 512 * 256
    let error = #expect(throws: CompilerError.self) { try compile(graph, options: options, device: small) }
    #expect(error?.problem.contains("in one allocation") == true)
  }

  @Test func aBudgetThatIsTooSmallNamesTheLeastThatWorks() throws {
    let graph = try graph(Self.networks[0])
    var options = try options(graph, .fp32)
    let device = try CPUDevice().description
    options.memoryBudget = 1000
    let error = #expect(throws: CompilerError.self) { try compile(graph, options: options, device: device) }
    let least = try #require(error?.leastBytes)
    #expect(error?.description.contains("1000 bytes") == true)
    options.memoryBudget = least
    #expect(try compile(graph, options: options, device: device).plan.allocatedBytes == least)
    options.memoryBudget = least - 1
    #expect(throws: CompilerError.self) { try compile(graph, options: options, device: device) }
  }
}
