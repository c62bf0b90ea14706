import CPUBackend
import ExecutionPlan
import GraphCompiler
import LayerGraph
import OpenCLBackend
import Testing
import Training

/// Tensors that no cache holds are stored past the caches (`stream16` of kernels/arenas.cl): no other test has any.
@Suite struct LargeTensorTests {
  @Test(.enabled(if: !OpenCLDevice.all().isEmpty, "no OpenCL device here"))
  func streamedStoresEndWhereTheyShould() throws {
    let graph = try Graph("large", input: Shape(batch: 1, channels: 1, extent: Extent(76, 74, 77))) { _, x in
      x.conv(16).instanceNorm().leakyReLU().conv(16).instanceNorm().leakyReLU().conv(2, kernel: 1)
    }
    #expect(graph.inputShape.extent.count * 16 > 6_000_000)
    let batch = TestNetworks.batch(for: graph)
    func run(on device: any Device) throws -> (loss: Float, values: [Float]) {
      let plan = try compile(graph, options: TestNetworks.training("dice-ce"), device: device.description).plan
      #expect(Set(plan.kernels.map(\.name)).isSuperset(of: ["conv3d", "conv3d_winograd", "chain_backward"]))
      let session = try TrainingSession(
        device.load(plan), parameters: initialParameters(of: graph, seed: 3), optimizer: OptimizerSettings(),
        initialScale: 1, seed: 5)
      return try TestNetworks.gradients(session, batch)
    }
    let own = try run(on: CPUDevice()), other = try run(on: OpenCLDevice.all()[0])
    #expect(abs(own.loss - other.loss) < 1e-5)
    #expect(TestNetworks.error(other.values, own.values) < 1e-3)
  }
}
