/// One record of a TensorBoard event file: `tensorflow.Event` (tensorflow/core/util/event.proto) with what VoxCL
/// writes of it.
public struct TensorBoardEvent: Sendable, Equatable {
  public enum Content: Sendable, Equatable {
    /// The first record of every file: `brain.Event:2`.
    case fileVersion(String)
    /// A session starts at the event's step: readers drop what earlier files say of that step and later ones.
    case sessionStart
    case summary([Value])
  }

  /// `tensorflow.Summary.Value`.
  public struct Value: Sendable, Equatable {
    public enum Datum: Sendable, Equatable {
      case scalar(Float)
      /// An encoded picture.
      case png([UInt8], width: Int, height: Int)
    }

    public var tag: String
    public var datum: Datum

    public init(_ tag: String, _ datum: Datum) {
      self.tag = tag
      self.datum = datum
    }
  }

  /// Seconds since 1970.
  public var wallTime: Double
  public var step: Int
  public var content: Content

  public init(wallTime: Double, step: Int, content: Content) {
    self.wallTime = wallTime
    self.step = step
    self.content = content
  }

  /// The protocol buffer.
  var message: [UInt8] {
    var event = ProtobufMessage()
    event.double(1, wallTime)
    if step != 0 { event.integer(2, step) }
    switch content {
    case .fileVersion(let version): event.text(3, version)
    case .summary(let values):
      var summary = ProtobufMessage()
      for value in values { summary.data(1, value.message) }
      event.data(5, summary.bytes)
    case .sessionStart:
      var log = ProtobufMessage()
      log.integer(1, 1)  // SessionLog.START
      event.data(7, log.bytes)
    }
    return event.bytes
  }

  /// The record: its length as eight bytes with their masked CRC-32C, the message, its masked CRC-32C
  /// (tensorflow/core/lib/io/record_writer.h), all little-endian.
  public var record: [UInt8] {
    let (message, length) = (self.message, littleEndianBytes(UInt64(self.message.count)))
    return length + littleEndianBytes(CRC32C.masked(length)) + message + littleEndianBytes(CRC32C.masked(message))
  }
}

extension TensorBoardEvent.Value {
  fileprivate var message: [UInt8] {
    var value = ProtobufMessage()
    value.text(1, tag)
    switch datum {
    case .scalar(let scalar): value.float(2, scalar)
    case .png(let bytes, let width, let height):
      var image = ProtobufMessage()
      image.integer(1, height)
      image.integer(2, width)
      image.integer(3, 3)  // shown as RGB
      image.data(4, bytes)
      value.data(4, image.bytes)
    }
    return value.bytes
  }
}
