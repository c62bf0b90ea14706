import LayerGraph
import Testing

@testable import Interchange

/// From an ONNX file's nodes to layers, and back.
@Suite struct ONNXNetworkTests {
  private let shape = Shape(batch: 1, channels: 2, extent: Extent(4, 6, 8))

  /// Nodes on an input x of 2 channels; the last one's output is the network's.
  private func model(_ nodes: [ONNXNode], _ initializers: [ONNXTensor] = [], opset: Int = 17) -> ONNXModel {
    var model = ONNXModel()
    model.opset = opset
    model.nodes = nodes
    model.initializers = initializers
    model.inputs = [ONNXValueInfo("x", [.named("n"), .fixed(2), .named("d"), .named("h"), .named("w")])]
    model.outputs = [ONNXValueInfo(nodes.last?.outputs.first ?? "x", nil)]
    return model
  }

  private func network(_ model: ONNXModel) throws -> ONNXNetwork {
    try ONNXNetwork(model, path: "net.onnx", input: shape)
  }

  private func refusal(_ model: ONNXModel) -> String {
    let error = #expect(throws: InterchangeError.self) { try network(model) }
    return error?.description ?? ""
  }

  private func integers(_ name: String, _ values: [Int]) -> ONNXTensor {
    ONNXTensor(name, TensorData(shape: [values.count], integers: values))
  }

  private func resize(_ attributes: [String: ONNXAttribute], scale: Float = 2) -> ONNXModel {
    model(
      [ONNXNode("Resize", name: "up", inputs: ["x", "", "s"], outputs: ["y"], attributes: attributes)],
      [ONNXTensor("s", TensorData(shape: [5], floats: [1, 1, scale, scale, scale]))])
  }

  // MARK: Sizes (rule 19 of the conventions)

  @Test func sizesThatFollowFromTheInputAreWorkedOut() throws {
    // The second input's size: Shape → Gather → Unsqueeze → Concat → Resize.
    var nodes = [
      ONNXNode("MaxPool", name: "pool", inputs: ["x"], outputs: ["p"], attributes: [
        "kernel_shape": .integers([2, 2, 2]), "strides": .integers([2, 2, 2]),
      ]),
      ONNXNode("Shape", name: "s", inputs: ["x"], outputs: ["sx"]),
      ONNXNode("Shape", name: "t", inputs: ["p"], outputs: ["sp"]),
      ONNXNode("Slice", name: "u", inputs: ["sp", "zero", "two"], outputs: ["nc"]),
    ]
    for (i, axis) in ["two", "three", "four"].enumerated() {
      nodes.append(ONNXNode("Gather", name: "", inputs: ["sx", axis], outputs: ["g\(i)"]))
    }
    nodes.append(ONNXNode("Concat", name: "c", inputs: ["nc", "g0", "g1", "g2"], outputs: ["size"], attributes: [
      "axis": .integer(0)
    ]))
    nodes.append(ONNXNode("Resize", name: "up", inputs: ["p", "", "", "size"], outputs: ["y"], attributes: [
      "mode": .text("linear")
    ]))
    let axes = [integers("zero", [0]), integers("two", [2]), integers("three", [3]), integers("four", [4])]
    let graph = try network(model(nodes, axes)).graph
    #expect(graph.outputShape == shape)
    #expect(graph.nodes.map(\.op).last == .upsample(.trilinear, factor: 2))
  }

  @Test func aSizeThatDependsOnTheDataNamesItsNode() {
    let nodes = [
      ONNXNode("Relu", name: "relu", inputs: ["x"], outputs: ["r"]),
      ONNXNode("Resize", name: "decoder/up", inputs: ["x", "", "", "r"], outputs: ["y"]),
    ]
    let text = refusal(model(nodes))
    #expect(text.hasPrefix("net.onnx: node \"decoder/up\" (Resize): its size depends on the data"))
  }

