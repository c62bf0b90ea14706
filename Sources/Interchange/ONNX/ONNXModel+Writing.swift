extension ONNXModel {
  /// The file's bytes. Equal models give equal bytes.
  public var bytes: [UInt8] {
    var graph = ProtobufMessage()
    for node in nodes { graph.data(1, node.message) }
    graph.text(2, name)
    for tensor in initializers { graph.data(5, tensor.message) }
    for value in inputs { graph.data(11, value.message) }
    for value in outputs { graph.data(12, value.message) }

    var operators = ProtobufMessage()
    operators.text(1, "")
    operators.integer(2, opset)

    var model = ProtobufMessage()
    model.integer(1, irVersion)
    model.text(2, producer)
    model.text(3, producerVersion)
    model.data(7, graph.bytes)
    model.data(8, operators.bytes)
    for (key, value) in metadata.sorted(by: { $0.key < $1.key }) {
      var entry = ProtobufMessage()
      entry.text(1, key)
      entry.text(2, value)
      model.data(14, entry.bytes)
    }
    return model.bytes
  }

  /// Protocol buffers end at 2 GiB.
  static let mostBytes = Int(Int32.max)

  /// Writes the file under a temporary name and renames it.
  /// - Throws: `InterchangeError` where it cannot be written, or would be larger than ONNX files can be.
  public func write(to path: String) throws(InterchangeError) {
    let bytes = bytes
    guard bytes.count <= Self.mostBytes else {
      throw InterchangeError(path: path, problem: "would take \(bytes.count) bytes; an ONNX file has at most 2 GiB")
    }
    let file = try AtomicFile(path)
    try file.write(bytes)
    try file.commit()
  }
}

extension ONNXNode {
  fileprivate var message: [UInt8] {
    var node = ProtobufMessage()
    for input in inputs { node.text(1, input) }
    for output in outputs { node.text(2, output) }
    node.text(3, name)
    node.text(4, op)
    for (key, value) in attributes.sorted(by: { $0.key < $1.key }) { node.data(5, value.message(named: key)) }
    if !domain.isEmpty { node.text(7, domain) }
    return node.bytes
  }
}

extension ONNXAttribute {
  fileprivate func message(named name: String) -> [UInt8] {
    var attribute = ProtobufMessage()
    attribute.text(1, name)
    // Field 20 says which of the others holds the value.
    switch self {
    case .number(let value):
      attribute.float(2, value)
      attribute.integer(20, 1)
    case .integer(let value):
      attribute.integer(3, value)
      attribute.integer(20, 2)
    case .text(let value):
      attribute.text(4, value)
      attribute.integer(20, 3)
    case .tensor(let value):
      attribute.data(5, value.message)
      attribute.integer(20, 4)
    case .numbers(let values):
      for value in values { attribute.float(7, value) }
      attribute.integer(20, 6)
    case .integers(let values):
      for value in values { attribute.integer(8, value) }
      attribute.integer(20, 7)
    case .other:
      break
    }
    return attribute.bytes
  }
}

extension ONNXTensor {
  fileprivate var message: [UInt8] {
    guard let code = data.type.onnxCode else {
      preconditionFailure("internal: \(data.type.rawValue) is no type of an ONNX tensor")
    }
    var tensor = ProtobufMessage()
    for extent in data.shape { tensor.integer(1, extent) }
    tensor.integer(2, code)
    tensor.text(8, name)
    tensor.data(9, data.bytes)
    return tensor.bytes
  }
}

extension ONNXValueInfo {
  /// A float32 tensor.
  fileprivate var message: [UInt8] {
    var shape = ProtobufMessage()
    for axis in axes ?? [] {
      var dimension = ProtobufMessage()
      switch axis {
      case .fixed(let extent): dimension.integer(1, extent)
      case .named(let name): dimension.text(2, name)
      }
      shape.data(1, dimension.bytes)
    }
    var tensor = ProtobufMessage()
    tensor.integer(1, 1)
    if axes != nil { tensor.data(2, shape.bytes) }
    var type = ProtobufMessage()
    type.data(1, tensor.bytes)
    var value = ProtobufMessage()
    value.text(1, name)
    value.data(2, type.bytes)
    return value.bytes
  }
}
