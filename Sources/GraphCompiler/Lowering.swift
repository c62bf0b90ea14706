import ExecutionPlan
import KernelCatalog
import LayerGraph

/// The plan in the making: tensors without places and the programs' calls. Passes extend it, one file each.
final class Lowering {
  let graph: Graph
  let options: CompilerOptions
  let device: DeviceDescription
  let consumers: [[Int]]
  private(set) var tensors: [VirtualTensor] = []
  private(set) var stateBytes = 0
  var program = ScheduledProgram(name: .predict)
  var programs: [ScheduledProgram] = []
  var convolutions: [ConvolutionSite] = []
  /// Of stored tensors, where the convolution that wrote them left them.
  var statistics: [TensorID: ChunkStatistics] = [:]
  /// First element of each graph parameter in the flat arrays.
  let parameterOffsets: [Int]
  var buffers: [ParameterRecord] = []
  var bufferOffsets: [String: Int] = [:]

  // State tensors.
  var scalars = TensorID(index: 0)
  var weights = TensorID(index: 0)
  var gradients = TensorID(index: 0)
  var moments: [TensorID] = []
  var classWeights: TensorID?
  var bufferStorage: TensorID?
  /// Names under which a host finds scratch tensors, by tensor index.
  private(set) var exported: [Int: String] = [:]

  init(graph: Graph, options: CompilerOptions, device: DeviceDescription) {
    self.graph = graph
    self.options = options
    self.device = device
    consumers = graph.consumers()
    var offsets: [Int] = []
    var next = 0
    for parameter in graph.parameters {
      offsets.append(next)
      next += parameter.count
    }
    parameterOffsets = offsets
  }

  /// Groups of a memory-bound call: enough to balance any device of its class.
  var groups: Int { device.kind == .cpu ? max(8, 4 * device.computeUnits) : 64 * max(1, device.computeUnits) }

  func tensor(_ id: TensorID) -> VirtualTensor { tensors[id.index] }

  func scratch(
    _ name: String, _ shape: [Int], _ layout: Layout = .flat, _ type: ScalarType = .float32,
    role: VirtualTensor.Role, layer: String
  ) -> TensorID {
    tensors.append(
      VirtualTensor(
        name: name, shape: shape, layout: layout, type: type,
        sizeInBytes: Layout.bytes(shape, layout, type), role: role, layer: layer))
    return TensorID(index: tensors.count - 1)
  }

  func markRemade(_ id: TensorID) { tensors[id.index].isRemade = true }

  func state(_ name: String, _ count: Int, type: ScalarType = .float32) -> TensorID {
    let bytes = count * type.sizeInBytes
    tensors.append(
      VirtualTensor(
        name: name, shape: [count], layout: .flat, type: type, sizeInBytes: bytes, role: .state,
        layer: "", stateOffset: stateBytes))
    stateBytes += (bytes + 255) / 256 * 256
    return TensorID(index: tensors.count - 1)
  }

  /// How a node's value is stored: planar up to 8 channels (padding to 16 would cost more than blocks save).
  func layout(channels: Int) -> Layout { channels <= 8 ? .planar : .blocked }
  /// Half where the plan is mixed and the tensor is blocked; planar tensors are inputs, logits and maps.
  func type(_ layout: Layout) -> ScalarType {
    options.precision == .mixed && layout == .blocked ? .float16 : .float32
  }

  /// Supervised outputs whose loss counts.
  var supervised: [SupervisedOutput] { graph.supervised.filter { $0.weight > 0 } }

  /// Appends a call whose defines and words are given by name and checked against the catalogue.
  func emit(
    _ interface: KernelInterface, _ node: String, _ pass: Call.Pass, _ what: String,
    defines: [(String, Int)] = [], operands: [(String, Word)], integers: [(String, Word)],
    segments: [LazySegment] = [], groups: Int? = nil, flops: Int = 0
  ) {
    var all = defines
    if interface.readsSegments {
      all.append(("SEGMENTS", segments.count))
      for i in 0..<KernelInterface.maximumSegments {
        all.append(("SEGMENT\(i)", i < segments.count ? segments[i].flags.bits : 0))
      }
    }
    precondition(all.map(\.0) == interface.defines, "internal: defines of \(interface.name): \(all.map(\.0))")
    precondition(operands.map(\.0) == interface.operands, "internal: operands of \(interface.name)")
    precondition(integers.map(\.0) == interface.integers, "internal: integers of \(interface.name)")
    let words = operands.map(\.1) + integers.map(\.1) + segments.flatMap(\.words)
    var traffic = 0
    var seen: Set<TensorID> = []
    for case .operand(let id, _) in words where seen.insert(id).inserted {
      if tensor(id).role != .state { traffic += tensor(id).sizeInBytes }
    }
    program.calls.append(
      ScheduledCall(
        kernel: Kernel(name: interface.name, defines: all.map { Define($0.0, $0.1) }), words: words,
        groups: groups ?? self.groups, layer: node, pass: pass, label: "\(node) \(what)", flops: flops,
        traffic: traffic))
  }

  /// Keeps a tensor to the program's end under this name.
  func export(_ id: TensorID, as name: String) {
    exported[id.index] = name
    program.outputs.append(id)
  }

  /// Biases that training never moves.
  var zeroGradientParameters: Set<Int> {
    Set(graph.nodes.filter(dropsBias).map { $0.parameters[1] })
  }

  func operand(_ id: TensorID?) -> Word { id.map { .operand($0, offsetInBytes: 0) } ?? .absent }
  /// A parameter's place in the flat weights or gradients.
  func parameter(_ index: Int?, in array: TensorID, elements: Int = 0) -> Word {
    guard let index else { return .absent }
    return .operand(array, offsetInBytes: 4 * (parameterOffsets[index] + elements))
  }
  func integers(_ names: [String], _ values: [Int]) -> [(String, Word)] {
    zip(names, values).map { ($0, .integer($1)) }
  }
}
