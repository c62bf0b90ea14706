import ExecutionPlan
import KernelCatalog

extension BackwardPass {
  /// Lets the call that completes a gradient take it on through a relu or leaky relu itself: no pass of its own that
  /// reads and writes the gradient again.
  /// - Parameters:
  ///   - g: The gradient of the activation's output, `outputs`.
  /// - Returns: Whether `g` now is the gradient of the activation's input. Not where its last part came from a kernel that
  ///   has no mask, from several calls, or from one that has a mask already: g then came through a sum as it was.
  func masks(_ g: TensorID, with outputs: TensorID, _ activation: Activation, _ slope: Double) -> Bool {
    guard [.relu, .leaky].contains(activation),
      let last = lowering.program.calls.lastIndex(where: { $0.tensors.contains(g) })
    else { return false }
    let (stored, z) = (lowering.tensor(g), lowering.tensor(outputs))
    guard (stored.layout, stored.type, stored.shape) == (z.layout, z.type, z.shape) else { return false }
    var call = lowering.program.calls[last]
    guard let mask = call.kernel.defines.firstIndex(where: { $0.name == "MASK" }), call.kernel.defines[mask].value == 0
    else { return false }
    switch call.kernel.name {
    case KernelCatalog.conv3d.name, KernelCatalog.conv3dWinograd.name:
      let interface = KernelCatalog.interface(call.kernel.name)!
      guard call.writesAll(of: g, stored.shape, interface, "out", ["N", "outC"]) else { return false }
      call.words[interface.word("mask")] = .operand(outputs, offsetInBytes: 0)
      call.words[interface.word("slopeBits")] = .float(slope)
      call.traffic += z.sizeInBytes
    case KernelCatalog.maxPoolBackward.name:
      let interface = KernelCatalog.maxPoolBackward
      guard call.writesAll(of: g, stored.shape, interface, "gIn", ["N", "C"]),
        call.reads(outputs, z, interface)
      else { return false }
      call.words[interface.word("slopeBits")] = .float(slope)
    default: return false
    }
    call.kernel.defines[mask].value = activation.rawValue
    lowering.program.calls[last] = call
    return true
  }
}

extension ScheduledCall {
  /// Whether the call's output is all samples and channels of a tensor.
  fileprivate func writesAll(
    of g: TensorID, _ shape: [Int], _ interface: KernelInterface, _ output: String, _ counts: [String]
  ) -> Bool {
    guard case .operand(g, offsetInBytes: 0) = words[interface.word(output)], tensors.count(where: { $0 == g }) == 1
    else { return false }
    return counts.map { integer(interface.word($0)) } == Array(shape.prefix(2))
  }

  /// Whether the first segment's values are those of a tensor, as they stand there.
  fileprivate func reads(_ id: TensorID, _ tensor: VirtualTensor, _ interface: KernelInterface) -> Bool {
    func word(_ word: SegmentWord) -> Word { words[interface.segmentsAt + word.rawValue] }
    func integers(_ words: [SegmentWord]) -> [Int] {
      words.map { integer(interface.segmentsAt + $0.rawValue) }
    }
    guard case .operand(id, offsetInBytes: 0) = word(.tensor0) else { return false }
    var plain = SegmentFlags()
    plain.isPlanar = tensor.layout == .planar
    plain.terms[0].isHalf = tensor.type == .float16
    return kernel.defines.first { $0.name == "SEGMENT0" }?.value == plain.bits
      && integers([.cropD, .cropH, .cropW]) == [0, 0, 0]
      && integers([.sourceD, .sourceH, .sourceW]) == Array(tensor.shape.suffix(3))
  }
}
