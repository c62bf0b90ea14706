import CPUBackend
import ExecutionPlan
import KernelCatalog
import Testing

/// A place in the test's arena.
struct Region {
  var offset: Int
  var count: Int
  var bytesPerElement: Int
  var isHalf: Bool { bytesPerElement == 2 }
}

/// One launch of one kernel: memory with guard bands around every region, words by name.
struct KernelCall {
  let interface: KernelInterface
  private var image: [UInt8] = []
  private var guards: [Range<Int>] = []
  private var words: [String: Int] = [:]
  private var defines: [String: Int] = [:]
  private var segmentWords: [Int] = []
  private var segmentFlags: [Int] = []
  var groups = 1

  private static let guardBytes = 256
  private static let guardPattern: UInt8 = 0xA5

  init(_ name: String) throws { interface = try #require(KernelCatalog.interface(name)) }

  private mutating func addGuard() {
    guards.append(image.count..<image.count + KernelCall.guardBytes)
    image += [UInt8](repeating: KernelCall.guardPattern, count: KernelCall.guardBytes)
  }

  mutating func region(bytes: [UInt8], bytesPerElement: Int) -> Region {
    if guards.isEmpty { addGuard() }
    let region = Region(
      offset: image.count, count: bytes.count / bytesPerElement, bytesPerElement: bytesPerElement)
    image += bytes
    while image.count % 64 != 0 { image.append(KernelCall.guardPattern) }
    addGuard()
    return region
  }
  mutating func region<T>(of values: [T]) -> Region {
    region(bytes: values.withUnsafeBytes { Array($0) }, bytesPerElement: MemoryLayout<T>.size)
  }
  mutating func floats(_ values: [Float], half: Bool = false) -> Region {
    half ? region(of: values.map { Float16($0) }) : region(of: values)
  }
  mutating func floats(_ values: [Double]) -> Region { region(of: values.map(Float.init)) }
  /// An output: every element is NaN before the call.
  mutating func poisoned(_ count: Int, half: Bool = false) -> Region {
    floats([Float](repeating: .nan, count: count), half: half)
  }

  mutating func set(_ word: String, _ value: Int) { words[word] = value }
  mutating func set(_ word: String, _ value: Double) { words[word] = Int(Float(value).bitPattern) }
  mutating func set(_ word: String, _ region: Region?) { words[word] = KernelCall.word(region) }
  mutating func set(_ names: [String], _ values: [Int]) { for (n, v) in zip(names, values) { words[n] = v } }
  mutating func define(_ name: String, _ value: Int) { defines[name] = value }
  mutating func addSegment(_ words: [Int], flags: Int) {
    segmentWords += words
    segmentFlags.append(flags)
  }
  static func word(_ region: Region?) -> Int { region?.offset ?? Call.absentOperand }

  /// Memory after the call, guard bands checked.
  func run(_ set: InstructionSet, groups: Int? = nil, threads: Int = 2) throws -> MemoryAfter {
    var values = defines
    if interface.readsSegments {
      values["SEGMENTS"] = segmentFlags.count
      for i in 0..<KernelInterface.maximumSegments {
        values["SEGMENT\(i)"] = i < segmentFlags.count ? segmentFlags[i] : 0
      }
    }
    let kernel = Kernel(
      name: interface.name,
      defines: try interface.defines.map { Define($0, try #require(values[$0], "define \($0)")) })
    let call = Call(
      kernel: 0, arenas: [0],
      words: try (interface.operands + interface.integers).map { try #require(words[$0], "word \($0)") }
        + segmentWords,
      groups: groups ?? self.groups, label: "test", layer: "test", pass: .forward)
    let plan = ExecutionPlan(
      model: "test", precision: .fp32, arenas: [Arena(name: "memory", sizeInBytes: image.count)],
      kernels: [kernel], programs: [Program(name: .predict, calls: [call])], tensors: [], parameters: [],
      buffers: [])
    let loaded = try CPUDevice(threads: threads, instructionSet: set).load(plan)
    let start = ArenaAddress(arena: 0, offsetInBytes: 0)
    try image.withUnsafeBytes { try loaded.write($0, to: start) }
    try loaded.run(.predict)
    var after = image
    try after.withUnsafeMutableBytes { try loaded.read($0, from: start) }
    for range in guards {
      let intact = after[range].allSatisfy { $0 == KernelCall.guardPattern }
      #expect(intact, "\(interface.name) wrote outside an operand, near \(range)")
    }
    return MemoryAfter(bytes: after)
  }

  /// Runs on every instruction set with 1, 2 and 5 groups and 1 to 3 threads: one set's results are equal
  /// to the bit; the result of each set is handed to `check`.
  func runEverywhere(_ check: (MemoryAfter) throws -> Void) throws {
    for set in InstructionSet.allCases where set.isSupported {
      let first = try run(set, groups: 1, threads: 1)
      try check(first)
      for (groups, threads) in [(2, 2), (5, 3)] {
        let other = try run(set, groups: groups, threads: threads)
        #expect(other.bytes == first.bytes, "\(interface.name) on \(set) depends on \(groups) groups")
      }
    }
  }
}

struct MemoryAfter {
  var bytes: [UInt8]

  func array<T>(_ region: Region, of type: T.Type) -> [T] {
    bytes.withUnsafeBytes { raw in
      (0..<region.count).map { raw.load(fromByteOffset: region.offset + $0 * MemoryLayout<T>.size,
          as: T.self) }
    }
  }
  func floats(_ region: Region) -> [Float] {
    region.isHalf ? array(region, of: Float16.self).map(Float.init) : array(region, of: Float.self)
  }
  func doubles(_ region: Region) -> [Double] { floats(region).map(Double.init) }
}

extension KernelCall {
  /// As `runEverywhere`, for calls with slots: their contents after the call mean nothing.
  func runEverywhereIgnoringScratch(_ check: (MemoryAfter) throws -> Void) throws {
    for set in InstructionSet.allCases where set.isSupported {
      for groups in [1, 2, 5] { try check(try run(set, groups: groups)) }
    }
  }
}