  @Test func coordinatesAreHonoured() throws {
    func op(_ coordinates: String, _ mode: String = "linear", _ rounding: String = "floor") throws -> Op? {
      try network(
        resize([
          "mode": .text(mode), "coordinate_transformation_mode": .text(coordinates), "nearest_mode": .text(rounding),
        ])
      ).graph.nodes.last?.op
    }
    #expect(try op("half_pixel") == .upsample(.trilinear, factor: 2))
    #expect(try op("pytorch_half_pixel") == .upsample(.trilinear, factor: 2))
    #expect(try op("align_corners") == .resize(.trilinear, alignsCorners: true))
    #expect(try op("asymmetric", "nearest") == .upsample(.nearest, factor: 2))
    #expect(try op("half_pixel", "nearest", "round_prefer_floor") == .upsample(.nearest, factor: 2))
    for (coordinates, mode, rounding) in [
      ("asymmetric", "linear", "floor"), ("tf_crop_and_resize", "linear", "floor"), ("half_pixel", "cubic", "floor"),
      ("asymmetric", "nearest", "ceil"), ("half_pixel", "nearest", "floor"), ("align_corners", "nearest", "floor"),
    ] {
      let error = #expect(throws: InterchangeError.self) { try op(coordinates, mode, rounding) }
      #expect(error?.description.hasPrefix("net.onnx: node \"up\" (Resize): ") == true)
    }
  }

  @Test func aScaleThatLeavesAFractionIsRefused() throws {
    // 4 voxels by 1.3 are 5.2; by 1.5 they are 6, and 6 and 8 become 9 and 12.
    #expect(refusal(resize(["mode": .text("linear")], scale: 1.3)).contains("expected a whole number of voxels"))
    #expect(try network(resize(["mode": .text("linear")], scale: 1.5)).graph.outputShape.extent == Extent(6, 9, 12))
  }

  @Test func whatAnInferenceExportHasLostIsSaid() throws {
    let relu = ONNXNode("Relu", name: "r", inputs: ["x"], outputs: ["y"])
    let remarks = try network(model([relu])).trainingRemarks
    #expect(remarks.contains { $0.contains("dropout") })
    #expect(remarks.contains { $0.contains("batch norm") })
    let dropout = ONNXNode("Dropout", name: "d", inputs: ["x"], outputs: ["y"], attributes: ["ratio": .number(0.25)])
    let kept = try network(model([dropout], opset: 11))
    #expect(kept.graph.nodes.last?.op == .dropout(probability: 0.25, isSpatial: false))
    #expect(!kept.trainingRemarks.contains { $0.contains("dropout") })
  }

  // MARK: Layers

  @Test func parametersKeepTheInitializersNames() throws {
    let weight = ONNXTensor("features.0.weight", TensorData(shape: [3, 2, 1, 1, 1], floats: [1, 2, 3, 4, 5, 6]))
    let bias = ONNXTensor("features.0.bias", TensorData(shape: [3], floats: [7, 8, 9]))
    let inputs = ["x", weight.name, bias.name]
    let net = try network(
      model([ONNXNode("Conv", name: "", inputs: inputs, outputs: ["y"])], [weight, bias]))
    #expect(net.graph.parameters.map(\.name) == [weight.name, bias.name])
    #expect(net.parameters == [1, 2, 3, 4, 5, 6, 7, 8, 9])
  }

  @Test func aSharedInitializerIsTwoParameters() throws {
    let weight = ONNXTensor("w", TensorData(shape: [2, 2, 1, 1, 1], floats: [1, 2, 3, 4]))
    let nodes = [
      ONNXNode("Conv", name: "a", inputs: ["x", "w"], outputs: ["p"]),
      ONNXNode("Conv", name: "a", inputs: ["p", "w"], outputs: ["y"]),
    ]
    let net = try network(model(nodes, [weight]))
    #expect(net.graph.parameters.map(\.name) == ["w", "w@a_1"])
    #expect(net.parameters == [1, 2, 3, 4, 1, 2, 3, 4])
    #expect(net.trainingRemarks.contains { $0.contains("shares") })
  }

