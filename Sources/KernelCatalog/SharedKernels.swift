import ExecutionPlan

/// OpenCL programs for the kernels of a plan. A driver takes a second or two for each convolution's program, so kernels
/// that differ only in what the inner loop does not see (`KernelInterface.lateDefines`: segments, bias, statistics …)
/// share one, and what differs stands in front of a call's words. Which kernels a program serves is decided by the whole
/// plan: another plan may have other programs.
public struct SharedKernels: Sendable, Equatable {
  /// A program, and the words in front of those of a call: the value of late define i is word −1 − i, that of SEGMENTi
  /// its flavour's index << 16 | its flags.
  public struct Use: Sendable, Equatable {
    public var program: Int
    public var lateWords: [Int]
  }

  /// What to build: kernels with the macros FLAVOURS, FLAVOUR0 … FLAVOUR4 and PLANAR_INPUT (kernels/stage.cl) instead of
  /// the late ones; and those that have none, as they are.
  public private(set) var programs: [Kernel] = []
  /// For each kernel of the plan.
  public private(set) var uses: [Use] = []

  /// Of kernels that share a program; one alone may have as many as segments. Each costs a compiler as much again as the
  /// first.
  static let mostFlavours = 2

  /// - Parameter kernels: Of the catalogue, with its defines (`KernelCatalog.check`).
  public init(_ kernels: [Kernel]) {
    var families: [Family] = []
    var places: [Int] = []
    for kernel in kernels {
      let wanted = Family(kernel)
      let found = families.firstIndex { $0.takes(wanted) } ?? families.count
      if found == families.count { families.append(wanted) } else { families[found].flavours.formUnion(wanted.flavours) }
      places.append(found)
    }
    programs = families.map(\.program)
    uses = zip(kernels, places).map { Use(program: $1, lateWords: families[$1].lateWords(of: $0)) }
  }

  /// What a program must know of a segment with these flags: not its norm, nor whether relu, leaky relu or nothing
  /// follows (bit 16, EASY, says so). Planar ones and other activations: everything.
  static func flavour(_ flags: Int) -> Int {
    let isPlanar = flags >> 2 & 1 == 1
    let kinds = [flags >> 7 & 7, flags >> 13 & 7]
    guard !isPlanar, kinds.allSatisfy({ $0 <= Activation.leaky.rawValue }) else { return flags }
    return flags & ~(0b111010 << 4 | 0b111010 << 10) | 1 << 16
  }

  /// Kernels of one program.
  private struct Family {
    /// Name and defines that are no late ones.
    var base: Kernel
    /// Of the segments that the program can stage; more than a kernel's own where the others have more.
    var flavours: Set<Int> = []
    let late: [String]

    init(_ kernel: Kernel) {
      let late = KernelCatalog.interface(kernel.name)?.lateDefines ?? []
      self.late = late
      base = Kernel(name: kernel.name, defines: kernel.defines.filter { !late.contains($0.name) })
      guard !late.isEmpty else { return }
      func define(_ name: String) -> Int? { kernel.defines.first { $0.name == name }?.value }
      let flags = (0..<(define("SEGMENTS") ?? 0)).map { define("SEGMENT\($0)") ?? 0 }
      flavours = Set(flags.map(SharedKernels.flavour))
      // The only segment of the side that moves over the other: planes are another inner loop (not Winograd's, and the
      // only one where the output is planar).
      let isOne = define("M") == nil && (define("LANES") ?? 0) == 0 && (define("A_SEGMENTS") ?? flags.count) == 1
      let isPlanar = isOne && (flags.first ?? 0) >> 2 & 1 == 1
      base.defines.append(Define("PLANAR_INPUT", isPlanar ? 1 : 0))
    }

    func takes(_ other: Family) -> Bool {
      base == other.base && flavours.union(other.flavours).count <= max(SharedKernels.mostFlavours, flavours.count)
    }

    var program: Kernel {
      guard !late.isEmpty else { return base }
      let macros = [Define("FLAVOURS", flavours.count)]
        + flavours.sorted().enumerated().map { Define("FLAVOUR\($0.offset)", $0.element) }
      return Kernel(name: base.name, defines: base.defines + macros)
    }

    func lateWords(of kernel: Kernel) -> [Int] {
      let sorted = flavours.sorted()
      return late.reversed().map { name in
        let value = kernel.defines.first { $0.name == name }?.value ?? 0
        guard name.hasPrefix("SEGMENT"), name != "SEGMENTS" else { return value }
        return (sorted.firstIndex(of: SharedKernels.flavour(value)) ?? 0) << 16 | value
      }
    }
  }
}
