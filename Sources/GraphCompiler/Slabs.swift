import ExecutionPlan
import KernelCatalog

/// A convolution that writes over its input, slab by slab along D, where nothing else reads that input any more: one
/// full tensor is alive where there were two.
///
/// A slab's output goes to a tensor of its own and from there over the input's planes, once the next slab, which reads
/// the last of them too, is computed. The kernel is the convolution's own with its origin moved (Winograd's by whole
/// tiles), so each voxel comes from the same operations in the same order: the same bits.
struct SlabConvolution {
  /// Fewer slabs save too little, more cost launches.
  private static let fewestSlabs = 4
  private static let slabCount = 16
  /// Of the whole convolution's time, what launches so much smaller take more: 0.07 to 0.25 measured on PoCL.
  private static let launchLoss = 0.15
  /// Mean and M2 of sixteen channels.
  private static let statisticsBytes = 32 * 4

  let input: TensorID
  let output: TensorID
  /// Planes of the output, and of a slab.
  let planes: Int
  let slabPlanes: Int
  /// Rows (samples × channel blocks), and elements of a plane of one.
  let rows: Int
  let planeElements: Int
  let isHalf: Bool
  /// Of Winograd's tiles: a slab begins with a tile.
  private let tileDepth: Int
  /// What moving the origin by a plane adds to the word `padD`.
  private let padStep: Int
  /// Planes of the input that an output plane reads, less one; and how many of them lie before its own.
  private let reach: Int
  private let before: Int
  /// Statistics that the convolution leaves of each tile: how many tiles stand in a plane of them; 0 where it leaves none.
  private let tilesInPlane: Int
  /// Modelled time of the whole convolution.
  private let wholeSeconds: Double
  private let interface: KernelInterface

  var slabs: Int { (planes + slabPlanes - 1) / slabPlanes }
  private var elementBytes: Int { isHalf ? 2 : 4 }
  private var slabBytes: Int { rows * slabPlanes * planeElements * elementBytes }
  /// Slabs that stand in memory at once: a slab that the next one's planes reach back into has to wait for it.
  private var buffers: Int { before > 0 ? 2 : 1 }
  private func tilesBytes(_ planes: Int) -> Int {
    rows * ((planes + tileDepth - 1) / tileDepth) * tilesInPlane * Self.statisticsBytes
  }
  /// It leaves statistics of tiles, which the next call merges.
  var isMerged: Bool { tilesInPlane > 0 }
  /// Bytes less at the call than with a second full tensor.
  var savedInBytes: Int {
    rows * planes * planeElements * elementBytes - buffers * slabBytes + tilesBytes(planes) - tilesBytes(slabPlanes)
  }

  /// - Parameters:
  ///   - next: The call behind it.
  ///   - canGo: Whether a tensor may end with the call.
  /// - Returns: Nil where the call is no convolution of stride 1 between tensors of the same form, or too shallow.
  init?(_ call: ScheduledCall, next: ScheduledCall?, _ lowering: Lowering, canGo: (TensorID) -> Bool) {
    guard call.kernel.name == KernelCatalog.conv3d.name || call.kernel.name == KernelCatalog.conv3dWinograd.name,
      let interface = KernelCatalog.interface(call.kernel.name)
    else { return nil }
    func integer(_ name: String) -> Int { call.integer(interface.word(name)) }
    func define(_ name: String) -> Int { call.kernel.defines.first { $0.name == name }?.value ?? 0 }
    func axes(_ name: String) -> [Int] { ["D", "H", "W"].map { integer(name + $0) } }
    let isWinograd = call.kernel.name == KernelCatalog.conv3dWinograd.name
    guard axes("in") == axes("out"), axes("stride") == [1, 1, 1], define("ACCUMULATE") == 0,
      case .operand(let output, offsetInBytes: 0) = call.words[interface.word("out")]
    else { return nil }
    let stored = lowering.tensor(output)
    guard stored.layout == .blocked, stored.role == .activation || stored.role == .gradient,
      let input = Self.input(call, interface, like: output, lowering, canGo)
    else { return nil }
    let merges = next?.kernel.name == KernelCatalog.mergeStatistics.name
    guard define("STATISTICS") == 0 || merges else { return nil }

    (self.interface, self.input, self.output) = (interface, input, output)
    wholeSeconds = lowering.modelledSeconds(call)
    planes = integer("outD")
    rows = integer("N") * ((integer("outC") + 15) / 16)
    planeElements = 16 * integer("outH") * integer("outW")
    isHalf = stored.type == .float16
    let isTransposed = !isWinograd && define("TRANSPOSED") == 1
    padStep = isTransposed ? 1 : -1
    tileDepth = isWinograd && define("KD") == 3 ? define("M") : 1
    reach = (integer("kD") - 1) * (isWinograd ? 1 : integer("dilD"))
    before = max(0, isTransposed ? reach - integer("padD") : integer("padD"))
    func rounded(_ value: Int, up unit: Int) -> Int { (value + unit - 1) / unit * unit }
    let m = define("M")
    tilesInPlane =
      define("STATISTICS") == 0 ? 0  // a direct convolution's tiles are rows
      : isWinograd ? rounded(integer("outH"), up: m) / m * (rounded(integer("outW"), up: m) / m) : integer("outH")
    // Slab k + 2 reads no plane of slab k.
    let least = rounded(max(before, (planes + Self.slabCount - 1) / Self.slabCount), up: tileDepth)
    // A direct convolution is fastest in whole tiles, but may end anywhere.
    let whole = isWinograd ? least : rounded(least, up: integer("tileD"))
    slabPlanes = planes >= 2 * Self.fewestSlabs * whole ? whole : least
    guard slabs >= Self.fewestSlabs, rows * planes * planeElements * elementBytes == stored.sizeInBytes else { return nil }
  }

