import VoxCL

/// What an ONNX file holds, and whether VoxCL has a layer for all of it.
struct ONNXInspection: Encodable {
  struct Tensor: Encodable {
    var name: String
    var shape: [Int]
  }
  var file: String
  var producer: String
  var opset: Int
  /// Extents, or the names of free axes.
  var input: String
  var outputs: [String]
  /// How many nodes each operator has.
  var operators: [String: Int]
  var metadata: [String: String]
  /// The input at which its layers were read.
  var readAt: [Int]
  var parameterCount = 0
  /// Initializers of layers, in the order in which their layers stand.
  var parameters: [Tensor] = []
  var remarks: [String] = []

  init(_ model: ONNXModel, file: String, at input: Shape) {
    self.file = file
    producer = model.producer + (model.producerVersion.isEmpty ? "" : " \(model.producerVersion)")
    opset = model.opset
    self.input = model.inputText
    outputs = model.outputs.map { "\($0.name) \(ONNXModel.text($0.axes ?? []))" }
    operators = model.nodes.reduce(into: [:]) { $0[$1.op, default: 0] += 1 }
    metadata = model.metadata
    readAt = input.axes
  }

  mutating func add(_ network: ONNXNetwork) {
    parameterCount = network.graph.parameterCount
    parameters = network.graph.parameters.map { Tensor(name: $0.name, shape: $0.shape) }
    remarks = network.remarks + network.trainingRemarks
  }
}

/// Prints it; throws where the file is unsound or VoxCL lacks a layer.
func inspectONNX(_ file: String, json: Bool) throws {
  let model = try ONNXModel.read(file)
  let shape = model.trialInput
  var inspection = ONNXInspection(model, file: file, at: shape)
  let network = Result { try ONNXNetwork(model, path: file, input: shape) }
  if case .success(let network) = network { inspection.add(network) }
  if json {
    try printJSON(inspection)
  } else {
    let operators = inspection.operators.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }
    print("\(file): ONNX opset \(model.opset) by \(inspection.producer.isEmpty ? "nobody named" : inspection.producer)")
    print("input \(inspection.input), read at \(shape); output \(inspection.outputs.joined(separator: ", "))")
    print("\(operators.joined(separator: ", ")); \(inspection.parameterCount) parameters")
    for (key, value) in model.metadata.sorted(by: { $0.key < $1.key }) { print("\(key): \(value)") }
    for remark in inspection.remarks { print("note: \(remark)") }
    if !inspection.parameters.isEmpty {
      print("")
      printTable(
        ["parameter", "shape"],
        inspection.parameters.map { [$0.name, $0.shape.map(String.init).joined(separator: "×")] })
    }
  }
  _ = try network.get()
}

extension ONNXModel {
  /// The file's own input, free axes filled: batch and channels 1, extents 64 or what VoxCL's metadata asks for.
  fileprivate var trialInput: Shape {
    func extent(_ key: String, _ axis: Int) -> Int? {
      let numbers = metadata[key]?.split(separator: ",").compactMap { Int($0) } ?? []
      return numbers.count == 3 && (0...65_536).contains(numbers[axis]) ? numbers[axis] : nil
    }
    let axes = inputAxes.count == 5 ? inputAxes : Array(repeating: .named(""), count: 5)
    let extents = axes.enumerated().map { axis, given -> Int in
      if case .fixed(let extent) = given, (1...65_536).contains(extent) { return extent }
      guard axis > 1 else { return 1 }
      let multiple = max(1, extent("voxcl.divisor", axis - 2) ?? 64)
      let whole = (64 + multiple - 1) / multiple * multiple
      return whole + (extent("voxcl.remainder", axis - 2) ?? 0) + 2 * (extent("voxcl.margin", axis - 2) ?? 0)
    }
    return Shape(batch: extents[0], channels: extents[1], extent: Extent(Array(extents[2...])))
  }
}
