import Glibc
import Testing

@testable import Interchange

@Suite struct SafetensorsWriterTests {
  private let tensors: [(name: String, tensor: TensorData)] = [
    (
      "floats",
      TensorData(
        shape: [2, 3], floats: [0, -1.5, 3.25, .leastNonzeroMagnitude, .greatestFiniteMagnitude, .infinity])
    ),
    (
      "doubles",
      TensorData(shape: [3], type: .float64, bytes: [0.1, 1e300, -2.0].withUnsafeBytes(Array.init))
    ),
    (
      "halves",
      TensorData(
        shape: [4], type: .float16,
        bytes: [1.0, -2.5, 65504.0, 6e-8].map { Float16($0) }.withUnsafeBytes(Array.init))
    ),
    (
      "int64s",
      TensorData(
        shape: [2, 2], type: .int64,
        bytes: [1, -2, 1 << 31 - 1, -(1 << 31)].map { Int64($0) }.withUnsafeBytes(Array.init))
    ),
    ("bytes", TensorData(shape: [3], type: .uint8, bytes: [0, 127, 255])),
    ("flags", TensorData(shape: [2], type: .bool, bytes: [1, 0])),
    ("scalar", TensorData(shape: [], int32s: [7])),
    ("empty", TensorData(shape: [0, 3], floats: [])),
  ]
  private let metadata = ["zürich": "Ü \"quoted\" \\ \n", "a": "1"]

  @Test func roundTrip() throws {
    let folder = try TemporaryFolder()
    // Where the variable is set, `Values/make.py FILE` can check the file with the reference implementation.
    let path = getenv("VOXCL_TEST_OUTPUT").map { String(cString: $0) } ?? folder.path + "/a.safetensors"
    try SafetensorsWriter.write(tensors, metadata: metadata, to: path)
    let file = try SafetensorsFile.read(path)
    #expect(file.tensors.map(\.name) == tensors.map(\.name))
    #expect(file.metadata == metadata)
    for (name, tensor) in tensors { #expect(try file.tensor(name) == tensor) }
  }

  @Test func bytesAreThoseOfTheFormat() throws {
    let folder = try TemporaryFolder()
    let path = folder.path + "/a"
    try SafetensorsWriter.write(
      [("b\"", TensorData(shape: [1], type: .uint8, bytes: [5])), ("a", TensorData(shape: [], floats: [1]))],
      metadata: ["z": "1", "B": "2", "a": "3"], to: path)
    let header =
      #"{"__metadata__":{"B":"2","a":"3","z":"1"},"b\"":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"#
      + #""a":{"dtype":"F32","shape":[],"data_offsets":[1,5]}}"#
    let padded = header + String(repeating: " ", count: (8 - header.utf8.count % 8) % 8)
    #expect(
      try contents(of: path)
        == [UInt8(padded.utf8.count), 0, 0, 0, 0, 0, 0, 0] + Array(padded.utf8) + [5, 0, 0, 0x80, 0x3F])
    #expect(folder.names == ["a"])
  }

  @Test func fullDiskLeavesTheOldFileAndNothingElse() throws {
    let folder = try TemporaryFolder()
    let path = folder.path + "/a"
    try write([1, 2, 3], to: path)
    for room in [0, 10, 200] {
      var left = room
      let file = try AtomicFile(path) { descriptor, bytes, count in
        if left == 0 {
          errno = ENOSPC
          return -1
        }
        // Short writes are legal, and what a full disk does first.
        let taken = Glibc.write(descriptor, bytes, min(left, count, 7))
        left -= taken
        return taken
      }
      #expect(folder.names.count == 2)
      let expected = InterchangeError(path: path, problem: "cannot be written: No space left on device")
      #expect(throws: expected) {
        for _ in 0..<10 { try file.write([UInt8](repeating: 0, count: 100)) }
      }
      #expect(folder.names == ["a"])
      #expect(try contents(of: path) == [1, 2, 3])
    }
  }

  @Test func unfinishedWriterLeavesNothing() throws {
    let folder = try TemporaryFolder()
    do {
      let writer = try SafetensorsWriter(
        path: folder.path + "/a", entries: [.init(name: "a", type: .float32, shape: [2])])
      #expect(folder.names.count == 1)
      #expect(throws: InterchangeError.self) { try writer.append("a", [Float(1)]) }
      #expect(folder.names == [])
    }
    do {
      let writer = try SafetensorsWriter(
        path: folder.path + "/b", entries: [.init(name: "a", type: .float32, shape: [2])])
      try writer.append("a", [Float(1), 2])
    }
    #expect(folder.names == [])
  }

  @Test func replacedFileKeepsItsPermissions() throws {
    let folder = try TemporaryFolder()
    let path = folder.path + "/a"
    try write([1], to: path)
    #expect(chmod(path, 0o640) == 0)
    try SafetensorsWriter.write([], to: path)
    var status = stat()
    #expect(stat(path, &status) == 0)
    #expect(status.st_mode & 0o777 == 0o640)
    #expect(try SafetensorsFile.read(path).tensors == [])
  }

  @Test func mistakesAreErrors() throws {
    let folder = try TemporaryFolder()
    let path = folder.path + "/a"
    func problem(_ entries: [SafetensorsWriter.Entry], _ path: String) -> String? {
      do { _ = try SafetensorsWriter(path: path, entries: entries) } catch { return error.problem }
      return nil
    }
    let one = SafetensorsWriter.Entry(name: "a", type: .float32, shape: [1])
    #expect(problem([one, one], path) == "two tensors cannot have the name \"a\"")
    #expect(
      problem([.init(name: "__metadata__", type: .int8, shape: [])], path)
        == "two tensors cannot have the name \"__metadata__\"")
    #expect(
      problem([.init(name: "b", type: .int8, shape: [-1])], path)
        == "tensor \"b\": [-1] is no shape of less than 2^63 bytes")
    #expect(
      problem([.init(name: "b", type: .float32, shape: [1 << 61])], path)
        == "tensor \"b\": [2305843009213693952] is no shape of less than 2^63 bytes")
    #expect(problem([one], folder.path + "/no/a") == "cannot be created: No such file or directory")
    #expect(throws: InterchangeError(path: folder.path, problem: "cannot be written: Is a directory")) {
      try SafetensorsWriter.write([], to: folder.path)
    }
    #expect(folder.names == [])
  }
}
