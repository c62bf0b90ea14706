import FoundationEssentials
import Testing
import Volumes

@testable import Training

@Suite struct DataTests {
  let map = ClassMap(
    classes: [
      ClassLabel(name: "background", id: 0), ClassLabel(name: "a", id: 7), ClassLabel(name: "b", id: 200),
    ],
    ignore: 255)

  @Test func idsWithGapsAreMappedAndRestored() throws {
    var labels: [Int32] = [0, 0, 7, 200, 255, 7]
    try map.toIndices(&labels, path: "x")
    #expect(labels == [0, 0, 1, 2, -1, 1])
    map.toIDs(&labels)
    #expect(labels == [0, 0, 7, 200, 255, 7])
  }

  @Test func unknownIdsAreNamedWithTheirVoxels() throws {
    var labels: [Int32] = [0, 3, 3, 9]
    let error = #expect(throws: VolumeError.self) { try map.toIndices(&labels, path: "x.nii") }
    #expect(error?.description.contains("label 3 (2 voxels), 9 (1 voxels)") == true)
    var lenient = map
    lenient.otherLabels = .background
    labels = [0, 3, 3, 9, 7]
    try lenient.toIndices(&labels, path: "x.nii")
    #expect(labels == [0, 0, 0, 0, 1])
  }

