import CPUBackend
import ExecutionPlan
import FoundationEssentials
import GraphCompiler
import LayerGraph
import Models
import Testing
import Training

/// Micro-batches each have a loss of their own, whose mean counts: where a loss or a norm looks at all samples
/// together, that is another number than one large batch's.
@Suite struct MicroBatchTests {
  struct Choice: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var loss: String
    var norm = UNet3D.Norm.instance
    var ignoresHalf = false
    var change: @Sendable (inout Loss) -> Void = { _ in }
  }

  static let choices = [
    Choice(testDescription: "batch Dice", loss: "dice") { $0.isOverBatch = true },
    Choice(testDescription: "class weights", loss: "cross-entropy") { $0.classWeights = [0.2, 1, 6] },
    Choice(testDescription: "ignore label", loss: "cross-entropy", ignoresHalf: true),
    Choice(testDescription: "batch norm", loss: "cross-entropy", norm: .batch),
  ]

  private func session(_ choice: Choice, batch: Int) throws -> TrainingSession {
    var unet = UNet3D()
    (unet.widths, unet.classes, unet.norm) = ([4, 6], 3, choice.norm)
    let graph = try Graph("unet3d", input: Shape(batch: batch, channels: 1, extent: Extent(4, 6, 8))) {
      [unet] in unet($0, $1)
    }
    var options = try TestNetworks.training(choice.loss)
    if var loss = options.training?.loss {
      choice.change(&loss)
      options.training?.loss = loss
    }
    let device = try CPUDevice()
    let plan = try compile(graph, options: options, device: device.description).plan
    return try TrainingSession(
      device.load(plan), parameters: initialParameters(of: graph, seed: 3), optimizer: OptimizerSettings(),
      classWeights: options.training?.loss.classWeights)
  }

  /// Two unlike samples: the second one is dim, and nearly all background.
  private func parts(_ choice: Choice) -> [MicroBatch] {
    (0..<2).map { n in
      let brightness: Float = n == 0 ? 1 : 0.3
      let input = (0..<192).map { (v: Int) -> Float in brightness * Float((v * 37 + v / 8 * 11) % 61) / 30 }
      let classes = (0..<192).map { (v: Int) -> Int32 in
        if choice.ignoresHalf && n == 1 && v % 8 < 4 { return -1 }
        return n == 0 ? Int32(v * 5 % 11 % 3) : v % 16 == 3 ? 2 : 0
      }
      return MicroBatch(input: input, target: .classes(classes))
    }
  }

  @Test(arguments: choices) func eachHasALossOfItsOwn(_ choice: Choice) throws {
    let parts = parts(choice)
    let one = try session(choice, batch: 1)
    let alone = try parts.map { try TestNetworks.gradients(one, $0) }
    for (index, part) in parts.enumerated() { try one.accumulate(part, index: index, of: 2, step: 0) }
    let mean = (alone[0].loss + alone[1].loss) / 2
    let found = try one.result().loss
    #expect(abs(found - mean) <= 1e-6 * mean)
    let gradients = zip(alone[0].values, alone[1].values).map { ($0 + $1) / 2 }
    #expect(TestNetworks.error(try one.gradients(), gradients) <= 1e-5)

    var classes: [Int32] = []
    for part in parts { if case .classes(let own) = part.target { classes += own } }
    let whole = try TestNetworks.gradients(
      session(choice, batch: 2), MicroBatch(input: parts.flatMap(\.input), target: .classes(classes)))
    #expect(abs(whole.loss - mean) > 1e-3 * mean)
    #expect(TestNetworks.error(whole.values, gradients) > 1e-2)
  }

  @Test func theDocumentationSaysSo() throws {
    let folder = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3)
    let path = (folder + ["README.md"]).joined(separator: "/")
    let words = String(decoding: try Data(contentsOf: URL(filePath: path)), as: UTF8.self)
      .split { $0 == " " || $0 == "\n" }.joined(separator: " ")
    #expect(words.contains("each have a loss of their own, whose mean is taken"))
    #expect(words.contains("batch Dice, class weights, the ignore label and batch norm therefore differ"))
  }
}
