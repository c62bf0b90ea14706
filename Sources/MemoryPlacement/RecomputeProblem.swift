/// A schedule whose larger tensors may be dropped between two uses and made again before the second.
///
/// Numbers only: what a tensor is, and how it is made again, is the compiler's.
public struct RecomputeProblem: Sendable {
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

    public init(sizeInBytes: Int, seconds: Double, workspaceInBytes: Int, inputs: [Int], madeAt: Int) {
      self.sizeInBytes = sizeInBytes
      self.seconds = seconds
      self.workspaceInBytes = workspaceInBytes
      self.inputs = inputs
      self.madeAt = madeAt
    }
  }

  public struct Step: Sendable {
    /// Items that the step reads or writes, each once.
    public var uses: [Int]
    /// Bytes of all that is no item and alive during the step, and of those that are alive across its beginning.
    public var baseInBytes: Int
    public var baseBeforeInBytes: Int

    public init(uses: [Int], baseInBytes: Int, baseBeforeInBytes: Int) {
      self.uses = uses
      self.baseInBytes = baseInBytes
      self.baseBeforeInBytes = baseBeforeInBytes
    }
  }

  public var items: [Item]
  public var steps: [Step]

  public init(items: [Item], steps: [Step]) {
    self.items = items
    self.steps = steps
  }
}

/// Which tensors are dropped when.
public struct RecomputePlan: Sendable, Equatable {
  /// For each gap between two uses of an item, in the order of `RecomputeWalk`: whether the item is dropped there.
  public var drops: [Bool]
  /// By item: one made again only so that another could be, stays until its own next use.
  public var stays: [Bool]
}

/// A point of the memory–time curve.
public struct RecomputePoint: Sendable {
  public var plan: RecomputePlan
  /// Most bytes alive at a step.
  public var peakInBytes: Int
  /// Time of all that is made again.
  public var seconds: Double
}

/// What a plan does before a step, or at it.
public enum RecomputeAction: Sendable, Equatable {
  case remake(item: Int)
  case step(Int)
}
