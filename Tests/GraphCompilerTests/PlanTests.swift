import CPUBackend
import ExecutionPlan
import FoundationEssentials
import GraphCompiler
import KernelCatalog
import LayerGraph
import MemoryPlacement
import Testing
import Training

/// What a plan promises before it runs.
@Suite struct PlanTests {
  @Test(arguments: DirectionalDerivativeTests.networks, Precision.allCases)
  func sameInputsGiveTheSameBytes(
    _ network: DirectionalDerivativeTests.Network, _ precision: Precision
  ) throws {
    func bytes() throws -> Data {
      let encoder = JSONEncoder()
      encoder.outputFormatting = .sortedKeys
      return try encoder.encode(compilation(network, precision).plan)
    }
    #expect(try bytes() == bytes())
  }

  @Test(arguments: DirectionalDerivativeTests.networks, Precision.allCases)
  func placementIsValid(_ network: DirectionalDerivativeTests.Network, _ precision: Precision) throws {
    let compilation = try compilation(network, precision)
    let spans = compilation.memory.tensors
    let lifetimes = spans.enumerated().map { index, span in
      Lifetime(
        id: index, lower: span.lower, upper: span.upper, sizeInBytes: span.sizeInBytes, alignmentInBytes: 256)
    }
    let placement = Placement(
      offsetsInBytes: spans.map(\.offsetInBytes), arenaInBytes: compilation.memory.arenaBytes,
      lowerBoundInBytes: compilation.memory.lowerBoundBytes, method: compilation.memory.method,
      provenOptimal: false)
    #expect(validate(placement, of: lifetimes).isEmpty)
    #expect(!spans.isEmpty)
    try KernelCatalog.check(compilation.plan)
  }

  /// The validator trusts the compiler's lifetimes; this reads them off the calls.
  @Test(arguments: DirectionalDerivativeTests.networks, Precision.allCases)
  func callsReadOnlyLivingTensors(
    _ network: DirectionalDerivativeTests.Network, _ precision: Precision
  ) throws {
    let compilation = try compilation(network, precision)
    var step = 0
    var checked = 0
    for program in compilation.plan.programs {
      for call in program.calls {
        for (slot, offset) in try operands(call, of: compilation.plan) where call.arenas[slot] != 0 {
          let isAlive = compilation.memory.tensors.contains { span in
            span.lower <= step && step < span.upper && span.offsetInBytes <= offset
              && offset < span.offsetInBytes + span.sizeInBytes
          }
          #expect(isAlive, "\(program.name) \(call.label): nothing lives at \(offset)")
          checked += 1
        }
        step += 1
      }
    }
    #expect(checked > 10)
  }

  /// Slot and byte offset of every operand of a call.
  private func operands(_ call: Call, of plan: ExecutionPlan) throws -> [(slot: Int, offset: Int)] {
    let name = plan.kernels[call.kernel].name
    let interface = try #require(KernelCatalog.all.first { $0.name == name })
    var words = Array(call.words.prefix(interface.operands.count))
    if interface.readsSegments {
      let perSegment = SegmentWord.keep1.rawValue + 1
      for first in stride(from: interface.segmentsAt, to: call.words.count, by: SegmentWord.count) {
        words += call.words[first..<first + perSegment]
      }
    }
    return words.filter { $0 != Call.absentOperand }.map { ($0 >> 56, $0 & (1 << 56 - 1)) }
  }

  private func compilation(
    _ network: DirectionalDerivativeTests.Network, _ precision: Precision
  ) throws -> Compilation {
    let shape = Shape(
      batch: network.input[0], channels: network.input[1], extent: Extent(Array(network.input[2...])))
    let graph = try Graph(network.name, input: shape, network.declare)
    let options = try TestNetworks.training(network.loss, dropout: true) {
      $0.predicts = true
      $0.precision = precision
      $0.training?.differentiatesInput = true
    }
    return try compile(graph, options: options, device: CPUDevice().description)
  }
}
