/// A count along depth, height and width (z, y, x of the volume); an integer literal is isotropic.
public struct Extent: Sendable, Hashable, ExpressibleByIntegerLiteral, CustomStringConvertible {
  public var d: Int
  public var h: Int
  public var w: Int

  public init(_ d: Int, _ h: Int, _ w: Int) {
    self.d = d
    self.h = h
    self.w = w
  }
  public init(integerLiteral value: Int) { self.init(value, value, value) }
  public init(_ axes: [Int]) {
    precondition(axes.count == 3, "internal: an extent has three axes")
    self.init(axes[0], axes[1], axes[2])
  }

  public var axes: [Int] { [d, h, w] }
  public var count: Int { d * h * w }
  public var description: String { d == h && h == w ? "\(d)³" : "\(d)×\(h)×\(w)" }

  /// Axis by axis.
  public func map(_ other: Extent, _ f: (Int, Int) -> Int) -> Extent {
    Extent(f(d, other.d), f(h, other.h), f(w, other.w))
  }
  public func allSatisfy(_ f: (Int) -> Bool) -> Bool { f(d) && f(h) && f(w) }
}

/// The shape of a tensor: N×C×D×H×W.
public struct Shape: Sendable, Hashable, CustomStringConvertible {
  public var batch: Int
  public var channels: Int
  public var extent: Extent

  public init(batch: Int, channels: Int, extent: Extent) {
    self.batch = batch
    self.channels = channels
    self.extent = extent
  }

  public var axes: [Int] { [batch, channels] + extent.axes }
  public var count: Int { batch * channels * extent.count }
  public var description: String { axes.map(String.init).joined(separator: "×") }
}
