/// A kernel with the macros that change its inner loop. Identical specialisations are shared.
public struct Kernel: Sendable, Codable, Equatable, Hashable {
  /// The catalogue's name: `conv3d`, `norm_statistics` …
  public var name: String
  /// In the catalogue's order.
  public var defines: [Define]
  public init(name: String, defines: [Define]) {
    self.name = name
    self.defines = defines
  }
}

public struct Define: Sendable, Codable, Equatable, Hashable {
  public var name: String
  public var value: Int
  public init(_ name: String, _ value: Int) {
    self.name = name
    self.value = value
  }
}

/// One launch: which kernel, on which memory, over how many groups.
///
/// A kernel reads its operands and integers as one array of 64-bit words, in the order of its
/// catalogue entry. An operand's word is `slot << 56 | offset` where slot indexes `arenas`; −1 stands
/// for an absent operand. A float is the bit pattern in the low 32 bits.
public struct Call: Sendable, Codable, Equatable {
  /// Index into the plan's kernels.
  public var kernel: Int
  /// Arenas that the call binds, at most `maximumArenas`; an operand's slot is an index into this list.
  public var arenas: [Int]
  public var words: [Int]
  /// Work-groups launched. Groups loop over tiles, so results do not depend on their number.
  public var groups: Int
  /// Layer path and pass: `encoder.0/conv.1 forward`.
  public var label: String
  /// The layer whose row of the profile this call belongs to, and its pass.
  public var layer: String
  public var pass: Pass
  /// Multiply-adds counted as two, of the direct algorithm.
  public var flops: Int
  /// Bytes that the call reads and writes at least once.
  public var traffic: Int

  public enum Pass: String, Sendable, Codable { case forward, backward, loss, update }

  public static let absentOperand = -1
  public static let maximumArenas = 8

  public init(
    kernel: Int, arenas: [Int], words: [Int], groups: Int, label: String, layer: String,
    pass: Pass, flops: Int = 0, traffic: Int = 0
  ) {
    self.kernel = kernel
    self.arenas = arenas
    self.words = words
    self.groups = groups
    self.label = label
    self.layer = layer
    self.pass = pass
    self.flops = flops
    self.traffic = traffic
  }
}

/// The programs that a plan may hold.
public enum ProgramName: String, Sendable, Codable, CaseIterable {
  /// Forward, loss and backward of one micro-batch; gradients add up.
  case accumulate
  /// Forward and loss with training statistics off.
  case evaluate
  /// Unscale, clip, decay and step; skipped on device where a gradient is not finite.
  case update
  /// Forward alone, into the tensor `output`.
  case predict
}

public struct Program: Sendable, Codable, Equatable {
  public var name: ProgramName
  public var calls: [Call]
  public init(name: ProgramName, calls: [Call]) {
    self.name = name
    self.calls = calls
  }
}
