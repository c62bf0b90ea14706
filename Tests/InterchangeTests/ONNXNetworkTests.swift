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
    let remarks = try network(model([relu])).remarks
    #expect(remarks.contains { $0.contains("dropout") })
    #expect(remarks.contains { $0.contains("batch norm") })
    let dropout = ONNXNode("Dropout", name: "d", inputs: ["x"], outputs: ["y"], attributes: ["ratio": .number(0.25)])
    let kept = try network(model([dropout], opset: 11))
    #expect(kept.graph.nodes.last?.op == .dropout(probability: 0.25, isSpatial: false))
    #expect(!kept.remarks.contains { $0.contains("dropout") })
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
    #expect(net.remarks.contains { $0.contains("shares") })
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
    #expect(refusal(model([pool])).contains("are smaller than the window 9³"))
  }

  @Test func anInputThatDoesNotFitIsNamed() throws {
    let relu = model([ONNXNode("Relu", name: "r", inputs: ["x"], outputs: ["y"])])
    let wide = Shape(batch: 1, channels: 3, extent: 4)
    let error = #expect(throws: InterchangeError.self) { try ONNXNetwork(relu, path: "net.onnx", input: wide) }
    #expect(error?.description == "net.onnx: its input is any×2×any×any×any, found 1×3×4×4×4")
  }

  @Test func damagedBytesNeverCrash() throws {
    let bytes = try contents(of: "\(ONNXFileTests.folder)/typed_lists.onnx")
    let input = Shape(batch: 1, channels: 1, extent: Extent(7, 8, 9))
    _ = try ONNXNetwork(ONNXModel(parsing: bytes, path: "a.onnx"), path: "a.onnx", input: input)
    var refused = 0
    for place in bytes.indices {
      for change: UInt8 in [0x01, 0x10, 0x80, 0xFF] {
        var damaged = bytes
        damaged[place] ^= change
        do {
          _ = try ONNXNetwork(ONNXModel(parsing: damaged, path: "a.onnx"), path: "a.onnx", input: input)
        } catch is InterchangeError {
          refused += 1
        }
      }
    }
    #expect(refused > bytes.count / 2)
  }
}