  @Test func whatHasNoLayerIsNamed() {
    let gemm = ONNXNode("Gemm", name: "fc", inputs: ["x"], outputs: ["y"])
    #expect(refusal(model([gemm])) == "net.onnx: node \"fc\" (Gemm): VoxCL has no such layer")
    var foreign = ONNXNode("Relu", name: "r", inputs: ["x"], outputs: ["y"])
    foreign.domain = "com.microsoft"
    #expect(refusal(model([foreign])).contains("of the domain \"com.microsoft\""))
    let dangling = ONNXNode("Relu", name: "r", inputs: ["z"], outputs: ["y"])
    #expect(refusal(model([dangling])).contains("reads \"z\", which nothing before it writes"))
    let pool = ONNXNode("MaxPool", name: "p", inputs: ["x"], outputs: ["y"], attributes: [
      "kernel_shape": .integers([9, 9, 9])
    ])
    // The pool is named, not the convolution behind it, whose channels no longer fit.
    let weight = ONNXTensor("w", TensorData(shape: [1, 2, 1, 1, 1], floats: [1, 1]))
    let conv = ONNXNode("Conv", name: "c", inputs: ["y", "w"], outputs: ["z"])
    let text = refusal(model([pool, conv], [weight]))
    #expect(text.hasPrefix("net.onnx: node \"p\" (MaxPool): ") && text.contains("are smaller than the window 9³"))
    #expect(refusal(model([gemm], opset: 6)) == "net.onnx: is of ONNX opset 6, expected 7 to 24")
  }

  @Test func aLayerThatGivesItsSizeAloneIsLeftOut() throws {
    let pool: [String: ONNXAttribute] = ["kernel_shape": .integers([2, 2, 2]), "strides": .integers([2, 2, 2])]
    let nodes = [
      ONNXNode("MaxPool", name: "size", inputs: ["x"], outputs: ["p"], attributes: pool),
      ONNXNode("AveragePool", name: "kept", inputs: ["x"], outputs: ["q"], attributes: [
        "kernel_shape": .integers([1, 1, 1]), "strides": .integers([4, 2, 2]),
      ]),
      ONNXNode("Shape", name: "s", inputs: ["p"], outputs: ["sp"]),
      ONNXNode("Resize", name: "up", inputs: ["q", "", "", "sp"], outputs: ["y"], attributes: ["mode": .text("linear")]),
    ]
    let graph = try network(model(nodes)).graph
    #expect(graph.nodes.map(\.path) == ["input", "kept", "up"])
    #expect(graph.outputShape.extent == Extent(2, 3, 4))
  }

  @Test func namesThatAreTakenAreMadeUnique() throws {
    let weight = ONNXTensor("output", TensorData(shape: [2], floats: [0, 0]))
    let same = ["x", "output", "output"]
    let nodes = [
      ONNXNode("InstanceNormalization", name: "a_2", inputs: same, outputs: ["p"]),
      ONNXNode("InstanceNormalization", name: "a", inputs: ["p", "output", "output"], outputs: ["q"]),
      ONNXNode("InstanceNormalization", name: "a", inputs: ["q", "output", "output"], outputs: ["r"]),
      ONNXNode("Sum", name: "output", inputs: ["r", "x", "q", "p"], outputs: ["y"]),
    ]
    let net = try network(model(nodes, [weight]))
    #expect(Set(net.graph.parameters.map(\.name)).count == 6)
    #expect(Set(net.graph.nodes.map(\.path)).count == net.graph.nodes.count)
    let file = try ONNXModel(exporting: net.graph, parameters: net.parameters, buffers: [], metadata: [:])
    let written = file.nodes.flatMap(\.outputs) + file.initializers.map(\.name) + ["input"]
    #expect(Set(written).count == written.count)
    #expect(Set(file.nodes.map(\.name)).count == file.nodes.count)
    #expect(try ONNXNetwork(file, path: "again.onnx", input: shape).parameters == net.parameters)
  }