  /// The first tensor that the output may replace: as large, seen as it stands and once, and of no use behind the call.
  private static func input(
    _ call: ScheduledCall, _ interface: KernelInterface, like output: TensorID, _ lowering: Lowering,
    _ canGo: (TensorID) -> Bool
  ) -> TensorID? {
    let stored = lowering.tensor(output)
    let extent = ["inD", "inH", "inW"].map { call.integer(interface.word($0)) }
    let segments = stride(from: interface.segmentsAt, to: call.words.count, by: SegmentWord.count)
    for (i, at) in segments.enumerated() {
      func integers(_ words: [SegmentWord]) -> [Int] { words.map { call.integer(at + $0.rawValue) } }
      let flags = call.kernel.defines.first { $0.name == "SEGMENT\(i)" }?.value ?? 0
      guard flags & 3 == 0, integers([.cropD, .cropH, .cropW]) == [0, 0, 0],
        integers([.sourceD, .sourceH, .sourceW]) == extent
      else { continue }
      for word in [SegmentWord.tensor0, .tensor1] {
        guard case .operand(let id, offsetInBytes: 0) = call.words[at + word.rawValue] else { continue }
        let tensor = lowering.tensor(id)
        if tensor.role == .activation || tensor.role == .gradient, tensor.layout == stored.layout,
          tensor.type == stored.type, tensor.sizeInBytes == stored.sizeInBytes, id != output,
          call.tensors.filter({ $0 == id }).count == 1, canGo(id)
        {
          return id
        }
      }
    }
    return nil
  }

  /// What the slabs take beyond the whole convolution, by the compiler's model: the way back, planes at the borders that
  /// two slabs read, more launches, and what smaller ones lose.
  func extraSeconds(_ lowering: Lowering) -> Double {
    let moved = (2 * planes + (slabs - 1) * reach) * rows * planeElements * elementBytes
    let launches = slabs * (isMerged ? 3 : 2) - (isMerged ? 2 : 1)
    return Double(moved) / lowering.modelledBandwidth + Double(launches) * Lowering.modelledLaunchSeconds
      + Self.launchLoss * wholeSeconds
  }

