import Glibc

extension ONNXModel {
  /// Reads a file, and the files beside it in which it keeps large tensors.
  /// - Throws: `InterchangeError` where it cannot be read or is no sound ONNX file.
  public static func read(_ path: String) throws(InterchangeError) -> ONNXModel {
    let decoder = ONNXDecoder(path: path)
    return try decoder.model(decoder.contents(of: path, from: 0, count: nil, most: mostBytes)[...])
  }

  /// - Parameter path: for messages, and to find files beside it.
  public init(parsing bytes: [UInt8], path: String) throws(InterchangeError) {
    self = try ONNXDecoder(path: path).model(bytes[...])
  }
}

/// Messages of an ONNX file. Fields that are not known are passed over, as the format asks.
struct ONNXDecoder {
  typealias Value = ProtobufReader.Value
  var path: String

  func failure(_ problem: String) -> InterchangeError { InterchangeError(path: path, problem: problem) }

  /// Hands out each field of a message.
  func forEachField(
    _ bytes: ArraySlice<UInt8>, of what: String, _ body: (Int, Value) throws(InterchangeError) -> Void
  ) throws(InterchangeError) {
    var reader = ProtobufReader(bytes)
    while let (field, value) = reader.next() { try body(field, value) }
    guard reader.isAtEnd else { throw failure("is no sound ONNX file: \(what) is cut off or damaged") }
  }

  func data(_ value: Value, _ what: String) throws(InterchangeError) -> ArraySlice<UInt8> {
    guard case .data(let bytes) = value else { throw failure("is no sound ONNX file: \(what) has another type") }
    return bytes
  }

  func integer(_ value: Value, _ what: String) throws(InterchangeError) -> Int {
    guard case .integer(let bits) = value else {
      throw failure("is no sound ONNX file: \(what) has another type")
    }
    return Int(truncatingIfNeeded: bits)
  }

  func text(_ value: Value, _ what: String) throws(InterchangeError) -> String {
    String(decoding: try data(value, what), as: UTF8.self)
  }

  /// Repeated numbers: one a field, or all in one ("packed").
  func integers(_ value: Value, _ what: String) throws(InterchangeError) -> [Int] {
    guard case .data(let bytes) = value else { return [try integer(value, what)] }
    guard let numbers = ProtobufReader.packedIntegers(bytes) else {
      throw failure("is no sound ONNX file: \(what) is cut off")
    }
    return numbers.map { Int(truncatingIfNeeded: $0) }
  }

  func floats(_ value: Value, _ what: String) throws(InterchangeError) -> [Float] {
    switch value {
    case .fixed32(let bits): return [Float(bitPattern: bits)]
    case .data(let bytes) where bytes.count % 4 == 0:
      return bytes.withUnsafeBytes { memory in
        (0..<memory.count / 4).map {
          Float(bitPattern: UInt32(littleEndian: memory.loadUnaligned(fromByteOffset: 4 * $0, as: UInt32.self)))
        }
      }
    default: throw failure("is no sound ONNX file: \(what) has another type")
    }
  }

  func model(_ bytes: ArraySlice<UInt8>) throws(InterchangeError) -> ONNXModel {
    var model = ONNXModel()
    model.irVersion = 0
    model.opset = 0
    var hasGraph = false
    try forEachField(bytes, of: "the model") { (field, value) throws(InterchangeError) in
      switch field {
      case 1: model.irVersion = try integer(value, "ir_version")
      case 2: model.producer = try text(value, "producer_name")
      case 3: model.producerVersion = try text(value, "producer_version")
      case 7:
        hasGraph = true
        try readGraph(data(value, "graph"), into: &model)
      case 8: try readOperatorSet(data(value, "opset_import"), into: &model)
      case 14:
        let (key, text) = try pair(data(value, "metadata_props"))
        model.metadata[key] = text
      default: break
      }
    }
    guard hasGraph, model.irVersion > 0 else { throw failure("is no ONNX file: it holds no graph") }
    guard model.opset > 0 else { throw failure("is no sound ONNX file: it names no version of ONNX's operators") }
    return model
  }

  private func readOperatorSet(_ bytes: ArraySlice<UInt8>, into model: inout ONNXModel) throws(InterchangeError) {
    var (domain, version) = ("", 0)
    try forEachField(bytes, of: "opset_import") { (field, value) throws(InterchangeError) in
      if field == 1 { domain = try text(value, "domain") }
      if field == 2 { version = try integer(value, "version") }
    }
    if ["", "ai.onnx"].contains(domain) { model.opset = version }
  }