  /// ½·x·(1 + erf(x/√2)), in the three orders that PyTorch has written.
  @Test func geluOfOlderExportersIsOneLayer() throws {
    let constants = [("root", Float(2).squareRoot()), ("one", 1), ("half", 0.5)].map {
      ONNXTensor($0.0, TensorData(shape: [], floats: [$0.1]))
    }
    let start = [
      ONNXNode("Div", name: "d", inputs: ["x", "root"], outputs: ["q"]),
      ONNXNode("Erf", name: "e", inputs: ["q"], outputs: ["f"]),
      ONNXNode("Add", name: "a", inputs: ["f", "one"], outputs: ["s"]),
    ]
    let late = [
      ONNXNode("Mul", name: "m", inputs: ["x", "s"], outputs: ["p"]),
      ONNXNode("Mul", name: "h", inputs: ["p", "half"], outputs: ["y"]),
    ]
    let early = [
      ONNXNode("Mul", name: "h", inputs: ["half", "x"], outputs: ["p"]),
      ONNXNode("Mul", name: "m", inputs: ["p", "s"], outputs: ["y"]),
    ]
    let between = [
      ONNXNode("Mul", name: "h", inputs: ["half", "s"], outputs: ["p"]),
      ONNXNode("Mul", name: "m", inputs: ["x", "p"], outputs: ["y"]),
    ]
    for end in [late, early, between] {
      let graph = try network(model(start + end, constants)).graph
      #expect(graph.nodes.map(\.op) == [.input, .activation(.gelu)])
    }
    // By 2 and not by √2, it is no GELU.
    var other = constants
    other[0] = ONNXTensor("root", TensorData(shape: [], floats: [2]))
    #expect(refusal(model(start + late, other)).contains("(Erf): VoxCL has no such layer"))
    // Nor is half of the sum times something else.
    var product = between
    product[1].inputs = ["q", "p"]
    #expect(refusal(model(start + product, constants)).contains("(Erf): VoxCL has no such layer"))
  }

  /// A nearest voxel by the file's own scale, in ONNX's float32.
  @Test func nearestVoxelsFollowTheScaleGiven() throws {
    let nearest: [String: ONNXAttribute] = [
      "mode": .text("nearest"), "coordinate_transformation_mode": .text("asymmetric"), "nearest_mode": .text("floor"),
    ]
    #expect(refusal(resize(nearest, scale: 2.0001)).contains("takes other voxels"))
    #expect(try network(resize(nearest, scale: 3)).graph.nodes.last?.op == .upsample(.nearest, factor: 3))
    let graph = try Graph("net", input: Shape(batch: 1, channels: 1, extent: 14)) { _, x in
      x.resize(.nearest, to: 4).conv(1, kernel: 1)
    }
    let parameters = Array(repeating: Float(1), count: graph.parameterCount)
    let written = Result { try ONNXModel(exporting: graph, parameters: parameters, buffers: [], metadata: [:]) }
    // 4/14 in float32 takes other voxels; a neighbour of it may do, or else it is refused.
    if let file = try? written.get() {
      #expect(throws: Never.self) { try ONNXNetwork(file, path: "net.onnx", input: graph.inputShape) }
    }
  }

  @Test func constantsAreWorkedOutInTheirOwnType() throws {
    // 100 · 0.29 is 28.999… in float64 and 29 in float32.
    func extent(_ type: Int) throws -> Int {
      let nodes = [
        ONNXNode("Cast", name: "c", inputs: ["share"], outputs: ["t"], attributes: ["to": .integer(type)]),
        ONNXNode("Cast", name: "d", inputs: ["hundred"], outputs: ["h"], attributes: ["to": .integer(type)]),
        ONNXNode("Mul", name: "m", inputs: ["h", "t"], outputs: ["p"]),
        ONNXNode("Floor", name: "f", inputs: ["p"], outputs: ["g"]),
        ONNXNode("Cast", name: "i", inputs: ["g"], outputs: ["n"], attributes: ["to": .integer(7)]),
        ONNXNode("Concat", name: "l", inputs: ["nc", "n", "n", "n"], outputs: ["size"], attributes: ["axis": .integer(0)]),
        ONNXNode("Resize", name: "up", inputs: ["x", "", "", "size"], outputs: ["y"], attributes: ["mode": .text("linear")]),
      ]
      let share = ONNXTensor("share", TensorData(shape: [1], doubles: [0.29]))
      let constants = [share, integers("hundred", [100]), integers("nc", [1, 2])]
      return try network(model(nodes, constants)).graph.outputShape.extent.d
    }
    #expect(try extent(11) == 28)
    #expect(try extent(1) == 29)
  }

