import Glibc

/// An open safetensors file. The header is read and checked at once, data when it is asked for.
public final class SafetensorsFile: Sendable {
  /// What is known of a tensor without reading it.
  public struct TensorInfo: Sendable, Equatable {
    public var name: String
    public var type: TensorDataType
    public var shape: [Int]
    public var sizeInBytes: Int
    /// Of the data, from the start of the file.
    var offsetInFile: Int
  }

  public let path: String
  /// In the order of the header.
  public let tensors: [TensorInfo]
  /// The texts under `__metadata__`.
  public let metadata: [String: String]
  private let positions: [String: Int]
  private let descriptor: Int32

  /// Opens a file and checks its header.
  public static func read(_ path: String) throws(InterchangeError) -> SafetensorsFile {
    try SafetensorsFile(path)
  }

  private init(_ path: String) throws(InterchangeError) {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else {
      throw InterchangeError(path: path, problem: "cannot be opened: \(systemMessage())")
    }
    var isOpen = true
    defer { if isOpen { close(descriptor) } }
    func failure(_ problem: String) -> InterchangeError { InterchangeError(path: path, problem: problem) }

    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      throw failure("is no regular file")
    }
    let fileSize = Int(status.st_size)
    guard fileSize >= 10 else {
      throw failure("found \(fileSize) bytes, expected a safetensors file of at least 10")
    }
    let prefix = try readBytes(descriptor, path: path, offset: 0, count: 8)
    let length = prefix.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    guard length <= UInt64(SafetensorsHeader.mostBytes), Int(length) <= fileSize - 8 else {
      throw failure(
        "found a header length of \(length) bytes, expected at most "
          + "\(min(SafetensorsHeader.mostBytes, fileSize - 8)): this is no safetensors file")
    }
    let bytes = try readBytes(descriptor, path: path, offset: 8, count: Int(length))
    let dataStart = 8 + Int(length)
    let header: SafetensorsHeader
    do {
      header = try SafetensorsHeader(parsing: bytes, dataSizeInBytes: fileSize - dataStart)
    } catch {
      throw failure(error.text)
    }
    self.path = path
    self.descriptor = descriptor
    metadata = header.metadata
    tensors = header.entries.map { entry in
      TensorInfo(
        name: entry.name, type: entry.type, shape: entry.shape, sizeInBytes: entry.sizeInBytes,
        offsetInFile: dataStart + entry.offsetInBytes)
    }
    var positions: [String: Int] = [:]
    for (index, entry) in header.entries.enumerated() { positions[entry.name] = index }
    self.positions = positions
    isOpen = false
  }

  deinit { close(descriptor) }

  /// Nil where the file has no tensor of that name.
  public func info(_ name: String) -> TensorInfo? { positions[name].map { tensors[$0] } }

  /// A tensor as it is stored.
  public func tensor(_ name: String) throws(InterchangeError) -> TensorData {
    let info = try existing(name)
    return TensorData(
      shape: info.shape, type: info.type,
      bytes: try readBytes(descriptor, path: path, offset: info.offsetInFile, count: info.sizeInBytes))
  }

  /// Fills memory of exactly the tensor's size with its bytes as they are stored.
  public func read(_ name: String, into memory: UnsafeMutableRawBufferPointer) throws(InterchangeError) {
    let info = try existing(name)
    precondition(memory.count == info.sizeInBytes, "internal: \(memory.count) bytes for \(info.sizeInBytes)")
    try readFully(descriptor, path: path, offset: info.offsetInFile, into: memory)
  }

  func existing(_ name: String) throws(InterchangeError) -> TensorInfo {
    if let info = info(name) { return info }
    let nearest = JSONValue.nearestKey(to: name, among: tensors.prefix(10_000).map(\.name))
    throw InterchangeError(
      path: path,
      problem: "has no tensor \(quoted(name))" + (nearest.map { ", did you mean \(quoted($0))?" } ?? ""))
  }

  /// Hands out a tensor's bytes in pieces of whole elements, with the index of each piece's first element.
  func forEachPiece(
    of info: TensorInfo, _ body: (UnsafeRawBufferPointer, Int) throws(InterchangeError) -> Void
  ) throws(InterchangeError) {
    let pieceSize = 1 << 20
    var start = 0
    while start < info.sizeInBytes {
      let count = min(pieceSize, info.sizeInBytes - start)
      let piece = try readBytes(descriptor, path: path, offset: info.offsetInFile + start, count: count)
      let firstElement = start / info.type.sizeInBytes
      try piece.withUnsafeBufferPointer { (bytes) throws(InterchangeError) in
        try body(UnsafeRawBufferPointer(bytes), firstElement)
      }
      start += count
    }
  }
}

/// The system's text for the last failed call.
func systemMessage() -> String { String(cString: strerror(errno)) }

func readBytes(
  _ descriptor: Int32, path: String, offset: Int, count: Int
) throws(InterchangeError) -> [UInt8] {
  var bytes = [UInt8](repeating: 0, count: count)
  try bytes.withUnsafeMutableBufferPointer { (memory) throws(InterchangeError) in
    try readFully(descriptor, path: path, offset: offset, into: UnsafeMutableRawBufferPointer(memory))
  }
  return bytes
}

private func readFully(
  _ descriptor: Int32, path: String, offset: Int, into memory: UnsafeMutableRawBufferPointer
) throws(InterchangeError) {
  guard let base = memory.baseAddress else { return }
  var done = 0
  while done < memory.count {
    let count = pread(descriptor, base + done, min(memory.count - done, 1 << 30), off_t(offset + done))
    if count < 0 && errno == EINTR { continue }
    guard count >= 0 else {
      throw InterchangeError(path: path, problem: "cannot be read: \(systemMessage())")
    }
    // The file was cut after its header had been checked.
    guard count > 0 else {
      throw InterchangeError(path: path, problem: "ends at byte \(offset + done), it has become shorter")
    }
    done += count
  }
}