  /// Negative ids are legal as the ignored one alone, also where other labels are background.
  @Test func onlyTheIgnoredIdMayBeNegative() throws {
    var lenient = map
    (lenient.otherLabels, lenient.ignore) = (.background, -1)
    var labels: [Int32] = [0, 7, -1, 55, 200]
    try lenient.toIndices(&labels, path: "x.nii")
    #expect(labels == [0, 1, -1, 0, 2])
    labels = [0, -2, 7, -2, 55]
    let error = #expect(throws: VolumeError.self) { try lenient.toIndices(&labels, path: "x.nii") }
    #expect(error?.description.hasPrefix("x.nii: holds label -2 (2 voxels) that the recipe does not name") == true)
    // Without such an id, reading refuses them before.
    let workspace = try Workspace()
    try workspace.makePhantoms(2)
    let path = workspace.file("data/labels/p0.nii.gz")
    var stored = try NiftiFile.readLabels(path).labels
    for i in stored.voxels.indices where stored.voxels[i] == 4 { stored.voxels[i] = -1 }
    try NiftiFile.write(Volume(grid: stored.grid, voxels: stored.voxels.map { Float($0) }), to: path)
    let refused = #expect(throws: DatasetErrors.self) {
      try Dataset(workspace.recipe(["data.split=null", "data.otherLabels=background"]))
    }
    #expect(refused?.description.contains("negative; only a recipe's ignore id may be") == true)
    let dataset = try Dataset(workspace.recipe(["data.split=null", "data.ignore=-1"]))
    #expect(dataset.training[0].labels.array.contains(ignoreLabel))
  }

  @Test func foldsKeepGroupsTogetherAndCoverEveryCaseOnce() {
    let cases = (0..<23).map { "patient\($0 / 2)_scan\($0 % 2)" }
    func group(_ name: String) -> String { String(name.prefix { $0 != "_" }) }
    let folds = CaseSplit.folds(4, of: cases, seed: 5, group: group)
    #expect(folds.flatMap(\.validation).sorted() == cases.sorted())
    for fold in folds {
      #expect(Set(fold.training).isDisjoint(with: fold.validation))
      #expect(Set(fold.training.map(group)).isDisjoint(with: fold.validation.map(group)))
      #expect((5...6).contains(fold.validation.count))
    }
    #expect(CaseSplit.folds(4, of: cases.reversed(), seed: 5, group: group) == folds)
    #expect(CaseSplit.folds(4, of: cases, seed: 6, group: group) != folds)
  }

  @Test func groupByTakesTheFirstCapture() throws {
    let cases = ["p1_a", "p1_b", "p2_a", "p2_b", "p3_a", "p3_b"]
    let rule = SplitRule.folds(3, seed: 0, groupBy: "^(p[0-9]+)_")
    let split = try rule.resolved(cases: cases, fold: 1)
    #expect(split.validation.count == 2)
    #expect(Set(split.validation.map { $0.prefix(2) }).count == 1)
    #expect(throws: DatasetErrors.self) { try rule.resolved(cases: cases, fold: 3) }
  }

  @Test func allFaultsOfAllCasesAreFound() throws {
    let workspace = try Workspace()
    try workspace.makePhantoms(6)
    let recipe = try workspace.recipe(["data.split=null"])
    #expect(try Dataset(recipe).training.count == 6)
    // A label on another grid, one with an unknown id, one truncated, an image without a label.
    let other = try Phantom.make(seed: 1, size: SIMD3(24, 24, 18), spacingInMillimetres: SIMD3(12, 12, 16))
    try NiftiFile.writeLabels(other.labels, to: workspace.file("data/labels/p1.nii.gz"))
    var wrong = try NiftiFile.readLabels(workspace.file("data/labels/p2.nii.gz")).labels
    wrong.voxels[5] = 77
    try NiftiFile.writeLabels(wrong, to: workspace.file("data/labels/p2.nii.gz"))
    let bytes = try workspace.bytes("data/images/p3.nii.gz")
    try bytes.prefix(bytes.count / 2).write(to: URL(filePath: workspace.file("data/images/p3.nii.gz")))
    let error = #expect(throws: DatasetErrors.self) { try Dataset(recipe) }
    let problems = error?.problems ?? []
    #expect(problems.count == 3)
    for (name, word) in [
      ("labels/p1.nii.gz", "24×24×18"), ("labels/p2.nii.gz", "77"), ("images/p3.nii.gz", ""),
    ] {
      #expect(problems.contains { $0.contains(name) && $0.contains(word) })
    }
    try FileManager.default.removeItem(atPath: workspace.file("data/labels/p0.nii.gz"))
    let listing = #expect(throws: DatasetErrors.self) { try Dataset(recipe) }
    #expect(listing?.problems.contains { $0.contains("p0.nii.gz") && $0.contains("has no label") } == true)
  }

  @Test func aClassThatNoCaseHasIsAnErrorAndACaseWithoutForegroundANote() throws {
    let workspace = try Workspace()
    try workspace.makePhantoms(3)
    var empty = try NiftiFile.readLabels(workspace.file("data/labels/p1.nii.gz")).labels
    for i in empty.voxels.indices { empty.voxels[i] = 0 }
    try NiftiFile.writeLabels(empty, to: workspace.file("data/labels/p1.nii.gz"))
    let dataset = try Dataset(try workspace.recipe(["data.split=null"]))
    #expect(dataset.notes.contains { $0.contains("p1.nii.gz") && $0.contains("no foreground") })
    let recipe = try workspace.recipe(["data.split=null", "data.classes.spleen=9"])
    let error = #expect(throws: DatasetErrors.self) { try Dataset(recipe) }
    #expect(error?.description.contains("spleen (id 9)") == true)
  }

  @Test func channelsOfNnUNetAndDecathlonFoldersAreFound() throws {
    let workspace = try Workspace()
    try workspace.makePhantoms(2)
    for folder in ["nn/imagesTr", "nn/labelsTr"] {
      try FileManager.default.createDirectory(
        atPath: workspace.file(folder), withIntermediateDirectories: true)
    }
    for index in 0..<2 {
      for channel in ["0000", "0001"] {
        try FileManager.default.copyItem(
          atPath: workspace.file("data/images/p\(index).nii.gz"),
          toPath: workspace.file("nn/imagesTr/p\(index)_\(channel).nii.gz"))
      }
      try FileManager.default.copyItem(
        atPath: workspace.file("data/labels/p\(index).nii.gz"),
        toPath: workspace.file("nn/labelsTr/p\(index).nii.gz"))
    }
    try workspace.write(
      #"""
      {"channel_names": {"0": "CT", "1": "CT2"}, "numTraining": 2, "file_ending": ".nii.gz",
       "labels": {"background": 0, "liver": 1, "rest": 2, "k": 3, "s": 4}}
      """#,
      "nn/dataset.json")
    var data = DataSettings()
    data.layout = .nnunet
    data.folder = workspace.file("nn")
    var listing = CaseListing(data)
    #expect(listing.problems == [])
    #expect(listing.channels == ["CT", "CT2"])
    #expect(listing.classes.map(\.id) == [0, 1, 2, 3, 4])
    #expect(listing.cases.map(\.name) == ["p0", "p1"])
    #expect(listing.cases.allSatisfy { $0.images.count == 2 && $0.images[1].hasSuffix("_0001.nii.gz") })

    try workspace.write(
      #"""
      {"modality": {"0": "MR"}, "labels": {"0": "background", "1": "liver"}, "training": [
        {"image": "./images/p0.nii.gz", "label": "./labels/p0.nii.gz"},
        {"image": "./images/p9.nii.gz", "label": "./labels/p1.nii.gz"}]}
      """#,
      "data/dataset.json")
    data.layout = .decathlon
    data.folder = workspace.file("data")
    listing = CaseListing(data)
    #expect(listing.channels == ["MR"])
    #expect(listing.classes == [ClassLabel(name: "background", id: 0), ClassLabel(name: "liver", id: 1)])
    #expect(listing.problems.count == 1)
    #expect(listing.problems.first?.contains("p9.nii.gz") == true)
  }

  @Test func cropMovesTheOriginAndResamplingTheSpacing() throws {
    let grid = VolumeGrid(size: SIMD3(6, 5, 4), affine: Affine(spacingInMillimetres: SIMD3(2, 1, 1)))
    var voxels = [Float](repeating: 0, count: grid.count)
    for z in 1...2 {
      for y in 2...3 { for x in 1...4 { voxels[x + 6 * (y + 5 * z)] = Float(x + 10 * y + 100 * z) } }
    }
    let steps: [PreprocessingStep] = [.cropNonZero, .resample(spacing: SIMD3(1, 0, 0), image: .nearest)]
    let result = try Preprocessing(steps: steps)([Volume(grid: grid, voxels: voxels)])[0]
    #expect(result.grid.size == SIMD3(8, 2, 2))
    #expect(result.grid.spacingInMillimetres == SIMD3(1, 1, 1))
    // Voxel 1 of the old grid lies at x = 2 mm; of its two new halves the first at 1.5 mm.
    #expect(result.grid.affine.translation == SIMD3(1.5, 2, 1))
    #expect(Array(result.voxels[0..<4]) == [121, 121, 122, 122])
  }
}