  @Test func anInputThatDoesNotFitIsNamed() throws {
    let relu = model([ONNXNode("Relu", name: "r", inputs: ["x"], outputs: ["y"])])
    let wide = Shape(batch: 1, channels: 3, extent: 4)
    let error = #expect(throws: InterchangeError.self) { try ONNXNetwork(relu, path: "net.onnx", input: wide) }
    #expect(error?.description == "net.onnx: its input is any×2×any×any×any, found 1×3×4×4×4")
  }

  /// Every byte of the smallest file, every thirteenth of the larger ones, whose sizes take long ways.
  @Test(arguments: [
    ("typed_lists", Shape(batch: 1, channels: 1, extent: Extent(7, 8, 9)), 1),
    ("resizing_legacy", Shape(batch: 1, channels: 1, extent: Extent(12, 16, 20)), 13),
    ("many_legacy", Shape(batch: 1, channels: 2, extent: 12), 13),
  ])
  func damagedBytesNeverCrash(_ name: String, _ input: Shape, _ step: Int) throws {
    let bytes = try contents(of: "\(ONNXFileTests.folder)/\(name).onnx")
    _ = try ONNXNetwork(ONNXModel(parsing: bytes, path: "a.onnx"), path: "a.onnx", input: input)
    var refused = 0
    for place in stride(from: 0, to: bytes.count, by: step) {
      var damaged = bytes
      damaged[place] ^= [0x01, 0x10, 0x80, 0xFF][place / step % 4]
      do {
        _ = try ONNXNetwork(ONNXModel(parsing: damaged, path: "a.onnx"), path: "a.onnx", input: input)
      } catch {
        refused += 1
      }
    }
    #expect(refused > 100)
  }

  /// Constants that would overflow, or take all memory or time.
  @Test func hostileConstantsAreRefused() {
    let slice = [
      ONNXNode("Slice", name: "s", inputs: ["c", "a", "b", "z", "t"], outputs: ["n"]),
      ONNXNode("Resize", name: "up", inputs: ["x", "", "", "n"], outputs: ["y"]),
    ]
    let steps = [integers("c", [1, 2, 3]), integers("a", [-1]), integers("b", [0]), integers("z", [0])]
    #expect(refusal(model(slice, steps + [integers("t", [.min])])).contains("(Slice)"))
    var empty = model([ONNXNode("Relu", name: "r", inputs: ["x"], outputs: ["y"])])
    empty.initializers = [ONNXTensor("e", TensorData(shape: [1 << 60, 0], type: .int64, bytes: []))]
    #expect(throws: InterchangeError.self) { try ONNXModel(parsing: empty.bytes, path: "net.onnx") }
    let filled = [
      ONNXNode("ConstantOfShape", name: "f", inputs: ["c"], outputs: ["n"], attributes: [
        "value": .tensor(ONNXTensor("", TensorData(shape: [0], type: .int64, bytes: [])))
      ]),
      ONNXNode("Resize", name: "up", inputs: ["x", "", "", "n"], outputs: ["y"]),
    ]
    #expect(refusal(model(filled, [integers("c", [5])])).contains("expected one element"))
    let vast = Shape(batch: 1, channels: 2, extent: Extent(.max, 1, 1))
    #expect(throws: InterchangeError.self) {
      try ONNXNetwork(model([ONNXNode("Relu", name: "r", inputs: ["x"], outputs: ["y"])]), path: "net.onnx", input: vast)
    }
  }
}
