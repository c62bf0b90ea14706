import CPUBackend
import ExecutionPlan
import GraphCompiler
import LayerGraph
import Testing
import Training

#if canImport(Glibc)
  import Glibc
#endif

/// Padding and what the annotator left open count in no loss, those of coarse heads included.
@Suite struct IgnoredVoxelTests {
  /// Pointwise at three levels, so that a voxel's logits, and a coarse voxel's, depend on its own block alone.
  private func supervised(_ weights: [Double]) throws -> Graph {
    try Graph("supervised", input: Shape(batch: 2, channels: 1, extent: 8)) { net, x in
      let fine = x.conv(6, kernel: 1).tanh()
      let middle = fine.averagePool(2).conv(5, kernel: 1).tanh()
      let coarse = middle.averagePool(2).conv(4, kernel: 1).tanh()
      net.outputWeight = weights[0]
      net.supervise(coarse.conv(3, kernel: 1), weight: weights[2])
      net.supervise(middle.conv(3, kernel: 1), weight: weights[1])
      return fine.conv(3, kernel: 1)
    }
  }

  /// The first 4³ voxels of the second sample: one voxel of the coarsest head.
  private func isInBlock(_ index: Int) -> Bool {
    index >= 512 && index % 8 < 4 && index / 8 % 8 < 4 && index / 64 % 8 < 4
  }

  /// Whatever the image holds there, no bit of loss and gradient changes, at each level by itself.
  @Test(arguments: [
    "cross-entropy", "weighted-ce", "focal", "dice-ce", "generalised-dice", "tversky", "bce", "focal-bce", "dice-bce",
  ])
  func noHeadSeesThem(_ name: String) throws {
    for weights in [[1.0, 0, 0], [0, 1, 0], [0, 0, 1]] {
      let graph = try supervised(weights)
      let options = try TestNetworks.training(name)
      let session = try TestNetworks.session(graph, options)
      let isSigmoid = options.training?.loss.sigmoid == true
      func run(_ input: [Float], ignoring: Bool) throws -> (loss: Float, values: [Float]) {
        let classes = (0..<1024).map { ignoring && isInBlock($0) ? -1 : Int32($0 * 5 % 7 % 3) }
        let channels = (0..<2 * 3 * 512).map { (index: Int) -> Float in
          let (n, c, v) = (index / 1536, Int32(index / 512 % 3), index % 512)
          let own = classes[512 * n + v]
          return own < 0 ? -1 : own == c ? 1 : 0
        }
        return try TestNetworks.gradients(
          session, MicroBatch(input: input, target: isSigmoid ? .channels(channels) : .classes(classes)))
      }
      let input = TestNetworks.batch(for: graph).input
      let other = input.indices.map { isInBlock($0) ? 3 - input[$0] : input[$0] }
      let (first, second) = (try run(input, ignoring: true), try run(other, ignoring: true))
      #expect(first.loss == second.loss && first.loss > 0)
      #expect(first.values == second.values && first.values.contains { $0 != 0 })
      #expect(try run(input, ignoring: false).loss != run(other, ignoring: false).loss)
    }
  }

  /// Nor do they in what a mean is divided by: binary cross-entropy and Dice by their definitions.
  @Test func sigmoidLossesAreMeansOverWhatCounts() throws {
    let graph = try Graph("pointwise", input: Shape(batch: 1, channels: 1, extent: Extent(3, 4, 5))) { _, x in
      x.conv(4, kernel: 1).tanh().conv(2, kernel: 1)
    }
    let input = TestNetworks.batch(for: graph).input
    let target = (0..<120).map { Float([1, 0, -1, 1, 0][($0 + $0 / 7) % 5]) }
    let logits = try TestNetworks.session(graph, TestNetworks.training("bce") { $0.predicts = true }).predict(input)
    var (entropy, count) = (0.0, 0.0)
    var overlaps: [Double] = []
    for c in 0..<2 {
      var (both, sum) = (0.0, 0.0)
      for v in 0..<60 where target[60 * c + v] >= 0 {
        let (y, p) = (Double(target[60 * c + v]), 1 / (1 + exp(-Double(logits[60 * c + v]))))
        entropy -= y * log(p) + (1 - y) * log(1 - p)
        count += 1
        both += y * p
        sum += y + p
      }
      overlaps.append((2 * both + 1e-5) / (sum + 1e-5))
    }
    let dice = 1 - (overlaps[0] + overlaps[1]) / 2
    #expect(count == Double(target.count { $0 >= 0 }) && count < 120)
    for (name, expected) in [("bce", entropy / count), ("dice-bce", dice + entropy / count)] {
      let session = try TestNetworks.session(graph, TestNetworks.training(name))
      let found = try TestNetworks.gradients(session, MicroBatch(input: input, target: .channels(target))).loss
      #expect(abs(Double(found) - expected) < 1e-5 * expected, "\(name): \(found), not \(expected)")
    }
  }
}
