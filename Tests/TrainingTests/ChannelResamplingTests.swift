import FoundationEssentials
import Testing
import Volumes

@testable import Training

@Suite("Channels on grids of their own")
struct ChannelResamplingTests {
  /// A plane through the world, which linear interpolation keeps: 3x − 2y + z, at least.
  private func volume(_ grid: VolumeGrid) -> Volume {
    let n = grid.size
    return Volume(
      grid: grid,
      voxels: (0..<grid.count).map { index in
        let p = grid.affine(
          SIMD3<Double>(Double(index % n.x), Double(index / n.x % n.y), Double(index / (n.x * n.y))))
        return Float(3 * p.x - 2 * p.y + p.z)
      })
  }

  private func write(_ grid: VolumeGrid, _ path: String) throws {
    try NiftiFile.write(volume(grid), to: path)
  }

  /// Left, posterior, superior; 8 × 7 × 6 voxels of 2 × 2.5 × 3 mm.
  private let first = VolumeGrid(
    size: SIMD3(8, 7, 6),
    affine: Affine(
      columns: (SIMD3(-2, 0, 0), SIMD3(0, -2.5, 0), SIMD3(0, 0, 3)), translation: SIMD3(10, 12, -5)))
  /// Turned and finer; it ends below the first one's upper slices.
  private let second = VolumeGrid(
    size: SIMD3(16, 30, 28),
    affine: Affine(
      columns: (SIMD3(0, 0.1, 1.2), SIMD3(1.1, 0, 0), SIMD3(0, 1, -0.1)), translation: SIMD3(-12, -10, -9)))
  private let classes = ClassMap(classes: [
    ClassLabel(name: "background", id: 0), ClassLabel(name: "tumour", id: 4),
  ])

  @Test func theyMeetOnTheFirstOnesGrid() throws {
    let workspace = try Workspace()
    try write(first, workspace.file("a.nii.gz"))
    try write(second, workspace.file("b.nii.gz"))
    let label = LabelVolume(grid: second, voxels: volume(second).voxels.map { $0 > 4 ? 4 : 0 })
    try NiftiFile.writeLabels(label, to: workspace.file("l.nii.gz"))
    var files = CaseFiles(
      name: "p", images: [workspace.file("a.nii.gz"), workspace.file("b.nii.gz")],
      label: workspace.file("l.nii.gz"))
    let refused = #expect(throws: VolumeError.self) { try files.read(channels: 2, classes: classes) }
    #expect(refused?.path.hasSuffix("b.nii.gz") == true)
    #expect(refused?.problem.contains("\"resampleChannels\": true in data") == true)

    files.resamplesChannels = true
    let read = try files.read(channels: 2, classes: classes)
    #expect(read.channels[0].grid == read.channels[1].grid && read.labels.grid == read.channels[0].grid)
    let least = try #require(volume(second).voxels.min())
    var (inside, outside) = (0, 0)
    for index in read.labels.voxels.indices {
      let (a, b) = (read.channels[0].voxels[index], read.channels[1].voxels[index])
      if read.labels.voxels[index] == ignoreLabel {
        outside += 1
        #expect(abs(b - least) < 1e-4)
      } else {
        // At the second's very edge its outermost value holds, up to half a voxel of 3.5 a millimetre away.
        inside += abs(a - b) < 1e-3 ? 1 : 0
        #expect(abs(a - b) < 4)
        if abs(a - 4) > 4 { #expect(read.labels.voxels[index] == (a > 4 ? 1 : 0)) }
      }
    }
    #expect(inside > 200 && outside > 10, "\(inside) \(outside)")

    // A prediction's reader makes the same of the same files.
    let scan = try StoredChannels(files.images, resampling: true)
    let upright = Reorientation(toRAS: scan.channels[0].grid)
    #expect(scan.channels.map { upright($0).voxels } == read.channels.map(\.voxels))
  }

  @Test func theRecipeSaysSo() throws {
    let workspace = try Workspace()
    let recipe = try workspace.recipe(["data.resampleChannels=true"])
    #expect(recipe.data.resampleChannels)
    #expect(try Recipe(json: recipe.json, path: "again").data.resampleChannels)
    #expect(CaseListing(recipe.data).cases.allSatisfy { $0.resamplesChannels })
    let silent = try workspace.recipe()
    #expect(!silent.data.resampleChannels)
  }

  /// CT, PET and T1 of a patient: the three tumours, drawn on each scan's own grid, lie on each other.
  @Test(.enabled(if: sharedData("sts_tumour") != nil), arguments: ["STS_028"])
  func realScansOfAPatientLieOnEachOther(_ patient: String) throws {
    let folder = try #require(sharedData("sts_tumour")) + "/" + patient
    func file(_ scan: String, _ kind: String) -> String { "\(folder)/\(scan)_\(kind).nii.gz" }
    let masks = ["CT", "PET", "MR_T1"].map { file($0, "mask") }
    let onCT = try StoredChannels(masks, resampling: true).channels.map { $0.voxels.map { $0 > 0.5 } }
    for other in onCT.dropFirst() {
      let both = zip(onCT[0], other).filter { $0 && $1 }.count
      let sum = onCT[0].filter { $0 }.count + other.filter { $0 }.count
      #expect(Double(2 * both) / Double(sum) > 0.8, "Dice \(Double(2 * both) / Double(sum))")
    }
    var files = CaseFiles(
      name: patient, images: ["CT", "PET", "MR_T1"].map { file($0, "image") }, label: file("MR_T1", "mask"))
    files.resamplesChannels = true
    let map = ClassMap(classes: [ClassLabel(name: "background", id: 0), ClassLabel(name: "tumour", id: 1)])
    let read = try files.read(channels: 3, classes: map)
    #expect(Set(read.labels.voxels) == [ignoreLabel, 0, 1])
    let ct = try NiftiFile.read(file("CT", "image")).channels[0]
    #expect(read.channels.allSatisfy { $0.voxels.count == ct.voxels.count })
    #expect(read.channels[2].voxels.min() == 0)
  }
}

/// A folder of the real volumes beside the checkout; nil where it is not there.
private func sharedData(_ name: String) -> String? {
  var folder = URL(filePath: #filePath).deletingLastPathComponent()
  while folder.path.count > 1 {
    for candidate in ["shared/data/\(name)", "../shared/data/\(name)"] {
      let path = folder.appending(path: candidate).standardizedFileURL.path
      if FileManager.default.fileExists(atPath: path) { return path }
    }
    folder = folder.deletingLastPathComponent()
  }
  return nil
}
