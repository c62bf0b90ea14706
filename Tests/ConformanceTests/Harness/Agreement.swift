import CPUBackend
import ExecutionPlan
import KernelCatalog
import OpenCLBackend
import Testing

/// The devices under test.
enum Devices {
  static let opencl = OpenCLDevice.all()
  /// One for each instruction set of this processor, the best last.
  static let cpu = InstructionSet.allCases.filter(\.isSupported).compactMap {
    try? CPUDevice(threads: 2, instructionSet: $0)
  }
}

/// Runs a case on the CPU backend with every instruction set and on every OpenCL device: outputs agree,
/// nothing else is written, and the number of groups changes no bit.
func expectAgreement(_ test: KernelCase, sourceLocation: SourceLocation = #_sourceLocation) {
  guard let best = Devices.cpu.last else {
    Issue.record("the CPU backend gives no device", sourceLocation: sourceLocation)
    return
  }
  let reference = outputs(test, best, "cpu", sourceLocation)
  var others = Devices.opencl.map { ($0 as any Device, $0.description.id) }
  others += Devices.cpu.dropLast().map { ($0, "cpu \($0.instructionSet.rawValue)") }
  for (device, name) in others {
    guard let outputs = outputs(test, device, name, sourceLocation), let reference else { continue }
    for (output, expected) in zip(outputs, reference) {
      if let difference = difference(output, expected, test.tolerance) {
        Issue.record(
          "\(name), \(output.name): \(difference)\n\(test.description)", sourceLocation: sourceLocation)
      }
    }
  }
}

private func outputs(
  _ test: KernelCase, _ device: any Device, _ name: String, _ sourceLocation: SourceLocation
) -> [Output]? {
  do {
    let outputs = try test.run(on: device, groups: 3)
    for groups in [1, 8] {
      let others = try test.run(on: device, groups: groups)
      for (output, other) in zip(outputs, others) where output != other {
        let i = zip(output.bytes, other.bytes).enumerated().first { $1.0 != $1.1 }?.offset ?? 0
        Issue.record(
          """
          \(name), \(output.name): \(groups) groups give another result than 3, from byte \(i) of \
          \(output.bytes.count)
          \(test.description)
          """, sourceLocation: sourceLocation)
      }
    }
    return outputs
  } catch {
    Issue.record("\(name): \(error)\n\(test.description)", sourceLocation: sourceLocation)
    return nil
  }
}

/// The worst element, in words; nil where all agree. Poison that stayed in an output is a difference.
private func difference(_ output: Output, _ expected: Output, _ tolerance: Double) -> String? {
  let (a, b) = (output.values, expected.values)
  let finite = b.filter(\.isFinite)
  let scale = finite.isEmpty ? 0 : (finite.reduce(0) { $0 + $1 * $1 } / Double(finite.count)).squareRoot()
  // Half an ulp either way of two sums that round apart, and the smallest subnormal.
  let half = output.type == .float16
  let relative = half ? max(tolerance, 1.1e-3) : tolerance
  var worst: (excess: Double, at: Int) = (1, -1)
  var count = 0
  for i in a.indices {
    let allowed = relative * abs(b[i]) + tolerance * scale + (half ? 6e-8 : 0) + 1e-30
    let excess = abs(a[i] - b[i]) / allowed
    if a[i].isFinite && b[i].isFinite && excess <= 1 || a[i] == b[i] { continue }
    // A NaN that was computed is right where the other has one too.
    if a[i].isNaN && b[i].isNaN && !output.isPoison(i) && !expected.isPoison(i) { continue }
    count += 1
    if !excess.isFinite || excess > worst.excess { worst = (excess.isFinite ? excess : .infinity, i) }
  }
  guard count > 0 else { return nil }
  return """
    \(count) of \(a.count) elements differ; the worst is element \(worst.at): \(a[worst.at]), \
    the CPU has \(b[worst.at])
    """
}
