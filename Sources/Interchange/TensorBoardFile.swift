import Glibc

/// An event file of TensorBoard that grows record by record; what was appended survives the process.
public final class TensorBoardFile {
  public let path: String
  private var descriptor: Int32

  /// Starts `FOLDER/events.out.tfevents.SECONDS.voxcl`; names sort in the order in which they are started.
  ///
  /// - Parameters:
  ///   - existing: event files that the folder has, by name.
  ///   - step: the first step that the file will speak of; readers drop what other files say of it and later ones.
  /// - Throws: `InterchangeError` where the file cannot be made.
  public init(
    folder: String, after existing: [String], wallTime: Double, startingAt step: Int
  ) throws(InterchangeError) {
    let seconds = existing.compactMap(Self.seconds).reduce(Int(wallTime)) { max($0, $1 + 1) }
    path = "\(folder)/\(Self.prefix)\(seconds).voxcl"
    descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else {
      throw InterchangeError(path: path, problem: "cannot be created: \(String(cString: strerror(errno)))")
    }
    try append(TensorBoardEvent(wallTime: wallTime, step: 0, content: .fileVersion("brain.Event:2")))
    try append(TensorBoardEvent(wallTime: wallTime, step: step, content: .sessionStart))
  }

  deinit { close(descriptor) }

  public static let prefix = "events.out.tfevents."

  /// `events.out.tfevents.1700000000.voxcl` → 1700000000.
  private static func seconds(_ name: String) -> Int? {
    guard name.hasPrefix(prefix) else { return nil }
    return name.dropFirst(prefix.count).split(separator: ".").first.flatMap { Int($0) }
  }

  public func append(_ event: TensorBoardEvent) throws(InterchangeError) {
    let bytes = event.record
    var done = 0
    while done < bytes.count {
      let count = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress! + done, bytes.count - done) }
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else {
        throw InterchangeError(path: path, problem: "cannot be written: \(String(cString: strerror(errno)))")
      }
      done += count
    }
  }

  /// The records of a file that speak of steps up to one, byte for byte; a record that a crash cut off ends it.
  ///
  public static func records(of bytes: [UInt8], upTo step: Int) -> [UInt8] {
    var kept: [UInt8] = []
    var start = 0
    while let end = recordEnd(bytes, from: start) {
      if self.step(of: bytes[(start + 12)..<(end - 4)]) <= step { kept += bytes[start..<end] }
      start = end
    }
    return kept
  }

  /// Where the record that begins at `start` ends; nil where it is not whole and sound.
  private static func recordEnd(_ bytes: [UInt8], from start: Int) -> Int? {
    func number(_ at: Int, _ count: Int) -> UInt64 {
      bytes[at..<at + count].reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
    guard start + 16 <= bytes.count else { return nil }
    let length = number(start, 8)
    guard UInt32(number(start + 8, 4)) == CRC32C.masked(bytes[start..<start + 8]),
      length <= UInt64(bytes.count - start - 16)
    else { return nil }
    let end = start + 12 + Int(length)
    guard UInt32(number(end, 4)) == CRC32C.masked(bytes[start + 12..<end]) else { return nil }
    return end + 4
  }

  private static func step(of message: ArraySlice<UInt8>) -> Int {
    var reader = ProtobufReader(message)
    while let (field, value) = reader.next() {
      if field == 2, case .integer(let step) = value { return Int(truncatingIfNeeded: step) }
    }
    return 0
  }
}
