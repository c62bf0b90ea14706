import CPUBackend
import ExecutionPlan
import GraphCompiler
import KernelCatalog
import LayerGraph
import Testing
import Training

@testable import OpenCLBackend

#if canImport(Glibc)
  import Glibc
#endif

/// A tuned plan runs other tiles and gives the same bits.
@Suite struct TuningTests {
  private let graph = try! TestNetworks.unet()
  private var options: CompilerOptions { get throws { try TestNetworks.training("dice-ce") } }

  private func plan(_ table: TuningTable, for device: DeviceDescription) throws -> Compilation {
    var device = device
    device.tuning = table
    return try compile(graph, options: options, device: device)
  }

  /// In round k, every convolution's k-th candidate.
  private func tables(_ device: DeviceDescription, _ rounds: Int) throws -> [TuningTable] {
    let sites = try plan(TuningTable(), for: device).convolutions
    #expect(sites.count > 8)
    return (0..<rounds).map { round in
      var table = TuningTable()
      for site in sites {
        let found = ConvolutionTiling.candidates(site.shape, device: device, count: rounds)
        table.choices[found[0].key(site.shape)] = found[min(round, found.count - 1)].choice
      }
      return table
    }
  }

  private func expectSameBits(on device: any Device, rounds: Int) throws {
    let batch = TestNetworks.batch(for: graph)
    func run(_ table: TuningTable) throws -> (kernels: [Kernel], values: [Float]) {
      let compiled = try plan(table, for: device.description)
      let session = try TrainingSession(
        device.load(compiled.plan), parameters: initialParameters(of: graph, seed: 3), optimizer: OptimizerSettings(),
        initialScale: 1, seed: 5)
      return (compiled.plan.kernels, try TestNetworks.gradients(session, batch).values)
    }
    let own = try run(TuningTable())
    let tables = try tables(device.description, rounds)
    // The first candidates are what the compiler takes by itself.
    #expect(try run(tables[0]).kernels == own.kernels)
    for table in tables[1...] {
      let other = try run(table)
      #expect(other.kernels != own.kernels)
      #expect(other.values == own.values)
    }
  }

  @Test func sameBitsOnTheCPU() throws { try expectSameBits(on: CPUDevice(), rounds: 4) }

  @Test(.enabled(if: !OpenCLDevice.all().isEmpty, "no OpenCL device here"))
  func sameBitsOnOpenCL() throws { try expectSameBits(on: OpenCLDevice.all()[0], rounds: 2) }

  /// A table of another version or by another hand must not make a plan that kernels cannot run.
  @Test func impossibleChoicesAreLeftOut() throws {
    let device = try CPUDevice().description
    let own = try plan(TuningTable(), for: device).plan
    let wrong = [
      TuningTable.Choice(outputBlocks: 0, run: 4), TuningTable.Choice(outputBlocks: 9, run: 4),
      TuningTable.Choice(outputBlocks: 1, run: 0), TuningTable.Choice(outputBlocks: 1, run: 1000),
      TuningTable.Choice(outputBlocks: 1, run: 4, tile: [1, 2]),
      TuningTable.Choice(outputBlocks: 1, run: 4, tile: [1, 2, 1000]),
      TuningTable.Choice(outputBlocks: 1, run: 1000, tile: [1, 1, 1]),
      TuningTable.Choice(outputBlocks: 1, run: 4, tile: [0, 1, 1]),
    ]
    for choice in wrong {
      var table = try tables(device, 1)[0]
      for key in table.choices.keys { table.choices[key] = choice }
      #expect(try plan(table, for: device).plan == own)
    }
    // Rows whose statistics a norm wants stay whole.
    var split = TuningTable()
    for key in try tables(device, 1)[0].choices.keys where key.hasPrefix("direct ") && key.contains("statistics ") {
      split.choices[key] = TuningTable.Choice(outputBlocks: 1, run: 4, tile: [1, 1, 4])
    }
    #expect(!split.choices.isEmpty)
    #expect(try plan(split, for: device).plan == own)
  }

  @Test(.enabled(if: !OpenCLDevice.all().isEmpty, "no OpenCL device here"))
  func tablesAreKeptAndDamagedOnesIgnored() throws {
    var template = Array("/tmp/voxcl-test-XXXXXX".utf8CString)
    try #require(mkdtemp(&template) != nil)
    let folder = String(decoding: template.dropLast().map(UInt8.init), as: UTF8.self)
    let record = OpenCLDevice.all()[0].record
    let store = try #require(TuningStore(record, folder: folder))
    #expect(store.read() == TuningTable())
    let first = TuningTable(choices: ["a b": TuningTable.Choice(outputBlocks: 2, run: 7)])
    let second = TuningTable(choices: ["c": TuningTable.Choice(outputBlocks: 1, run: 9, tile: [1, 2, 3])])
    store.add(first)
    store.add(second)
    #expect(store.read() == TuningTable(choices: first.choices.merging(second.choices) { $1 }))
    // One byte of the table changed: it counts as none, and the next writer makes it anew.
    let file = try #require(
      try listing(folder + "/tuning").first { $0.hasSuffix(".bin") }.map { "\(folder)/tuning/\($0)" })
    let descriptor = open(file, O_WRONLY)
    #expect(pwrite(descriptor, "X", 1, 50) == 1)
    close(descriptor)
    #expect(store.read() == TuningTable())
    store.add(first)
    #expect(store.read() == first)
  }

  private func listing(_ folder: String) throws -> [String] {
    let directory = try #require(opendir(folder))
    defer { closedir(directory) }
    var names: [String] = []
    while let entry = readdir(directory) {
      names.append(withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      })
    }
    return names
  }
}
