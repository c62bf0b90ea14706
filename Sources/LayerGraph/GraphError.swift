/// Every mistake that the author of a model made, in the order of declaration.
public struct GraphError: Error, Sendable, CustomStringConvertible {
  public var mistakes: [Mistake]

  public struct Mistake: Sendable, Hashable, CustomStringConvertible {
    /// Last component of the source file's path.
    public var file: String
    public var line: UInt
    /// `unet3d/encoder.0/pool.0`.
    public var path: String
    public var message: String
    public var description: String { "\(file):\(line): \(path): \(message)" }
  }

  public var description: String { mistakes.map(\.description).joined(separator: "\n") }
}

/// Where an op was written.
public struct SourceLocation: Sendable, Hashable {
  public var file: String
  public var line: UInt
  public init(_ file: String, _ line: UInt) {
    self.file = file.split(separator: "/").last.map(String.init) ?? file
    self.line = line
  }
}
