import CPUBackend
import GraphCompiler
import LayerGraph
import Testing
import Training

/// What has no gradient rule is refused with its layer's name, never trained wrongly.
@Suite struct StoredConcatTests {
  static let networks: [(String, @Sendable (LayerGraph.Network, Tensor) -> Tensor)] = [
    ("pool", { _, x in x.conv(20).relu().concat(x.conv(3).relu()).maxPool(2).conv(3) }),
    ("norm", { _, x in x.conv(20).relu().concat(x.conv(3).relu()).instanceNorm().relu().conv(3) }),
    (
      "sum",
      { _, x in
        let both = x.conv(20).concat(x.conv(3))
        return both.conv(23).relu().add(both).conv(3)
      }
    ),
    ("activation", { _, x in x.conv(20).concat(x.conv(3)).relu().conv(3) }),
    ("output", { _, x in x.conv(2).concat(x.conv(3)) }),
  ]

  @Test(arguments: networks.map(\.0)) func aStoredConcatIsRefusedInTraining(_ name: String) throws {
    let declare = Self.networks.first { $0.0 == name }!.1
    let graph = try Graph(name, input: Shape(batch: 1, channels: 1, extent: Extent(4, 6, 8)), declare)
    var options = CompilerOptions()
    _ = try compile(graph, options: options, device: CPUDevice().description)
    options.training = TrainingOptions(loss: LossCatalog.named("dice-ce")!)
    #expect {
      _ = try compile(graph, options: options, device: CPUDevice().description)
    } throws: { error in
      "\(error)".contains("concat.0: training can read a concatenation by convolutions")
    }
  }
}
