import ExecutionPlan

/// What a kernel is called with. The same entry binds the OpenCL text (`kernels/<name>.cl`), the C
/// kernel of the CPU backend (`voxcl_<name>`) and the compiler's lowering: one name, one order of words.
public struct KernelInterface: Sendable {
  public var name: String
  /// Macros that specialise the kernel, in order.
  public var defines: [String]
  /// Operand words, then integer words, then 20 words for each input segment (see `SegmentWord`).
  public var operands: [String]
  public var integers: [String]
  /// Whether the kernel reads inputs as segments (adds the defines SEGMENTS, SEGMENT0 … SEGMENT4).
  public var readsSegments: Bool
  /// Defines that the OpenCL text takes from words in front of a call's own, so that kernels share programs
  /// (`SharedKernels`). The C kernels take all defines so.
  public var lateDefines: [String]

  public init(
    _ name: String, defines: [String] = [], operands: [String], integers: [String],
    readsSegments: Bool = false, lateDefines: [String]? = nil
  ) {
    self.name = name
    self.lateDefines = lateDefines.map { $0 + KernelInterface.segmentDefines } ?? []
    self.defines = defines + (readsSegments ? KernelInterface.segmentDefines : [])
    self.operands = operands
    self.integers = integers
    self.readsSegments = readsSegments
  }

  public static let maximumSegments = 5
  static let segmentDefines =
    ["SEGMENTS"] + (0..<maximumSegments).map { "SEGMENT\($0)" }

  /// Index of a word by name.
  public func word(_ name: String) -> Int {
    if let i = operands.firstIndex(of: name) { return i }
    guard let i = integers.firstIndex(of: name) else {
      preconditionFailure("internal: kernel \(self.name) has no word \(name)")
    }
    return operands.count + i
  }

  /// First word of the segments.
  public var segmentsAt: Int { operands.count + integers.count }
}

/// The words of one input segment, in order. A segment is the sum of one or two stored tensors of equal
/// channels and extents, each with its own lazy norm, activation and keep-bits, seen through an index map.
public enum SegmentWord: Int, CaseIterable, Sendable {
  /// Stored tensor of term 0; its scale array (fp32 [N][CP], shift [N][CP] right behind it, with
  /// CP = 16·⌈C/16⌉); its keep-bits (ushort per voxel-block). Then the same of term 1.
  case tensor0, scale0, keep0, tensor1, scale1, keep1
  /// Channels, and stored extents of the source tensor.
  case channels, sourceD, sourceH, sourceW
  /// Index map. MAP 0: value[d] = source[d + crop]. MAP 1 (nearest): source[d / factor].
  /// MAP 2 (trilinear, half-pixel, no align-corners): position max(0, (d + ½)/factor − ½).
  case cropD, cropH, cropW, factorD, factorH, factorW
  /// Float bits: slope of leaky ReLU and 1/(1 − p) of dropout, per term.
  case slope0, keepScale0, slope1, keepScale1
  public static let count = SegmentWord.allCases.count  // 20
}

/// The macro SEGMENTs: which steps a segment's load takes. Constant, so that a compiler folds it.
public struct SegmentFlags: Sendable, Equatable {
  public var map = 0  // bits 0–1: 0 crop/identity, 1 nearest, 2 trilinear
  public var isPlanar = false  // bit 2
  public var hasTwoTerms = false  // bit 3
  public var terms: [TermFlags] = [TermFlags()]  // term 0 at bits 4–9, term 1 at bits 10–15

  public init() {}

  public struct TermFlags: Sendable, Equatable {
    public var isHalf = false  // bit 0 of the term
    public var hasNorm = false  // bit 1
    public var hasKeep = false  // bit 2
    public var activation = Activation.none  // bits 3–5
    public init() {}
  }

  public var bits: Int {
    var bits = map | (isPlanar ? 4 : 0) | (hasTwoTerms ? 8 : 0)
    for (i, t) in terms.enumerated() {
      let term = (t.isHalf ? 1 : 0) | (t.hasNorm ? 2 : 0) | (t.hasKeep ? 4 : 0) | t.activation.rawValue << 3
      bits |= term << (4 + 6 * i)
    }
    return bits
  }
}

/// Activations that loads and epilogues know.
public enum Activation: Int, Sendable, Codable {
  case none = 0, relu = 1, leaky = 2, sigmoid = 3
  /// Of ELU, the slope's word holds α.
  case elu = 4, silu = 5, gelu = 6, tanh = 7

  /// The derivative follows from the output, so that a producer may store that alone.
  public var isInvertible: Bool { self != .silu && self != .gelu }
}
