/// What a device runs: a plain value. Memory is planned to the byte, kernels are named with their
/// specialisation, programs are lists of kernel calls. The same plan runs on every backend.
public struct ExecutionPlan: Sendable, Codable, Equatable {
  /// The model's name and the input's N×C×D×H×W, for messages and reports.
  public var model: String
  public var precision: Precision
  /// Arena 0 holds the state (parameters, gradients, moments, scalars); the others are scratch. A
  /// device allocates these and nothing else.
  public var arenas: [Arena]
  /// Every distinct specialisation once; calls refer to it by index.
  public var kernels: [Kernel]
  public var programs: [Program]
  /// Tensors that a host reads or writes by name, and those that a report lists.
  public var tensors: [StoredTensor]
  public var parameters: [ParameterRecord]
  /// Batch-norm running statistics and other state that a checkpoint keeps beside the parameters.
  public var buffers: [ParameterRecord]

  public init(
    model: String, precision: Precision, arenas: [Arena], kernels: [Kernel], programs: [Program],
    tensors: [StoredTensor], parameters: [ParameterRecord], buffers: [ParameterRecord]
  ) {
    self.model = model
    self.precision = precision
    self.arenas = arenas
    self.kernels = kernels
    self.programs = programs
    self.tensors = tensors
    self.parameters = parameters
    self.buffers = buffers
  }

  /// The bytes that a device allocates for this plan.
  public var allocatedBytes: Int { arenas.reduce(0) { $0 + $1.sizeInBytes } }

  public func tensor(_ name: String) -> StoredTensor? { tensors.first { $0.name == name } }
  public func program(_ name: ProgramName) -> Program? { programs.first { $0.name == name } }
}

/// What is stored in 16 bits: nothing, or activations and their gradients (arithmetic, statistics,
/// losses and optimizer state stay in fp32).
public enum Precision: String, Sendable, Codable, CaseIterable {
  case fp32, mixed
}

/// One contiguous allocation.
public struct Arena: Sendable, Codable, Equatable {
  public var name: String
  public var sizeInBytes: Int
  public init(name: String, sizeInBytes: Int) {
    self.name = name
    self.sizeInBytes = sizeInBytes
  }
}

/// A place in an arena. Never a sub-buffer: their base alignment differs between drivers.
public struct ArenaAddress: Sendable, Codable, Equatable, Hashable {
  public var arena: Int
  public var offsetInBytes: Int
  public init(arena: Int, offsetInBytes: Int) {
    self.arena = arena
    self.offsetInBytes = offsetInBytes
  }
}

public enum ScalarType: String, Sendable, Codable {
  case float32, float16, int32, uint16
  public var sizeInBytes: Int {
    switch self {
    case .float32, .int32: 4
    case .float16, .uint16: 2
    }
  }
}

/// How the elements of an N×C×D×H×W tensor lie in memory.
public enum Layout: String, Sendable, Codable {
  /// N × ⌈C/16⌉ × D × H × W × 16; lanes beyond C hold zero.
  case blocked
  /// N × C × D × H × W.
  case planar
  /// A plain array; the shape is only for reading.
  case flat
}

/// A tensor with its place: name, shape, layout, type and address.
public struct StoredTensor: Sendable, Codable, Equatable {
  public var name: String
  /// N, C, D, H, W (any rank when the layout is flat).
  public var shape: [Int]
  public var layout: Layout
  public var type: ScalarType
  public var address: ArenaAddress
  public var sizeInBytes: Int

  public init(
    name: String, shape: [Int], layout: Layout, type: ScalarType, address: ArenaAddress,
    sizeInBytes: Int
  ) {
    self.name = name
    self.shape = shape
    self.layout = layout
    self.type = type
    self.address = address
    self.sizeInBytes = sizeInBytes
  }
}

/// A parameter's place in the flat fp32 arrays of weights, gradients and moments.
public struct ParameterRecord: Sendable, Codable, Equatable {
  /// Path that survives edits of the model: `encoder.0/conv.1/weight`.
  public var name: String
  /// Canonical order: O I D H W for convolutions, I O D H W for transposed ones.
  public var shape: [Int]
  /// First element in the flat array.
  public var offsetInElements: Int
  /// A bias that a norm follows: its gradient is exactly zero.
  public var hasZeroGradient: Bool

  public init(name: String, shape: [Int], offsetInElements: Int, hasZeroGradient: Bool = false) {
    self.name = name
    self.shape = shape
    self.offsetInElements = offsetInElements
    self.hasZeroGradient = hasZeroGradient
  }

  public var count: Int { shape.reduce(1, *) }
}
