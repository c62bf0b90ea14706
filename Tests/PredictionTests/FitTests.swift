import ExecutionPlan
import GraphCompiler
import LayerGraph
import Models
import Testing
import Training
import VoxCL

@Suite struct FitTests {
  private func solver(
    _ model: String, base: Int = 8, device: DeviceDescription = Devices.planningDescription
  ) throws -> (FitSolver, BuiltInModel, CompilerOptions) {
    let model = try #require(BuiltInModel.named(model))
    var options = CompilerOptions()
    options.predicts = false
    options.training = TrainingOptions(loss: try #require(LossCatalog.named("cross-entropy")))
    let start = model.defaultInput
    let solver = FitSolver(start: start, options: options, device: device) {
      try model.graph(input: $0, base: base)
    }
    return (solver, model, options)
  }

  @Test func theLargestPatchFitsAndTheNextDoesNot() throws {
    let (solver, model, options) = try solver("S3")
    let limit = 300 << 20
    let found = try solver.options(limit: limit, precisions: [.fp32])
    let best = try #require(found.first)
    #expect(best.input[0] == 2)  // the network's own batch first
    #expect(best.bytes <= limit)
    func bytes(_ extent: Extent) throws -> Int? {
      var options = options
      options.memoryBudget = limit
      let graph = try model.graph(input: Shape(batch: 2, channels: 1, extent: extent), base: 8)
      return try? compile(graph, options: options, device: Devices.planningDescription).plan.allocatedBytes
    }
    let extent = Extent(Array(best.input[2...]))
    #expect(try bytes(extent) == best.bytes)
    // 16 voxels are the smallest step; the proportions are 2:2:1.
    #expect(extent.allSatisfy { $0 % 16 == 0 })
    #expect(abs(extent.w * 2 - extent.d) <= 16 && extent.d == extent.h)
    #expect(try bytes(Extent(extent.d + 32, extent.h + 32, extent.w + 16)) == nil)
  }

  /// Patches whose tensors no allocation holds are among those that it tries.
  @Test func aDeviceOfSmallAllocationsGetsASmallerPatch() throws {
    var small = Devices.planningDescription
    small.maxAllocationBytes = 8 << 20
    let (solver, _, _) = try solver("unet3d", device: small)
    let (whole, _, _) = try self.solver("unet3d")
    let found = try solver.options(limit: 400 << 20, precisions: [.fp32])
    let best = try #require(found.first)
    #expect(best.bytes <= 400 << 20)
    #expect(try best.patchVoxels < whole.options(limit: 400 << 20, precisions: [.fp32])[0].patchVoxels)
  }

  /// Of 16 channels: up to eight are planes, which are stored as fp32 in mixed precision too.
  @Test func mixedPrecisionTakesALargerPatchAndNothingFitsNothing() throws {
    let (solver, _, _) = try solver("unet3d", base: 16)
    let found = try solver.options(limit: 200 << 20, precisions: Precision.allCases)
    let own = found.filter { $0.input[0] == 2 }
    #expect(own.map(\.precision) == ["mixed", "fp32"])
    #expect(own[0].patchVoxels > own[1].patchVoxels)
    #expect(found.allSatisfy { $0.bytes <= 200 << 20 })
    #expect(try solver.options(limit: 1000, precisions: Precision.allCases).isEmpty)
  }
}
