/// Voxels that lie in memory or in a mapped file: the same to whoever reads them.
public struct StoredVoxels<Element: BitwiseCopyable & Sendable>: Sendable {
  private enum Place: Sendable {
    case memory([Element])
    case file(MappedFile, firstByte: Int)
  }

  private let place: Place
  public let count: Int
  public var isEmpty: Bool { count == 0 }

  public init(_ voxels: [Element]) {
    place = .memory(voxels)
    count = voxels.count
  }

  /// - Parameter firstByte: a multiple of the element's alignment.
  init(_ file: MappedFile, firstByte: Int, count: Int) {
    precondition(
      firstByte >= 0 && firstByte + count * MemoryLayout<Element>.stride <= file.bytes.count,
      "internal: voxels beyond their file")
    place = .file(file, firstByte: firstByte)
    self.count = count
  }

  public func withUnsafeBufferPointer<Result, Failure>(
    _ body: (UnsafeBufferPointer<Element>) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    switch place {
    case .memory(let voxels): return try voxels.withUnsafeBufferPointer(body)
    case .file(let file, let firstByte):
      // The mapping lives until the call is over.
      defer { withExtendedLifetime(file) {} }
      let bytes = UnsafeRawBufferPointer(
        rebasing: file.bytes[firstByte..<firstByte + count * MemoryLayout<Element>.stride])
      return try body(bytes.assumingMemoryBound(to: Element.self))
    }
  }

  /// One voxel; what reads many takes the buffer.
  public subscript(index: Int) -> Element { withUnsafeBufferPointer { $0[index] } }

  /// A copy in memory.
  public var array: [Element] { withUnsafeBufferPointer { Array($0) } }
}
