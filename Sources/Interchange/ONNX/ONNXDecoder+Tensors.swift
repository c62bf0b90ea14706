import Glibc

extension ONNXDecoder {
  /// A tensor with its elements, wherever the file keeps them.
  func tensor(_ bytes: ArraySlice<UInt8>) throws(InterchangeError) -> ONNXTensor {
    var (name, shape, code) = ("", [Int](), 0)
    var raw: ArraySlice<UInt8>?
    var listed: [UInt8] = []
    var integers: [Int] = []
    var place: [String: String] = [:]
    var isExternal = false
    try forEachField(bytes, of: "a tensor") { (field, value) throws(InterchangeError) in
      switch field {
      case 1: shape += try self.integers(value, "dims")
      case 2: code = try integer(value, "data_type")
      case 3: throw failure("holds a tensor in segments, which VoxCL does not read")
      case 4: for number in try floats(value, "float_data") { listed += littleEndianBytes(number.bitPattern) }
      case 5, 7, 11: integers += try self.integers(value, "integer data")
      case 8: name = try text(value, "name")
      case 9: raw = try data(value, "raw_data")
      case 10:
        if case .fixed64(let bits) = value {
          listed += littleEndianBytes(bits)
        } else {
          listed += try data(value, "double_data")
        }
      case 13:
        let (key, text) = try pair(data(value, "external_data"))
        place[key] = text
      case 14: isExternal = try integer(value, "data_location") == 1
      default: break
      }
    }
    let what = "initializer \(quoted(name))"
    guard let type = TensorDataType(onnxCode: code) else {
      throw failure("\(what) has element type \(code), which VoxCL does not read")
    }
    // Beside an extent of 0 any other would pass.
    guard let expected = byteCount(shape: shape, type: type), shape.allSatisfy({ $0 <= max(expected, 65_536) }) else {
      throw failure("is no sound ONNX file: \(what) has shape \(shape)")
    }
    // Integers of all widths, and halves, are listed as varints; only their low bytes count.
    for number in integers { listed += littleEndianBytes(UInt64(truncatingIfNeeded: number)).prefix(type.sizeInBytes) }
    let elements = isExternal ? try external(place, count: expected, of: what) : raw.map(Array.init) ?? listed
    guard elements.count == expected else {
      throw failure("\(what) of shape \(shape) holds \(elements.count) bytes, expected \(expected)")
    }
    return ONNXTensor(name, TensorData(shape: shape, type: type, bytes: elements))
  }

  /// Elements in a file beside the model (`location`, `offset`, `length`).
  private func external(
    _ entries: [String: String], count: Int, of what: String
  ) throws(InterchangeError) -> [UInt8] {
    let location = entries["location"] ?? ""
    let parts = location.split(separator: "/", omittingEmptySubsequences: false)
    guard !location.isEmpty, !location.hasPrefix("/"), !parts.contains(".."),
      !location.unicodeScalars.contains(where: { $0.properties.generalCategory == .control })
    else {
      throw failure("\(what) lies in \(quoted(location)), expected a file beside the model")
    }
    guard let offset = Int(entries["offset"] ?? "0"), offset >= 0 else {
      throw failure("\(what) lies at \(quoted(entries["offset"] ?? "")) of \(quoted(location)), expected an offset")
    }
    let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? ""
    return try contents(of: folder + location, from: offset, count: count, most: .max)
  }

  /// A file's bytes from an offset on: `count` of them, or all.
  func contents(of file: String, from offset: Int, count: Int?, most: Int) throws(InterchangeError) -> [UInt8] {
    let descriptor = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw InterchangeError(path: file, problem: "cannot be opened: \(systemMessage())") }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      throw InterchangeError(path: file, problem: "is no regular file")
    }
    let rest = max(0, Int(status.st_size) - offset)
    let wanted = count ?? rest
    guard wanted <= rest else {
      throw InterchangeError(path: file, problem: "has \(rest) bytes from \(offset) on, \(path) needs \(wanted)")
    }
    guard wanted <= most else {
      throw InterchangeError(path: file, problem: "has \(wanted) bytes; an ONNX file has at most 2 GiB")
    }
    return try readBytes(descriptor, path: file, offset: offset, count: wanted)
  }
}
