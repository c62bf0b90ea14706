/// The content of an ONNX file, as far as VoxCL reads and writes it (onnx.proto of the ONNX project).
public struct ONNXModel: Sendable, Equatable {
  public var irVersion = 8
  /// Of the default domain, whose operators alone are known here.
  public var opset = 17
  public var producer = ""
  public var producerVersion = ""
  public var name = ""
  /// In an order in which each reads only what came before it.
  public var nodes: [ONNXNode] = []
  public var initializers: [ONNXTensor] = []
  /// Initializers that older files list here too are among them.
  public var inputs: [ONNXValueInfo] = []
  public var outputs: [ONNXValueInfo] = []
  public var metadata: [String: String] = [:]

  public init() {}
}

public struct ONNXNode: Sendable, Equatable {
  /// May be empty, and need not be unique.
  public var name: String
  /// `Conv`.
  public var op: String
  /// Empty: ONNX's own.
  public var domain = ""
  /// Names of values; an empty one is an input that was left out.
  public var inputs: [String]
  public var outputs: [String]
  public var attributes: [String: ONNXAttribute]

  public init(
    _ op: String, name: String, inputs: [String], outputs: [String], attributes: [String: ONNXAttribute] = [:]
  ) {
    self.op = op
    self.name = name
    self.inputs = inputs
    self.outputs = outputs
    self.attributes = attributes
  }
}

public enum ONNXAttribute: Sendable, Equatable {
  case integer(Int)
  case number(Float)
  case text(String)
  case integers([Int])
  case numbers([Float])
  case tensor(ONNXTensor)
  /// A kind that no known operator has: graphs, types, sparse tensors.
  case other
}

public struct ONNXTensor: Sendable, Equatable {
  public var name: String
  public var data: TensorData

  public init(_ name: String, _ data: TensorData) {
    self.name = name
    self.data = data
  }
}

/// Name, type and shape of an input or output.
public struct ONNXValueInfo: Sendable, Equatable {
  public enum Axis: Sendable, Equatable {
    case fixed(Int)
    /// Of any extent; the name may be empty.
    case named(String)
  }
  public var name: String
  /// Nil where the file does not say it, or has another kind of value.
  public var axes: [Axis]?

  public init(_ name: String, _ axes: [Axis]?) {
    self.name = name
    self.axes = axes
  }
}

extension TensorDataType {
  /// `TensorProto.DataType`.
  var onnxCode: Int? {
    switch self {
    case .float32: 1
    case .uint8: 2
    case .int8: 3
    case .uint16: 4
    case .int16: 5
    case .int32: 6
    case .int64: 7
    case .bool: 9
    case .float16: 10
    case .float64: 11
    case .uint32: 12
    case .uint64: 13
    case .bfloat16: 16
    case .float8E5M2, .float8E4M3, .float8E8M0, .complex64: nil
    }
  }

  init?(onnxCode: Int) {
    guard let type = Self.allCases.first(where: { $0.onnxCode == onnxCode }) else { return nil }
    self = type
  }
}