  /// The slabs of a call like the one that this was made of, but for its tensors' names.
  /// - Parameters:
  ///   - merge: The call that merges the statistics, where they are wanted.
  ///   - place: The tensor that holds the input, and behind them the output.
  func calls(_ call: ScheduledCall, merge: ScheduledCall?, over place: TensorID, _ lowering: Lowering) -> [ScheduledCall] {
    let slabs = (0..<buffers).map { _ in
      lowering.scratch(
        "\(call.layer)/slab", [rows, slabPlanes, planeElements], .flat, isHalf ? .float16 : .float32, role: .workspace,
        layer: call.layer)
    }
    let tiles =
      isMerged
      ? lowering.scratch(
        "\(call.layer)/slab tiles", [tilesBytes(slabPlanes) / 4], role: .workspace, layer: call.layer) : nil
    var calls: [ScheduledCall] = []
    for slab in 0..<self.slabs {
      let range = slab * slabPlanes..<min(planes, (slab + 1) * slabPlanes)
      calls.append(convolution(call, range, into: slabs[slab % buffers], tiles))
      if let merge, let tiles { calls.append(merged(merge, range, tiles)) }
      if buffers == 1 {
        calls.append(stored(call, range, from: slabs[0], over: place, lowering))
      } else if slab > 0 {
        let last = range.lowerBound - slabPlanes..<range.lowerBound
        calls.append(stored(call, last, from: slabs[(slab - 1) % buffers], over: place, lowering))
      }
    }
    if buffers == 2 {
      let last = self.slabs - 1
      calls.append(stored(call, last * slabPlanes..<planes, from: slabs[last % buffers], over: place, lowering))
    }
    return calls
  }

  /// What of a whole falls to some planes; all together they are the whole.
  private func share(_ whole: Int, _ range: Range<Int>) -> Int {
    whole * range.upperBound / planes - whole * range.lowerBound / planes
  }

  private func convolution(
    _ call: ScheduledCall, _ range: Range<Int>, into slab: TensorID, _ tiles: TensorID?
  ) -> ScheduledCall {
    var part = call
    let pad = interface.word("padD")
    part.words[interface.word("out")] = .operand(slab, offsetInBytes: 0)
    part.words[interface.word("outD")] = .integer(range.count)
    part.words[pad] = .integer(call.integer(pad) + padStep * range.lowerBound)
    if let tiles { part.words[interface.word("tiles")] = .operand(tiles, offsetInBytes: 0) }
    let mask = interface.word("mask")
    if case .operand(let outputs, let offset) = call.words[mask] {
      part.words[mask] = .operand(outputs, offsetInBytes: offset + range.lowerBound * planeElements * elementBytes)
    }
    part.label += planesLabel(range)
    (part.flops, part.traffic) = (share(call.flops, range), share(call.traffic, range))
    return part
  }

  private func merged(_ merge: ScheduledCall, _ range: Range<Int>, _ tiles: TensorID) -> ScheduledCall {
    let interface = KernelCatalog.mergeStatistics
    let word = interface.word("partials")
    guard case .operand(let partials, let offset) = merge.words[word] else {
      preconditionFailure("internal: statistics without partials")
    }
    var part = merge
    part.words[interface.word("tiles")] = .operand(tiles, offsetInBytes: 0)
    // A chunk is a plane of tiles.
    part.words[word] = .operand(
      partials, offsetInBytes: offset + range.lowerBound / tileDepth * Self.statisticsBytes)
    part.words[interface.word("D")] = .integer(range.count)
    part.label += planesLabel(range)
    part.traffic = share(merge.traffic, range)
    return part
  }

  private func stored(
    _ call: ScheduledCall, _ range: Range<Int>, from slab: TensorID, over place: TensorID, _ lowering: Lowering
  ) -> ScheduledCall {
    let planeBytes = planeElements * elementBytes
    let elements = range.count * planeElements
    return ScheduledCall(
      kernel: Kernel(name: KernelCatalog.storePlanes.name, defines: [Define("HALF", isHalf ? 1 : 0)]),
      words: [
        .operand(place, offsetInBytes: range.lowerBound * planeBytes), .operand(slab, offsetInBytes: 0), .integer(rows),
        .integer(elements), .integer(planes * planeElements),
      ],
      groups: lowering.groups, layer: call.layer, pass: call.pass, label: call.label + planesLabel(range) + " stored",
      flops: 0, traffic: 2 * rows * elements * elementBytes)
  }

  private func planesLabel(_ range: Range<Int>) -> String { ", planes \(range.lowerBound) to \(range.upperBound - 1)" }
}

extension ScheduledCall {
  func integer(_ word: Int) -> Int {
    guard case .integer(let value) = words[word] else { preconditionFailure("internal: word \(word) of \(label)") }
    return value
  }
}
