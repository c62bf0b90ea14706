/// Writes a safetensors file, tensor by tensor, so that not all of them need be in memory at once.
///
/// The same names, types, shapes, bytes and metadata give the same file, byte for byte. It appears under
/// its name with ``commit()``; without it, nothing remains.
public final class SafetensorsWriter {
  /// What a tensor will be.
  public struct Entry: Sendable, Equatable {
    public var name: String
    public var type: TensorDataType
    public var shape: [Int]

    public init(name: String, type: TensorDataType, shape: [Int]) {
      self.name = name
      self.type = type
      self.shape = shape
    }
  }

  private let file: AtomicFile
  private let entries: [Entry]
  private let sizesInBytes: [Int]
  private var written = 0

  /// - Parameters:
  ///   - entries: the tensors in the order in which they will be appended and stored.
  ///   - metadata: texts under `__metadata__`, stored in order of their keys' UTF-8 bytes.
  public convenience init(
    path: String, entries: [Entry], metadata: [String: String] = [:]
  ) throws(InterchangeError) {
    let (header, sizes) = try SafetensorsWriter.header(path: path, entries: entries, metadata: metadata)
    try self.init(file: AtomicFile(path), header: header, entries: entries, sizesInBytes: sizes)
  }

  init(file: AtomicFile, header: [UInt8], entries: [Entry], sizesInBytes: [Int]) throws(InterchangeError) {
    self.file = file
    self.entries = entries
    self.sizesInBytes = sizesInBytes
    try file.write(header)
  }

  /// Appends the next tensor: row-major, little-endian.
  public func append(_ name: String, _ bytes: UnsafeRawBufferPointer) throws(InterchangeError) {
    precondition(written < entries.count, "internal: \(name) is one tensor too many")
    precondition(entries[written].name == name, "internal: \(entries[written].name) is next, not \(name)")
    guard bytes.count == sizesInBytes[written] else {
      file.abandon()
      throw SafetensorsWriter.sizeMismatch(
        path: file.path, entries[written], found: bytes.count, expected: sizesInBytes[written])
    }
    try file.write(bytes)
    written += 1
  }

  public func append<Value: BitwiseCopyable>(_ name: String, _ values: [Value]) throws(InterchangeError) {
    try values.withUnsafeBufferPointer { (values) throws(InterchangeError) in
      try append(name, UnsafeRawBufferPointer(values))
    }
  }

  /// Gives the file its name, after all tensors were appended.
  public func commit() throws(InterchangeError) {
    precondition(written == entries.count, "internal: \(entries.count - written) tensors are missing")
    try file.commit()
  }

  /// Writes all tensors at once.
  public static func write(
    _ tensors: [(name: String, tensor: TensorData)], metadata: [String: String] = [:], to path: String
  ) throws(InterchangeError) {
    let entries = tensors.map { Entry(name: $0.name, type: $0.tensor.type, shape: $0.tensor.shape) }
    let writer = try SafetensorsWriter(path: path, entries: entries, metadata: metadata)
    for (name, tensor) in tensors { try writer.append(name, tensor.bytes) }
    try writer.commit()
  }

  /// The first bytes of the file, up to the data, and each tensor's size. The data begins at a multiple of
  /// eight bytes.
  static func header(
    path: String, entries: [Entry], metadata: [String: String]
  ) throws(InterchangeError) -> (bytes: [UInt8], sizesInBytes: [Int]) {
    var names: Set<String> = [SafetensorsHeader.metadataKey]
    var sizes: [Int] = []
    var end = 0
    var text = "{"
    if !metadata.isEmpty {
      var object = JSONObject()
      for key in metadata.keys.sorted(by: { $0.utf8.lexicographicallyPrecedes($1.utf8) }) {
        object[key] = metadata[key].map(JSONValue.string)
      }
      text += "\"\(SafetensorsHeader.metadataKey)\":" + JSONValue.object(object).text()
    }
    for entry in entries {
      guard names.insert(entry.name).inserted else {
        throw InterchangeError(path: path, problem: "two tensors cannot have the name \(quoted(entry.name))")
      }
      guard let size = byteCount(shape: entry.shape, type: entry.type), size <= Int.max - end else {
        throw InterchangeError(
          path: path,
          problem: "tensor \(quoted(entry.name)): \(entry.shape) is no shape of less than 2^63 bytes")
      }
      if text.utf8.count > 1 { text += "," }
      JSONValue.writeString(entry.name, to: &text)
      let shape = entry.shape.map(String.init).joined(separator: ",")
      text +=
        ":{\"dtype\":\"\(entry.type.rawValue)\",\"shape\":[\(shape)],\"data_offsets\":[\(end),\(end + size)]}"
      sizes.append(size)
      end += size
    }
    text += "}"
    var json = Array(text.utf8)
    json += repeatElement(UInt8(ascii: " "), count: (8 - json.count % 8) % 8)
    guard json.count <= SafetensorsHeader.mostBytes else {
      throw InterchangeError(
        path: path,
        problem: "found a header of \(json.count) bytes, expected at most \(SafetensorsHeader.mostBytes)")
    }
    let length = (0..<8).map { UInt8(truncatingIfNeeded: json.count >> (8 * $0)) }
    return (length + json, sizes)
  }

  private static func sizeMismatch(
    path: String, _ entry: Entry, found: Int, expected: Int
  ) -> InterchangeError {
    InterchangeError(
      path: path,
      problem: "tensor \(quoted(entry.name)): found \(found) bytes, expected \(expected) for "
        + "\(entry.type.rawValue) \(entry.shape)")
  }
}
