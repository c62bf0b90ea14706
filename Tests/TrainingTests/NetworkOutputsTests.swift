import CPUBackend
import Models
import Testing
import Volumes

@testable import Training

@Suite struct NetworkOutputsTests {
  let classes = [
    ClassLabel(name: "background", id: 0), ClassLabel(name: "liver", id: 1), ClassLabel(name: "kidney", id: 3),
    ClassLabel(name: "lesion", id: 7),
  ]

  @Test func regionsOverlapAndLaterOnesLieOnTop() throws {
    let outputs = try NetworkOutputs(
      classes: classes,
      regions: [
        LabelRegion(name: "liver", classes: ["liver", "lesion"]), LabelRegion(name: "lesion", classes: ["lesion"]),
      ])
    #expect(outputs.count == 2 && outputs.names == ["liver", "lesion"])
    #expect(outputs.decision == .aboveHalf(ids: [1, 7], background: 0))
    let labels: [Int32] = [0, 1, 2, 3, -1]
    var target = [Float](repeating: 9, count: 12)
    outputs.channels(labels[0..<5], into: &target[1..<11])
    #expect(target == [9, 0, 1, 0, 1, -1, 0, 0, 0, 1, -1, 9])

    let probabilities: [Float] = [0.4, 0.6, 0.6, 0.2, 0.3, 0.1, 0.7, 0.9]
    var found = [Int32](repeating: -5, count: 4)
    probabilities.withUnsafeBufferPointer {
      outputs.decision.fill(&found, size: SIMD3(4, 1, 1), z: 0, rows: 0..<1, columns: 0..<4, plane: $0)
    }
    #expect(found == [0, 1, 7, 7])
    // Two members: the sums are held against 1.
    probabilities.withUnsafeBufferPointer {
      outputs.decision.fill(
        &found, size: SIMD3(4, 1, 1), z: 0, rows: 0..<1, columns: 0..<4, plane: $0, members: 2)
    }
    #expect(found == [0, 0, 0, 0])
  }

  @Test func aRegionWithoutAnIdOfItsOwnIsRefused() {
    func problems(_ regions: [LabelRegion]) -> String {
      do {
        _ = try NetworkOutputs(classes: classes, regions: regions)
        return ""
      } catch { return "\(error)" }
    }
    let twice = problems([LabelRegion(name: "all", classes: ["liver", "kidney"])])
    #expect(twice.contains("data.regions.all: found 2 classes that no later region has"))
    #expect(problems([LabelRegion(name: "x", classes: ["spleen"])]).contains("\"spleen\" is no class"))
    #expect(problems([LabelRegion(name: "x", classes: ["background"])]).contains("holds the background"))
  }

  /// Dice of a union is that of the union's voxels, not a mean over its labels.
  @Test func aRegionIsMeasuredAsOne() throws {
    let grid = VolumeGrid(size: SIMD3(6, 1, 1), affine: Affine(spacingInMillimetres: SIMD3(1, 1, 1)))
    let outputs = try NetworkOutputs(
      classes: classes,
      regions: [
        LabelRegion(name: "liver", classes: ["liver", "lesion"]), LabelRegion(name: "lesion", classes: ["lesion"]),
      ])
    let metrics = try CaseMetrics(
      name: "x", prediction: LabelVolume(grid: grid, voxels: [7, 1, 1, 0, 3, 1]),
      reference: LabelVolume(grid: grid, voxels: [1, 7, 0, 1, 0, -1]), regions: outputs.measured)
    // Union: {0,1,2} against {0,1,3}, the ignored voxel out of it.
    #expect(metrics.labels[0].dice == 4.0 / 6)
    #expect(metrics.labels[1].dice == 0)
    #expect(metrics.labels.map(\.label.name) == ["liver", "lesion"])
  }

  /// Every built-in network by a recipe: its own, with the classes asked for and the input that its margin makes.
  @Test(arguments: BuiltInModel.all.map(\.name))
  func recipesBuildTheNetworkThatTheyName(_ name: String) throws {
    var model = ModelSettings()
    model.name = name
    model.unet.widths = [4, 8]
    model.nnunet.base = 4
    model.base = 4
    let patch = model.divisor &* 2 &+ model.remainder
    let graph = try model.graph(batch: 1, channels: 2, classes: 5, patch: patch)
    #expect(graph.name == name)
    #expect(graph.outputShape.channels == 5)
    #expect(graph.outputShape.extent.axes == [patch.z, patch.y, patch.x])
    let input = patch &+ 2 &* model.margin
    #expect(graph.inputShape.extent.axes == [input.z, input.y, input.x])
  }

  /// Labels of a patch with context are those of the same patch without.
  @Test func theContextOfAPatchSurroundsIt() throws {
    let workspace = try Workspace()
    try workspace.makePhantoms(6)
    let dataset = try Dataset(try workspace.recipe(["augmentation={}"]))
    var settings = PatchSamplingSettings(patchSize: SIMD3(6, 4, 4), padValues: [-3])
    let source = dataset.training[0]
    let plain = PatchSampler(settings: settings, seed: 3)
    settings.margin = SIMD3(3, 2, 5)
    let wide = PatchSampler(settings: settings, seed: 3)
    for sample in 0..<12 as Range<UInt64> {
      let (small, large) = (plain.patch(from: source, sample: sample), wide.patch(from: source, sample: sample))
      #expect(large.size == SIMD3(12, 8, 14))
      #expect(large.labels(without: settings.margin) == small.labels)
      for z in 0..<4 {
        for y in 0..<4 {
          for x in 0..<6 {
            let at = x + 3 + 12 * (y + 2 + 8 * (z + 5))
            #expect(large.voxels[at] == small.voxels[x + 6 * (y + 4 * z)])
          }
        }
      }
    }
  }

