import Testing

@testable import Interchange

/// ONNX files as bytes: what is written is read again, and what is damaged is refused.
@Suite struct ONNXFileTests {
  static let folder = #filePath.split(separator: "/").dropLast(2).reduce("") { $0 + "/" + $1 } + "/Values/onnx"

  @Test func whatIsWrittenIsReadAgain() throws {
    var model = ONNXModel()
    model.producer = "voxcl"
    model.name = "net"
    model.metadata = ["voxcl.divisor": "8,8,8", "leer": ""]
    model.inputs = [ONNXValueInfo("x", [.named("n"), .fixed(1), .named("d"), .named("h"), .named("w")])]
    model.outputs = [ONNXValueInfo("y", nil)]
    let weight = ONNXTensor("w", TensorData(shape: [2, 1], floats: [1.5, -.infinity]))
    model.initializers = [weight, ONNXTensor("sizes", TensorData(shape: [2], integers: [-3, .max]))]
    let attributes: [String: ONNXAttribute] = [
      "none": .integer(0), "last": .integer(.min), "alpha": .number(0.25), "mode": .text("linear"), "empty": .integers([]),
      "pads": .integers([0, -1, 1 << 40]), "scales": .numbers([1, 2.5]), "value": .tensor(weight),
    ]
    model.nodes = [ONNXNode("Conv", name: "", inputs: ["x", "", "w"], outputs: ["y"], attributes: attributes)]
    let read = try ONNXModel(parsing: model.bytes, path: "net.onnx")
    #expect(read == model)
    #expect(read.bytes == model.bytes)
  }

  @Test func elementsMayLieInAFileBeside() throws {
    let beside = try ONNXModel.read("\(Self.folder)/beside.onnx")
    let inside = try ONNXModel.read("\(Self.folder)/typed_lists.onnx")
    #expect(beside.initializers == inside.initializers)
    #expect(inside.initializers.map(\.name) == ["w", "h", "s"])
    #expect(inside.initializers[1].data.type == .float16)
  }

  @Test func aFileOutsideTheFolderIsNotRead() throws {
    let bytes = try contents(of: "\(Self.folder)/beside.onnx")
    func refusal(_ name: String) -> String {
      let error = #expect(throws: InterchangeError.self) {
        try ONNXModel(parsing: replaced(bytes, "beside.data", by: name), path: "\(Self.folder)/beside.onnx")
      }
      return error?.description ?? ""
    }
    for name in ["../side.dat", "/eside.data", "a/../b.data"] {
      #expect(refusal(name).contains("lies in \"\(name)\", expected a file beside the model"))
    }
    #expect(refusal("beside.none").contains("beside.none: cannot be opened"))
  }

  /// By a name of the same length, so that the lengths around it stay right.
  private func replaced(_ bytes: [UInt8], _ old: String, by new: String) -> [UInt8] {
    let (from, to) = (Array(old.utf8), Array(new.utf8))
    precondition(from.count == to.count)
    var result = bytes
    for start in bytes.indices.dropLast(from.count - 1) where bytes[start...].starts(with: from) {
      result.replaceSubrange(start..<start + from.count, with: to)
    }
    return result
  }

  @Test func aFileThatIsCutOffIsRefused() throws {
    let bytes = try contents(of: "\(Self.folder)/typed_lists.onnx")
    for count in 0..<bytes.count {
      #expect(throws: InterchangeError.self) { try ONNXModel(parsing: Array(bytes[..<count]), path: "cut.onnx") }
    }
  }

  @Test func aTensorWithTooFewElementsIsRefused() throws {
    var model = ONNXModel()
    model.initializers = [ONNXTensor("w", TensorData(shape: [3], type: .float32, bytes: [0, 0, 0, 0]))]
    let error = #expect(throws: InterchangeError.self) { try ONNXModel(parsing: model.bytes, path: "a.onnx") }
    #expect(error?.description == "a.onnx: initializer \"w\" of shape [3] holds 4 bytes, expected 12")
  }

  @Test func otherFilesAreNamed() throws {
    for bytes: [UInt8] in [[], Array("not an ONNX file at all".utf8), Array(repeating: 0, count: 64)] {
      let error = #expect(throws: InterchangeError.self) { try ONNXModel(parsing: bytes, path: "a.onnx") }
      #expect(error?.description.hasPrefix("a.onnx: is no") == true)
    }
    #expect(throws: InterchangeError.self) { try ONNXModel.read("/nowhere/a.onnx") }
  }
}
