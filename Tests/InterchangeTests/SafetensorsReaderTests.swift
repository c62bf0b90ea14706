import Glibc
import Testing

@testable import Interchange

@Suite struct SafetensorsReaderTests {
  /// Written by the reference implementation: `Values/make.py`.
  private let reference =
    #filePath.split(separator: "/").dropLast().reduce("") { $0 + "/" + $1 } + "/Values/python.safetensors"

  @Test func readsWhatTheReferenceWrote() throws {
    let file = try SafetensorsFile.read(reference)
    #expect(
      Set(file.tensors.map(\.name)) == [
        "floats", "doubles", "halves", "brains", "int64s", "bytes", "flags", "scalar", "empty",
      ])
    #expect(file.metadata == ["recipe": "{\"seed\": 1}"])
    #expect(file.info("floats")?.shape == [2, 3])
    #expect(
      try file.floats("floats") == [
        0, -1.5, 3.25, .leastNonzeroMagnitude, .greatestFiniteMagnitude, .infinity,
      ])
    #expect(try file.floats("doubles") == [0.1, .infinity, -2])
    #expect(try file.floats("halves") == [1, -2.5, 65504, Float(Float16(6e-8))])
    #expect(try file.floats("brains") == [1, -3])
    #expect(try file.int32s("int64s") == [1, -2, .max, .min])
    #expect(try file.int32s("bytes") == [0, 127, 255])
    #expect(try file.int32s("flags") == [1, 0])
    #expect(try file.int32s("scalar") == [7])
    #expect(file.info("scalar")?.shape == [])
    #expect(try file.floats("empty") == [])
    #expect(try file.tensor("empty") == TensorData(shape: [0, 3], floats: []))
    #expect(try file.tensor("scalar") == TensorData(shape: [], int32s: [7]))
  }

  @Test func requestsThatCannotBeMetNameTheTensor() throws {
    let file = try SafetensorsFile.read(reference)
    func message(_ body: () throws -> Void) -> String? {
      do { try body() } catch { return (error as? InterchangeError)?.problem }
      return nil
    }
    #expect(
      message { _ = try file.floats("int64s") }
        == "tensor \"int64s\": found I64, expected F32, F16, BF16 or F64")
    #expect(
      message { _ = try file.int32s("floats") }
        == "tensor \"floats\": found F32, expected BOOL, U8, I8, U16, I16, I32 or I64")
    #expect(message { _ = try file.tensor("flaots") } == "has no tensor \"flaots\", did you mean \"floats\"?")
    #expect(message { _ = try file.tensor("x") } == "has no tensor \"x\"")
  }

  @Test func valuesBeyond32BitsAreErrors() throws {
    let folder = try TemporaryFolder()
    let path = folder.path + "/a"
    let values: [Int64] = [0, 1 << 31]
    try SafetensorsWriter.write(
      [("big", TensorData(shape: [2], type: .int64, bytes: values.withUnsafeBytes(Array.init)))], to: path)
    #expect(
      throws: InterchangeError(
        path: path, problem: "tensor \"big\": found 2147483648 at index 1, expected 32 bits")
    ) { try SafetensorsFile.read(path).int32s("big") }
  }

  @Test func piecesJoinAtTheirSeams() throws {
    let folder = try TemporaryFolder()
    let path = folder.path + "/a"
    // More than two pieces of 1 MiB, and data that is not aligned to the elements.
    let values = (0..<700_001).map { UInt16(truncatingIfNeeded: $0 &* 7) & 0x7BFF }
    let doubles = (0..<300_001).map { Double($0) / 8 }
    try SafetensorsWriter.write(
      [
        ("odd", TensorData(shape: [1], type: .uint8, bytes: [9])),
        (
          "halves",
          TensorData(shape: [values.count], type: .float16, bytes: values.withUnsafeBytes(Array.init))
        ),
        (
          "doubles",
          TensorData(shape: [doubles.count], type: .float64, bytes: doubles.withUnsafeBytes(Array.init))
        ),
      ], to: path)
    let file = try SafetensorsFile.read(path)
    #expect(try file.floats("halves") == values.map { Float(Float16(bitPattern: $0)) })
    #expect(try file.floats("doubles") == doubles.map { Float($0) })
    #expect(try file.int32s("odd") == [9])
  }

  @Test func fileThatBecomesShorterIsAnError() throws {
    let folder = try TemporaryFolder()
    let path = folder.path + "/a"
    try SafetensorsWriter.write(
      [("a", TensorData(shape: [100], floats: Array(repeating: 1, count: 100)))], to: path)
    let file = try SafetensorsFile.read(path)
    #expect(truncate(path, 100) == 0)
    #expect(throws: InterchangeError.self) { try file.floats("a") }
    #expect(throws: InterchangeError.self) { try file.tensor("a") }
  }

  @Test func pathsThatAreNoFilesAreErrors() throws {
    let folder = try TemporaryFolder()
    #expect(throws: InterchangeError(path: folder.path, problem: "is no regular file")) {
      try SafetensorsFile.read(folder.path)
    }
    let missing = folder.path + "/missing"
    #expect(throws: InterchangeError(path: missing, problem: "cannot be opened: No such file or directory")) {
      try SafetensorsFile.read(missing)
    }
    // Opening a pipe must not wait for a writer.
    let pipe = folder.path + "/pipe"
    #expect(mkfifo(pipe, 0o600) == 0)
    #expect(throws: InterchangeError(path: pipe, problem: "is no regular file")) {
      try SafetensorsFile.read(pipe)
    }
  }
}