  /// A network of valid convolutions in training, validation and prediction from a checkpoint.
  @Test func validConvolutionsTrainAndPredict() throws {
    let workspace = try Workspace()
    try workspace.makePhantoms(3)
    let recipe = try workspace.recipe([
      "model={\"name\": \"s0-liver-2d\", \"base\": 2}", "sampler.patch=[12,12,2]", "sampler.batch=1",
      "training.steps=2", "training.validateEvery=2", "schedule=null",
    ])
    #expect(recipe.model.margin == SIMD3(44, 44, 0))
    let dataset = try Dataset(recipe)
    _ = try train(recipe, dataset, in: workspace)
    let checkpoint = try Checkpoint.read(workspace.file("run"))
    let network = try CheckpointNetwork(checkpoint, path: "run", on: CPUDevice())
    let scan = try NiftiFile.read(workspace.file("data/images/p0.nii.gz"))
    let prediction = try VolumePredictor(members: [network.member()], decision: checkpoint.outputs.decision)(
      scan.channels)
    #expect(prediction.labels.grid == scan.channels[0].grid)
    let stored = try NiftiFile.readLabels(
      workspace.file("run/validation/\(dataset.validation[0].name).nii.gz"))
    #expect(stored.labels.voxels.count == scan.channels[0].voxels.count)
  }

  @Test func regionsTrainOnPhantoms() throws {
    let workspace = try Workspace()
    try workspace.makePhantoms(3)
    let changes = [
      "data.regions={\"liver\": [\"liver\", \"tumour\"], \"tumour\": [\"tumour\"]}", "training.steps=3",
    ]
    #expect(throws: RecipeErrors.self) { try workspace.recipe(changes) }
    let recipe = try workspace.recipe(changes + ["loss={\"name\": \"dice-bce\"}"])
    let dataset = try Dataset(recipe)
    #expect(dataset.outputs.count == 2)
    let batch = try PatchBatches(dataset, recipe: recipe, isOneHot: true)(0)
    guard case .channels(let target) = batch.target else { Issue.record("classes"); return }
    let voxels = 16 * 16 * 8
    #expect(target.count == 2 * 2 * voxels)
    // A tumour lies in the liver.
    for v in 0..<voxels where target[voxels + v] == 1 { #expect(target[v] == 1) }
    #expect(try train(recipe, dataset, in: workspace) == ["liver", "tumour"])
  }

  /// Names in the last validation.
  private func train(_ recipe: Recipe, _ dataset: Dataset, in workspace: Workspace) throws -> [String] {
    var names: [String] = []
    let run = try TrainingRun(
      recipe, options: RunOptions(folder: workspace.file("run")), dataset: dataset, device: CPUDevice(), clock: { 0 },
      observer: { if case .validation(let figures) = $0 { names = figures.labels.map(\.name) } })
    #expect(try run.run() == .completed)
    return names
  }

  @Test func patternsFindFilesWhereTheyLie() throws {
    let workspace = try Workspace()
    for path in [
      "d/P1/P1_t1.nii.gz", "d/P1/P1_t2.nii.gz", "d/P1/mask.nii.gz", "d/P2/P2_t1.nii.gz", "d/P2/mask.nii.gz",
      "d/notes/readme.txt", "l/volume-7.nii", "l/segmentation-7.nii", "l/volume-12.nii", "l/segmentation-12.nii",
    ] { try workspace.write("", path) }
    var data = DataSettings()
    data.layout = .paths
    data.classes = classes
    data.folder = workspace.file("d")
    data.imagePaths = ["{case}/{case}_t1.nii.gz", "{case}/{case}_t2.nii.gz"]
    data.labelPath = "{case}/mask.nii.gz"
    let listing = CaseListing(data)
    #expect(listing.cases.map(\.name) == ["P1"] && listing.channels.count == 2 && listing.incomplete == ["P2"])
    #expect(listing.problems.count == 1)
    #expect(listing.problems[0].hasSuffix("d/P2/P2_t2.nii.gz: no such file: case P2 lacks its image"))
    data.folder = workspace.file("l")
    (data.imagePaths, data.labelPath) = (["volume-{case}.nii"], "segmentation-{case}.nii")
    #expect(CaseListing(data).cases.map(\.name) == ["12", "7"] && CaseListing(data).problems.isEmpty)
    for path in ["n/a.nii.gz", "n/a_seg.nii.gz", "n/b.nii.gz", "n/b_seg.nii.gz"] { try workspace.write("", path) }
    data.folder = workspace.file("n")
    (data.imagePaths, data.labelPath) = (["{case}.nii.gz"], "{case}_seg.nii.gz")
    #expect(CaseListing(data).cases.map(\.name) == ["a", "b"] && CaseListing(data).problems.isEmpty)
    data.folder = workspace.file("l")
    #expect(PathPattern("{case}_x_{case}.nii")?.path(of: "a") == "a_x_a.nii")
    #expect(PathPattern("x.nii") == nil)
    (data.imagePaths, data.labelPath) = (["volume-{case}.nii"], "mask-{case}.nii")
    #expect(CaseListing(data).cases.isEmpty && CaseListing(data).problems.count == 2)
  }

  /// One case: what it trains on is what it validates on, and says so.
  @Test func trainingCasesValidateWhereAsked() throws {
    let workspace = try Workspace()
    try workspace.makePhantoms(2)
    let dataset = try Dataset(try workspace.recipe(["data.split={\"validation\": \"training-cases\"}"]))
    #expect(dataset.validation.map(\.name) == dataset.training.map(\.name))
    #expect(dataset.notes.contains { $0.contains("Dice is of training cases") })
  }
}
