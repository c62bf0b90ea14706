import LayerGraph
import Models
import Testing

@Suite struct ModelTests {
  @Test(arguments: [
    ("S0", 19_073_730), ("S0-renorm", 19_073_730), ("S1-as-code", 5_890_978), ("S1-as-text", 9_984_418),
    ("S2", 5_836_099), ("S3", 10_484_894), ("s3-prostate", 10_484_894), ("S4", 2_575_741), ("R1", 31_190_243),
    ("R2", 31_196_399),
  ])
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
        let bad = x.conv(4).add(x.conv(3))
        return pooled.concat(bad).conv(2, kernel: 1)
      }
    } throws: { error in
      let lines = (error as? GraphError)?.mistakes.map(\.description) ?? []
      return lines.count == 2
        && lines[0].hasSuffix("unet3d/encoder.1/pool.0: extents 32×25×32 are no multiple of the window 2³")
        && lines[0].hasPrefix("ModelTests.swift:") && lines[1].contains("shapes 1×4×32×25×32 and 1×3×32×25×32 differ")
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

  /// What every author gets wrong once, in one network: all of it is reported, each with its line.
  @Test func mistakesOfEveryKindAreReportedTogether() {
    var lines: [UInt] = []
    let error = #expect(throws: GraphError.self) {
      _ = try Graph("wrong", input: Shape(batch: 1, channels: 6, extent: Extent(4, 6, 8))) { net, x in
        _ = x.conv(4, groups: 4); lines.append(#line)
        _ = x.conv(4, kernel: 3, padding: .valid, dilation: 2); lines.append(#line)
        _ = x.conv(4, stride: 0); lines.append(#line)
        _ = x.norm(Normalisation(.group, groups: 4)); lines.append(#line)
        _ = x.dropout(1); lines.append(#line)
        _ = x.maxPool(3, stride: 1, padding: 2); lines.append(#line)
        _ = x.averagePool(5); lines.append(#line)
        _ = x.resize(.nearest, to: 4, alignCorners: true); lines.append(#line)
        _ = x.pad(low: 4, high: 0, .reflect); lines.append(#line)
        _ = x.crop(to: 5); lines.append(#line)
        _ = x.multiply(x.conv(4, name: "narrow")); lines.append(#line)
        _ = x.upConv(2, padding: 9); lines.append(#line)
        net.supervise(x.conv(3, stride: 3, name: "coarse"), weight: -1); lines.append(#line)
        return x.conv(2, name: "out")
      }
    }
    let mistakes = error?.mistakes ?? []
    for line in lines {
      #expect(mistakes.contains { $0.line == line && $0.file == "ModelTests.swift" }, "line \(line)")
    }
    #expect(mistakes.contains { $0.path == "wrong/coarse" && $0.message.contains("channels") })
    #expect(mistakes.contains { $0.path == "wrong/coarse" && $0.message.contains("no multiple") })
    #expect(mistakes.contains { $0.path == "wrong/narrow" && $0.message == "nothing reads this layer's output" })
  }

  /// A channel of one voxel is its own mean: what a norm leaves of it is β alone.
  @Test func instanceNormOverOneVoxelIsAMistake() {
    func mistakes(_ extent: Extent) -> [String] {
      var unet = UNet3D()
      unet.widths = [4, 8, 8]
      do {
        _ = try Graph("unet3d", input: Shape(batch: 2, channels: 1, extent: extent)) { [unet] in unet($0, $1) }
        return []
      } catch { return error.mistakes.map { "\($0.path): \($0.message)" } }
    }
    let found = mistakes(4)
    #expect(found.allSatisfy { $0.contains("instance norm over a single value (extents 1³)") })
    #expect(found.first?.hasPrefix("unet3d/encoder.2/") == true)
    // One thin axis is no single voxel.
    #expect(mistakes(Extent(4, 4, 8)).isEmpty)
  }

  @Test func emptyNetworksAreMistakes() {
    let shape = Shape(batch: 1, channels: 2, extent: 4)
    let error = #expect(throws: GraphError.self) {
      try Graph("empty", input: shape) { _, x in x }
    }
    #expect(error?.description.contains("the network is empty") == true)
    #expect(throws: GraphError.self) { try Graph("zero", input: Shape(batch: 1, channels: 0, extent: 4)) { $1.conv(2) } }
  }
}
