/// A schedule whose larger tensors may be dropped between two uses and made again before the second, and some of whose
/// steps can write over what they read.
///
/// Numbers only: what a tensor is, and how it is made again, is the compiler's.
public struct RecomputeProblem: Sendable {
  /// What a step writes can take the place of what it reads last, part by part: fewer bytes at that step for some time.
  public struct Overlay: Sendable {
    /// The item whose place is taken: it has to go behind the step. Nil where that is no item, and goes anyway.
    public var item: Int?
    public var savedInBytes: Int
    public var seconds: Double

    public init(item: Int?, savedInBytes: Int, seconds: Double) {
      self.item = item
      self.savedInBytes = savedInBytes
      self.seconds = seconds
    }
  }

  /// A tensor that can be made again from others.
  public struct Item: Sendable {
    public var sizeInBytes: Int
    /// Time of making it once more.
    public var seconds: Double
    /// Bytes that making it needs beside its inputs.
    public var workspaceInBytes: Int
    /// Items that making it reads; every other input is alive anyway.
    public var inputs: [Int]
    /// Last step that makes it; from here on it may be dropped.
    public var madeAt: Int
    /// Where it may be made again in the place of one of its inputs.
    public var overlay: Overlay?

    public init(
      sizeInBytes: Int, seconds: Double, workspaceInBytes: Int, inputs: [Int], madeAt: Int, overlay: Overlay? = nil
    ) {
      self.sizeInBytes = sizeInBytes
      self.seconds = seconds
      self.workspaceInBytes = workspaceInBytes
      self.inputs = inputs
      self.madeAt = madeAt
      self.overlay = overlay
    }
  }

  public struct Step: Sendable {
    /// Items that the step reads or writes, each once.
    public var uses: [Int]
    /// Bytes of all that is no item and alive during the step, and of those that are alive across its beginning.
    public var baseInBytes: Int
    public var baseBeforeInBytes: Int
    public var overlay: Overlay?

    public init(uses: [Int], baseInBytes: Int, baseBeforeInBytes: Int, overlay: Overlay? = nil) {
      self.uses = uses
      self.baseInBytes = baseInBytes
      self.baseBeforeInBytes = baseBeforeInBytes
      self.overlay = overlay
    }
  }

  public var items: [Item]
  public var steps: [Step]

  public init(items: [Item], steps: [Step]) {
    self.items = items
    self.steps = steps
  }
}

/// Which tensors are dropped when, and where overlays are used.
public struct RecomputePlan: Sendable, Equatable {
  /// For each gap between two uses of an item, in the order of `RecomputeWalk`: whether the item is dropped there.
  public var drops: [Bool]
  /// By item: one made again only so that another could be, stays until its own next use.
  public var stays: [Bool]
  /// Overlays are used where more bytes than this would be alive.
  public var overlayLimitInBytes = Int.max
}

/// A point of the memory–time curve.
public struct RecomputePoint: Sendable {
  public var plan: RecomputePlan
  /// Most bytes alive at a step.
  public var peakInBytes: Int
  /// Time of all that is made again, and of the overlays.
  public var seconds: Double
}

/// What a plan does before a step, or at it.
public enum RecomputeAction: Sendable, Equatable {
  case remake(item: Int, isOverlaid: Bool)
  case step(Int, isOverlaid: Bool)
}
