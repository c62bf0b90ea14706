import CPUBackend
import ExecutionPlan
import GraphCompiler
import KernelCatalog
import LayerGraph
import OpenCLBackend
import Testing
import Training

/// A convolution that writes over its input, slab by slab, changes no bit.
@Suite struct SlabTests {
  enum Network: CaseIterable {
    case norms, plain, flat, dilated, even, pointwise, skips, joined, overhanging, overhangingFar
  }

  /// Twenty channels make two blocks; 37 planes no whole number of tiles, nor of slabs.
  private func graph(_ network: Network) throws -> Graph {
    try Graph("slabs", input: Shape(batch: 2, channels: 1, extent: Extent(37, 13, 14))) { _, x in
      var x = x.conv(20)
      for _ in 0..<3 {
        x =
          switch network {
          case .norms: x.instanceNorm().leakyReLU().conv(20)
          case .plain: x.relu().conv(20)
          case .flat: x.relu().conv(20, kernel: Extent(1, 3, 3))
          case .dilated: x.relu().conv(20, kernel: Extent(3, 1, 3), dilation: Extent(2, 1, 1))
          case .even: x.relu().conv(20, kernel: Extent(4, 2, 1))
          case .pointwise: x.relu().conv(20, kernel: 1)
          case .skips: x.add(x.instanceNorm().leakyReLU().conv(20).instanceNorm().relu().conv(20))
          case .joined: x.concat(x.relu().conv(20)).conv(20)
          // Planes that the data gradient reads lie one, or three, before all that a centred kernel would.
          case .overhanging:
            x.relu().upConv(20, kernel: 1, stride: 1, padding: Extent(1, 0, 0), outputPadding: Extent(2, 0, 0))
          case .overhangingFar:
            x.relu().upConv(20, kernel: Extent(3, 1, 1), stride: 1, padding: Extent(3, 0, 0), outputPadding: Extent(4, 0, 0))
          }
      }
      return x.instanceNorm().relu().conv(3, kernel: 1)
    }
  }

  /// Labels of the convolutions that write over their input where every one does that can.
  private func overlaid(
    _ network: Network, _ algorithm: ConvolutionAlgorithm, _ precision: Precision, on device: any Device
  ) throws -> [String] {
    let graph = try graph(network)
    let batch = TestNetworks.batch(for: graph)
    var options = try TestNetworks.training("dice-ce") {
      $0.precision = precision
      $0.algorithm = algorithm
    }
    func run() throws -> (compilation: Compilation, loss: Float, values: [Float]) {
      let compilation = try compile(graph, options: options, device: device.description)
      let session = try TrainingSession(
        device.load(compilation.plan), parameters: initialParameters(of: graph, seed: 3), optimizer: OptimizerSettings(),
        initialScale: 1, seed: 5)
      let result = try TestNetworks.gradients(session, batch)
      return (compilation, result.loss, result.values)
    }
    let whole = try run()
    func expectSameBits(_ fitted: (compilation: Compilation, loss: Float, values: [Float])) {
      #expect(fitted.loss.bitPattern == whole.loss.bitPattern)
      #expect(fitted.values.map(\.bitPattern) == whole.values.map(\.bitPattern))
    }
    options.memoryBudget = try #require(memoryTimeCurve(of: graph, options: options, device: device.description).last).bytes
    let least = try run()
    expectSameBits(least)
    #expect(least.compilation.plan.allocatedBytes <= options.memoryBudget!)
    options.memoryBudget = nil
    options.savesAll = true
    let all = try run()
    expectSameBits(all)
    let plan = all.compilation.plan
    for site in all.compilation.convolutions {
      let call = try #require(plan.programs.first { $0.name == site.program }).calls[site.call]
      #expect(plan.kernels[call.kernel].name.hasPrefix("conv3d"))
    }
    return try #require(all.compilation.memory.recompute).overlaid
  }

  private func check(_ network: Network, _ precision: Precision, on device: any Device) throws {
    for algorithm in [ConvolutionAlgorithm.direct, .winograd] {
      let labels = try overlaid(network, algorithm, precision, on: device)
      #expect(labels.contains { $0.hasSuffix(" data gradient") }, "\(labels)")
      if [.norms, .plain, .flat].contains(network) {
        #expect(labels.contains { $0.hasSuffix(" forward") }, "\(labels)")
        #expect(labels.contains { $0.hasSuffix(" forward again") }, "\(labels)")
      }
    }
  }

  @Test(arguments: Network.allCases)
  func slabsChangeNoBit(_ network: Network) throws {
    try check(network, .fp32, on: CPUDevice(threads: 2))
  }

  @Test func slabsOfHalvesChangeNoBit() throws {
    try check(.norms, .mixed, on: CPUDevice(threads: 2))
  }

  @Test(
    .enabled(if: !OpenCLDevice.all().isEmpty, "no OpenCL device here"),
    arguments: [Network.norms, .flat, .skips, .overhanging])
  func slabsChangeNoBitByOpenCL(_ network: Network) throws {
    try check(network, network == .skips ? .mixed : .fp32, on: OpenCLDevice.all()[0])
  }
}
