/// A buffer that must have an address while it is alive.
public struct Lifetime: Sendable, Equatable {
  /// Names the buffer to the caller; the packer never reads it.
  public var id: Int
  /// First schedule step at which the buffer is alive.
  public var lower: Int
  /// First schedule step at which it is no longer alive: `[lower, upper)` is half-open.
  public var upper: Int
  public var sizeInBytes: Int
  /// The offset is a multiple of this.
  public var alignmentInBytes: Int
  /// Where the buffer must lie, or nil where the packer may choose.
  public var fixedOffsetInBytes: Int?

  public init(
    id: Int, lower: Int, upper: Int, sizeInBytes: Int, alignmentInBytes: Int = 64,
    fixedOffsetInBytes: Int? = nil
  ) {
    self.id = id
    self.lower = lower
    self.upper = upper
    self.sizeInBytes = sizeInBytes
    self.alignmentInBytes = alignmentInBytes
    self.fixedOffsetInBytes = fixedOffsetInBytes
  }

  /// Whether both buffers are alive at some common step.
  public func overlapsInTime(_ other: Lifetime) -> Bool {
    lower < other.upper && other.lower < upper
  }
}

/// Where each buffer lies.
public struct Placement: Sendable, Equatable {
  /// One offset a lifetime, in the order in which the lifetimes were given.
  public var offsetsInBytes: [Int]
  /// Size of the memory that holds all of them: the highest end, each size rounded up to the packing granule
  /// (the greatest common divisor of the alignments).
  public var arenaInBytes: Int
  /// No placement is smaller than this: the most bytes alive at one step, sizes rounded to the granule.
  public var lowerBoundInBytes: Int
  /// What found it, such as `size/best-fit` or `canonical search`.
  public var method: String
  /// The arena meets the lower bound, or the search proved every smaller one infeasible.
  public var provenOptimal: Bool
  /// With several banks: `offset / bankInBytes` is a buffer's, and `arenaInBytes` is the sum of their sizes.
  public var bankInBytes: Int?
  public var bankSizesInBytes: [Int]

  public init(
    offsetsInBytes: [Int], arenaInBytes: Int, lowerBoundInBytes: Int, method: String,
    provenOptimal: Bool, bankInBytes: Int? = nil, bankSizesInBytes: [Int]? = nil
  ) {
    self.offsetsInBytes = offsetsInBytes
    self.arenaInBytes = arenaInBytes
    self.lowerBoundInBytes = lowerBoundInBytes
    self.method = method
    self.provenOptimal = provenOptimal
    self.bankInBytes = bankInBytes
    self.bankSizesInBytes = bankSizesInBytes ?? [arenaInBytes]
  }
}
