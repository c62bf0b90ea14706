/// Lifetimes and the space they must share.
public struct PlacementProblem: Sendable, Equatable {
  public var lifetimes: [Lifetime]
  /// The arena may not be larger than this; nil asks for the smallest arena.
  public var capacityInBytes: Int?

  public init(lifetimes: [Lifetime], capacityInBytes: Int? = nil) {
    self.lifetimes = lifetimes
    self.capacityInBytes = capacityInBytes
  }

  /// What makes the problem meaningless, one line each; empty where it can be handed to
  /// ``place(_:capacityInBytes:nodeLimit:)``.
  public func mistakes() -> [String] {
    var mistakes: [String] = []
    // Ends are sums of rounded sizes on top of fixed offsets: below this limit none of them can overflow.
    var headroom = Int.max / 4
    for lifetime in lifetimes {
      let name = "lifetime \(lifetime.id)"
      if lifetime.lower >= lifetime.upper {
        mistakes.append("\(name): lower \(lifetime.lower) is not below upper \(lifetime.upper)")
      }
      if lifetime.sizeInBytes < 0 {
        mistakes.append("\(name): size \(lifetime.sizeInBytes) is negative")
      }
      if lifetime.alignmentInBytes < 1 || lifetime.alignmentInBytes > 1 << 30 {
        mistakes.append("\(name): alignment \(lifetime.alignmentInBytes) is not between 1 and 2^30")
      } else if let offset = lifetime.fixedOffsetInBytes {
        if offset < 0 {
          mistakes.append("\(name): fixed offset \(offset) is negative")
        } else if offset % lifetime.alignmentInBytes != 0 {
          mistakes.append(
            "\(name): fixed offset \(offset) is no multiple of its alignment \(lifetime.alignmentInBytes)")
        }
      }
      // An aligned size is at most size + alignment, and so is the gap below it.
      for part in [
        lifetime.sizeInBytes, lifetime.alignmentInBytes, lifetime.alignmentInBytes,
        lifetime.fixedOffsetInBytes ?? 0,
      ] {
        headroom = headroom.subtractingReportingOverflow(max(0, part)).partialValue
        if headroom < 0 {
          mistakes.append("\(name): the sizes up to here sum to more than 2^61 bytes")
          return mistakes
        }
      }
    }
    return mistakes
  }

  /// The most bytes alive at one step, each size rounded up to the greatest common divisor of all
  /// alignments: max over steps t of Σ ⌈size/g⌉·g over the lifetimes that contain t, and no less than any
  /// fixed end.
  ///
  /// Every offset is a multiple of g, so the rounding is part of any placement but for the tail of the
  /// topmost buffer, which ``Placement/arenaInBytes`` counts as well.
  public func lowerBoundInBytes() -> Int {
    let instance = PackingInstance(lifetimes)
    return instance.lowerBound * instance.bytesPerUnit
  }
}
