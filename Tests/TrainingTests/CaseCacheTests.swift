import CPUBackend
import FoundationEssentials
import Testing

@testable import Training
@testable import Volumes

@Suite struct CaseCacheTests {
  private func files(_ workspace: Workspace) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: workspace.file("cache")).sorted()
  }

  private func patches(_ dataset: Dataset, _ recipe: Recipe) throws -> [Patch] {
    let batches = try PatchBatches(dataset, recipe: recipe, isOneHot: false)
    return (0..<8).map { batches.patch(sample: $0) }
  }

  private func replaceFirstScan(_ workspace: Workspace) throws {
    let phantom = try Phantom.make(seed: 77, size: SIMD3(24, 24, 16), spacingInMillimetres: SIMD3(12, 12, 16))
    try NiftiFile.write(phantom.image, to: workspace.file("data/images/p0.nii.gz"))
    try NiftiFile.writeLabels(phantom.labels, to: workspace.file("data/labels/p0.nii.gz"))
  }

  @Test func mappedCasesGiveTheSamePatches() throws {
    let workspace = try Workspace()
    try workspace.makePhantoms(4)
    let recipe = try workspace.recipe(["data.split=null"])
    let plain = try patches(try Dataset(recipe), recipe)
    let cache = CaseCache(folder: workspace.file("cache"))
    let made = try Dataset(recipe, cache: cache)
    #expect(try patches(made, recipe) == plain)
    #expect(try files(workspace).count == 4)
    // A second start finds them, whatever became of the order of the disk.
    let found = try Dataset(recipe, cache: cache)
    #expect(try patches(found, recipe) == plain)
    #expect(try files(workspace).count == 4)
    for (a, b) in zip(made.training, found.training) {
      #expect(a.classVoxels.classes == b.classVoxels.classes && a.classVoxels.voxelCounts == b.classVoxels.voxelCounts)
      #expect(a.minima == b.minima && a.spacingInMillimetres == b.spacingInMillimetres)
    }
  }

  @Test func anotherRecipeOrScanMakesItsOwn() throws {
    let workspace = try Workspace()
    try workspace.makePhantoms(2)
    let cache = CaseCache(folder: workspace.file("cache"))
    _ = try Dataset(try workspace.recipe(["data.split=null"]), cache: cache)
    let other = try workspace.recipe(["data.split=null", "preprocessing=[{normalise: 'zscore'}]"])
    let cached = try Dataset(other, cache: cache)
    #expect(try files(workspace).count == 4)
    #expect(try patches(cached, other) == patches(try Dataset(other), other))
    // The same name with other voxels.
    try replaceFirstScan(workspace)
    #expect(try patches(try Dataset(other, cache: cache), other) == patches(try Dataset(other), other))
    #expect(try files(workspace).count == 5)
  }

  @Test(arguments: [0, 40, 64, 5000])
  func damagedFilesAreMadeAgain(_ kept: Int) throws {
    let workspace = try Workspace()
    try workspace.makePhantoms(2)
    let recipe = try workspace.recipe(["data.split=null"])
    let cache = CaseCache(folder: workspace.file("cache"))
    let whole = try patches(try Dataset(recipe, cache: cache), recipe)
    for file in try files(workspace) {
      let path = workspace.file("cache/\(file)")
      let bytes = try Data(contentsOf: URL(filePath: path))
      try bytes.prefix(kept).write(to: URL(filePath: path))
    }
    #expect(try patches(try Dataset(recipe, cache: cache), recipe) == whole)
    #expect(try patches(try Dataset(recipe, cache: cache), recipe) == whole)
  }

  /// A header whose numbers are nonsense, the key among them right.
  @Test(arguments: [
    "size 18446744073709551615 9 9", "size 4000000000 4000000000 1", "labels 99999999999", "class 1 2 3",
  ])
  func nonsenseInAHeaderIsNoCrash(_ line: String) throws {
    let workspace = try Workspace()
    try workspace.makePhantoms(1)
    let recipe = try workspace.recipe(["data.split=null"])
    let cache = CaseCache(folder: workspace.file("cache"))
    let whole = try patches(try Dataset(recipe, cache: cache), recipe)
    let path = workspace.file("cache/\(try files(workspace)[0])")
    let bytes = try Data(contentsOf: URL(filePath: path))
    // The line takes the place of spaces at the header's end.
    var header = Array(bytes)
    let first = String(decoding: header.prefix(40), as: UTF8.self).split(separator: "\n")[0]
    let count = try #require(first.split(separator: " ").last.flatMap { Int($0) })
    let text = Array("\n\(line)\n".utf8)
    header.replaceSubrange(count - text.count..<count, with: text)
    try Data(header).write(to: URL(filePath: path))
    #expect(try patches(try Dataset(recipe, cache: cache), recipe) == whole)
  }

  @Test func theForegroundIsMeasuredOnce() throws {
    let workspace = try Workspace()
    try workspace.makePhantoms(2)
    let recipe = try workspace.recipe(["data.split=null", "preprocessing=[{normalise: 'ct-foreground'}]"])
    let cache = CaseCache(folder: workspace.file("cache"))
    let made = try Dataset(recipe, cache: cache).statistics
    #expect(try Dataset(recipe).statistics == made && Dataset(recipe, cache: cache).statistics == made)
    // What is kept is what is taken.
    let name = try #require(try files(workspace).first { $0.hasPrefix("foreground-") })
    let path = URL(filePath: workspace.file("cache/\(name)"))
    let text = String(decoding: try Data(contentsOf: path), as: UTF8.self)
    try Data(text.replacing("\"count\":\(made[0].count)", with: "\"count\":7").utf8).write(to: path)
    #expect(try Dataset(recipe, cache: cache).statistics[0].count == 7)
    try Data(text.utf8.prefix(30)).write(to: path)
    #expect(try Dataset(recipe, cache: cache).statistics == made)
    // Another scan is measured again.
    try replaceFirstScan(workspace)
    let other = try Dataset(recipe, cache: cache).statistics
    #expect(try other != made && other == Dataset(recipe).statistics)
  }

  @Test func anEditInTheMiddleIsSeen() throws {
    let workspace = try Workspace()
    let path = try workspace.write("abc", "scan.nii")
    let before = DataFingerprint.stamp(path)
    try workspace.write("axc", "scan.nii")
    #expect(before != nil && DataFingerprint.stamp(path) != before)
    try workspace.write("h", "pair.hdr")
    let alone = DataFingerprint.stamp(workspace.file("pair.hdr"))
    try workspace.write("v", "pair.img")
    #expect(DataFingerprint.stamp(workspace.file("pair.hdr")) != alone)
  }

  @Test func onlyWhatExceedsTheMemoryGoesToTheDisk() throws {
    let workspace = try Workspace()
    try workspace.makePhantoms(4)
    let recipe = try workspace.recipe(["data.split=null"])
    let size = try Dataset(recipe).training[0].byteCount
    #expect(size == 8 * 24 * 24 * 16)
    let cache = CaseCache(folder: workspace.file("cache"), memoryLimit: 2 * size + 1)
    _ = try Dataset(recipe, cache: cache)
    #expect(try files(workspace).count == 2)
    #expect(throws: DatasetErrors.self) {
      try Dataset(recipe, cache: CaseCache(folder: workspace.file("data/images/p0.nii.gz/x")))
    }
  }
}
