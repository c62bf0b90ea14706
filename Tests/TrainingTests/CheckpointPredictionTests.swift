import CPUBackend
import ExecutionPlan
import Testing
import Volumes

@testable import Training

/// A trained network in prediction: its windows, what is blended, and the file that results.
@Suite(.serialized) struct CheckpointPredictionTests {
  private func train(_ workspace: Workspace, _ changes: [String]) throws -> Checkpoint {
    let recipe = try workspace.recipe(changes)
    let run = try TrainingRun(
      recipe, options: RunOptions(folder: workspace.file("run")), dataset: Dataset(recipe), device: CPUDevice(),
      clock: { 0 }, observer: { _ in })
    _ = try run.run()
    return try Checkpoint.read(workspace.file("run"))
  }

  /// Sums of halves would be off by 1e-4.
  @Test(arguments: Precision.allCases)
  func windowsAreTheTrainingPatchAndHoldProbabilitiesInFloat32(_ precision: Precision) throws {
    let workspace = try Workspace()
    try workspace.makePhantoms(2)
    let checkpoint = try train(workspace, [
      "data.split=null", "training={steps: 2}", "schedule=null", "precision=\(precision.rawValue)", "sampler.pad=-2.2",
      "inference={overlap: 0.25, mirror: ['left-right']}",
    ])
    let network = try CheckpointNetwork(checkpoint, path: "run", on: CPUDevice())
    let member = network.member()
    #expect(member.network.patch == checkpoint.recipe.sampler.patch && member.network.margin == .zero)
    #expect(member.overlap == 0.25 && member.mirror == .leftRight && member.padding == [-2.2])
    let voxels = 16 * 16 * 8
    let output = try network.predict((0..<network.batch * voxels).map { Float($0 * 7919 % 101) / 50 - 1 })
    #expect(output.count == network.batch * 5 * voxels && output.allSatisfy { (0...1).contains($0) })
    var worst: Float = 0
    for n in 0..<network.batch {
      for v in 0..<voxels {
        let sum = (0..<5).reduce(Float(0)) { $0 + output[(n * 5 + $1) * voxels + v] }
        worst = max(worst, abs(sum - 1))
      }
    }
    #expect(worst < 1e-5)
    #expect(Set(output).count > 100, "equal shares would also sum to 1")
  }

  /// A scan in micrometres with codes of its own.
  @Test func predictionsCarryTheScansGeometryVerbatim() throws {
    let workspace = try Workspace()
    try workspace.makePhantoms(2)
    let path = workspace.file("data/images/p0.nii.gz")
    let image = try NiftiFile.read(path)
    var header = image.header
    header.version = 2
    header.qformCode = 2
    header.sformCode = 4
    header.xyztUnits = 3 + 8
    header.srows = header.srows.map { $0 * 1000 }
    header.qoffset *= 1000
    for axis in 1...3 { header.pixdim[axis] *= 1000 }
    header.pixdim[4] = 2.5
    header.dimInfo = 0b11_10_01
    try NiftiFile.write(image.channels[0], like: header, to: path)

    _ = try train(workspace, ["data.split={validation: 'training-cases'}", "training={steps: 2}", "schedule=null"])
    let scan = try NiftiFile.read(path).header
    #expect(scan.sformCode == 4 && scan.units == .micron && scan.version == 2)
    let written = try NiftiFile.readLabels(workspace.file("run/validation/p0.nii.gz")).header
    #expect(written.datatype == .uint8 && written.slope == 1 && written.intercept == 0)
    var same = written
    same.datatype = scan.datatype
    same.bitsPerVoxel = scan.bitsPerVoxel
    #expect(same == scan)
  }
}
