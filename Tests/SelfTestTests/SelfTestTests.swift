import CPUBackend
import ExecutionPlan
import KernelCatalog
import LayerGraph
import OpenCLBackend
import Testing

@testable import SelfTest

@Suite(.serialized) struct SelfTestTests {
  /// Whoever adds an operation or a kernel adds it here too.
  @Test func everyKernelAndOperationIsExercised() throws {
    let device = try CPUDevice()
    var kernels: Set<String> = []
    var operations: Set<String> = []
    for test in SelfTestCase.all {
      let graph = try test.graph()
      operations.formUnion(graph.nodes.map(\.op.name))
      let plan = try SelfTestRun.compilation(test, graph, .fp32, device.description).plan
      kernels.formUnion(plan.kernels.map(\.name))
    }
    // No step of a network runs these; ConformanceTests do.
    #expect(Set(KernelCatalog.all.map(\.name)).subtracting(kernels) == ["probabilities", "device_limit"])
    let all = [
      "input", "conv", "upconv", "norm", "relu", "leakyrelu", "sigmoid", "elu", "silu", "gelu", "tanh", "prelu", "dropout",
      "pool", "avgpool", "upsample", "resize", "pad", "concat", "add", "multiply", "crop", "softmax",
    ]
    #expect(Set(all).subtracting(operations).isEmpty)
  }

  @Test func theCPUPassesItsOwnTest() throws {
    let report = try SelfTest().run(SelfTest.jobs(), on: CPUDevice(instructionSet: .baseline))
    #expect(report.isPassed, "\(report.wrongOperations)")
    #expect(report.checks.count > 900)
  }

  /// A sample; `voxcl selftest` runs all of it.
  @Test(
    .enabled(if: !OpenCLDevice.all().isEmpty, "no OpenCL device"),
    arguments: ["multiply", "pool", "resize", "pad", "PReLU", "group norm", "renorm", "exact integers", "stored"])
  func openCLPasses(_ filter: String) throws {
    for device in OpenCLDevice.all() {
      let report = try SelfTest().run(SelfTest.jobs(filter), on: device)
      let wrong = report.checks.filter { !$0.passes }.map { "\($0.variant) \($0.precision) \($0.what) \($0.error)" }
      #expect(report.isPassed, "\(device.description.id): \(wrong) \(report.failures.map(\.message))")
      #expect(!report.checks.isEmpty)
    }
  }

  @Test(arguments: [BrokenDevice.Fault.wrongBit, .writesBehind, .differsFromRunToRun])
  func faultsAreFound(_ fault: BrokenDevice.Fault) throws {
    let jobs = SelfTest.jobs("multiply: by a map", [.fp32])
    let report = try SelfTest().run(jobs, on: BrokenDevice(CPUDevice(), fault))
    #expect(report.wrongOperations == ["multiply"])
    let what = report.checks.filter { !$0.passes }.map(\.what)
    switch fault {
    case .wrongBit: #expect(what.contains("gradient"))
    case .writesBehind: #expect(what.contains("guard bands"))
    case .differsFromRunToRun: #expect(what.contains("repetition"))
    }
  }
}

/// A device that does what a bad driver does.
final class BrokenDevice: Device {
  enum Fault: Sendable { case wrongBit, writesBehind, differsFromRunToRun }
  private let whole: any Device
  private let fault: Fault
  var description: DeviceDescription { whole.description }

  init(_ whole: any Device, _ fault: Fault) {
    self.whole = whole
    self.fault = fault
  }
  func load(_ plan: ExecutionPlan) throws -> any LoadedPlan { BrokenPlan(try whole.load(plan), fault) }
}

private final class BrokenPlan: LoadedPlan {
  let whole: any LoadedPlan
  let fault: BrokenDevice.Fault
  nonisolated(unsafe) static var runs = 0
  var plan: ExecutionPlan { whole.plan }
  var allocatedBytes: Int { whole.allocatedBytes }

  init(_ whole: any LoadedPlan, _ fault: BrokenDevice.Fault) {
    self.whole = whole
    self.fault = fault
  }

  func write(_ bytes: UnsafeRawBufferPointer, to address: ArenaAddress) throws { try whole.write(bytes, to: address) }
  func read(_ bytes: UnsafeMutableRawBufferPointer, from address: ArenaAddress) throws {
    try whole.read(bytes, from: address)
  }
  func profile(_ program: ProgramName) throws -> [Double] { try whole.profile(program) }
  func run(_ program: ProgramName) throws {
    try whole.run(program)
    guard program == .accumulate, let gradients = plan.tensor("gradients") else { return }
    var value: Float = 0
    switch fault {
    case .wrongBit: value = 17
    case .differsFromRunToRun:
      try withUnsafeMutableBytes(of: &value) { try read($0, from: gradients.address) }
      Self.runs += 1
      value += Self.runs % 2 == 0 ? value.ulp : 0
    case .writesBehind:
      // The last byte of the scratch arena belongs to no tensor.
      var byte: UInt8 = 3
      let end = ArenaAddress(arena: 1, offsetInBytes: plan.arenas[1].sizeInBytes - 1)
      return try withUnsafeBytes(of: &byte) { try write($0, to: end) }
    }
    try withUnsafeBytes(of: &value) { try write($0, to: gradients.address) }
  }
}