  func pair(_ bytes: ArraySlice<UInt8>) throws(InterchangeError) -> (String, String) {
    var (key, text) = ("", "")
    try forEachField(bytes, of: "a pair of texts") { (field, value) throws(InterchangeError) in
      if field == 1 { key = try self.text(value, "key") }
      if field == 2 { text = try self.text(value, "value") }
    }
    return (key, text)
  }

  private func readGraph(_ bytes: ArraySlice<UInt8>, into model: inout ONNXModel) throws(InterchangeError) {
    try forEachField(bytes, of: "the graph") { (field, value) throws(InterchangeError) in
      switch field {
      case 1: model.nodes.append(try node(data(value, "node")))
      case 2: model.name = try text(value, "name")
      case 5: model.initializers.append(try tensor(data(value, "initializer")))
      case 11: model.inputs.append(try valueInfo(data(value, "input")))
      case 12: model.outputs.append(try valueInfo(data(value, "output")))
      case 15: throw failure("holds sparse initializers, which VoxCL does not read")
      default: break
      }
    }
  }

  private func node(_ bytes: ArraySlice<UInt8>) throws(InterchangeError) -> ONNXNode {
    var node = ONNXNode("", name: "", inputs: [], outputs: [])
    try forEachField(bytes, of: "a node") { (field, value) throws(InterchangeError) in
      switch field {
      case 1: node.inputs.append(try text(value, "input"))
      case 2: node.outputs.append(try text(value, "output"))
      case 3: node.name = try text(value, "name")
      case 4: node.op = try text(value, "op_type")
      case 5:
        let (name, attribute) = try attribute(data(value, "attribute"))
        node.attributes[name] = attribute
      case 7: node.domain = try text(value, "domain")
      default: break
      }
    }
    return node
  }

  private func attribute(_ bytes: ArraySlice<UInt8>) throws(InterchangeError) -> (String, ONNXAttribute) {
    var name = ""
    var kind = 0
    var found: ONNXAttribute?
    var (integers, numbers): ([Int], [Float]) = ([], [])
    try forEachField(bytes, of: "an attribute") { (field, value) throws(InterchangeError) in
      switch field {
      case 1: name = try text(value, "name")
      case 2: found = .number(try floats(value, "f").first ?? 0)
      case 3: found = .integer(try integer(value, "i"))
      case 4: found = .text(try text(value, "s"))
      case 5: found = .tensor(try tensor(data(value, "t")))
      case 7: numbers += try floats(value, "floats")
      case 8: integers += try self.integers(value, "ints")
      case 20: kind = try integer(value, "type")
      default: break
      }
    }
    // The kind tells an empty list from a value that was left out because it is 0.
    switch kind {
    case 1: return (name, found ?? .number(0))
    case 2: return (name, found ?? .integer(0))
    case 3: return (name, found ?? .text(""))
    case 6: return (name, .numbers(numbers))
    case 7: return (name, .integers(integers))
    default:
      if !integers.isEmpty { return (name, .integers(integers)) }
      if !numbers.isEmpty { return (name, .numbers(numbers)) }
      return (name, found ?? .other)
    }
  }

  private func valueInfo(_ bytes: ArraySlice<UInt8>) throws(InterchangeError) -> ONNXValueInfo {
    var info = ONNXValueInfo("", nil)
    // ValueInfoProto.type → TypeProto.tensor_type → Tensor.shape → TensorShapeProto.dim
    try forEachField(bytes, of: "an input or output") { (field, value) throws(InterchangeError) in
      if field == 1 { info.name = try text(value, "name") }
      guard field == 2 else { return }
      try forEachField(data(value, "type"), of: "a type") { (field, value) throws(InterchangeError) in
        guard field == 1 else { return }
        try forEachField(data(value, "tensor_type"), of: "a type") { (field, value) throws(InterchangeError) in
          guard field == 2 else { return }
          var axes: [ONNXValueInfo.Axis] = []
          try forEachField(data(value, "shape"), of: "a shape") { (field, value) throws(InterchangeError) in
            if field == 1 { axes.append(try axis(data(value, "dim"))) }
          }
          info.axes = axes
        }
      }
    }
    return info
  }

  private func axis(_ bytes: ArraySlice<UInt8>) throws(InterchangeError) -> ONNXValueInfo.Axis {
    var axis = ONNXValueInfo.Axis.named("")
    try forEachField(bytes, of: "a shape") { (field, value) throws(InterchangeError) in
      if field == 1 { axis = .fixed(try integer(value, "dim_value")) }
      if field == 2 { axis = .named(try text(value, "dim_param")) }
    }
    return axis
  }
}
