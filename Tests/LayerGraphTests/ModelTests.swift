import LayerGraph
import Models
import Testing

@Suite struct ModelTests {
  @Test(arguments: [("S2", 5_836_099), ("S3", 10_484_894), ("s3-prostate", 10_484_894)])
  func parameterCounts(name: String, count: Int) throws {
    let model = try #require(BuiltInModel.named(name))
    #expect(try model.graph().parameterCount == count)
  }

  /// Decoder of nnU-Net's plain six-stage network without deep supervision: R2 less its four coarse heads.
  @Test func nnUNetShape() throws {
    var unet = UNet3D()
    unet.widths = [32, 64, 128, 256, 320, 320]
    unet.classes = 3
    unet.down = .strided
    let graph = try Graph("r2", input: Shape(batch: 2, channels: 1, extent: 128)) { unet($0, $1) }
    #expect(graph.parameterCount == 31_196_399 - 963 - 771 - 387 - 195)
    #expect(graph.outputShape.axes == [2, 3, 128, 128, 128])
  }

  @Test func everyMistakeIsReportedWithItsPlace() {
    #expect {
      _ = try Graph("unet3d", input: Shape(batch: 1, channels: 1, extent: Extent(32, 25, 32))) { net, x in
        let pooled = net.scope("encoder.1") { x.maxPool(2) }
        let bad = x.conv(4).add(x)
        return pooled.concat(bad).conv(2, kernel: 1)
      }
    } throws: { error in
      let lines = (error as? GraphError)?.mistakes.map(\.description) ?? []
      return lines.count == 2
        && lines[0].hasSuffix("unet3d/encoder.1/pool.0: extents 32×25×32 are no multiple of the window 2³")
        && lines[0].hasPrefix("ModelTests.swift:") && lines[1].contains("shapes 1×4×32×25×32 and 1×1×32×25×32 differ")
    }
  }

  @Test func unreadLayersAndEmptyNetworksAreMistakes() {
    let shape = Shape(batch: 1, channels: 2, extent: 4)
    #expect(throws: GraphError.self) { try Graph("a", input: shape) { _, x in x } }
    #expect(throws: GraphError.self) {
      try Graph("b", input: shape) { _, x in
        _ = x.conv(3)
        return x.conv(2)
      }
    }
    #expect(throws: GraphError.self) {
      try Graph("c", input: shape) { _, x in x.conv(2, name: "same").conv(2, name: "same") }
    }
  }
}
