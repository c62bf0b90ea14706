import FoundationEssentials
import Interchange
import Testing
import Training
import Volumes

@testable import VoxCL

@Suite struct ExperimentPlanTests {
  /// A case of a fingerprint.
  private func entry(
    _ name: String, size: [Int] = [40, 40, 40], crop: [Int]? = nil, spacing: [Double] = [1, 1, 1], mean: Double = 100,
    minimum: Double = 0, datatype: String = "int16"
  ) -> DatasetFingerprint.Case {
    DatasetFingerprint.Case(
      name: name, size: size, sizeAfterCrop: crop ?? size, spacingInMillimetres: spacing, orientation: "RAS",
      datatype: datatype, voxels: ["background": 100, "a": 10],
      intensities: [.init(minimum: minimum, maximum: 1000, mean: mean, standardDeviation: mean / 2)])
  }

  private func fingerprint(_ cases: [DatasetFingerprint.Case], channel: String = "MR") -> DatasetFingerprint {
    DatasetFingerprint(
      layout: "pairs", cases: cases, channels: [.init(name: channel, foreground: nil)],
      classes: [.init(name: "background", id: 0, voxels: 1, cases: 1), .init(name: "a", id: 1, voxels: 1, cases: 1)],
      ignoredId: nil, patients: .init(cases: cases, given: nil), warnings: [])
  }

  // MARK: Rules

  @Test func theTargetSpacingIsTheMedianButForThickSlices() {
    let plain = SpacingRule(fingerprint([1, 2, 4].map { entry("c\($0)", spacing: [1, 1, $0]) }))
    #expect(plain.spacing == SIMD3(1, 1, 2))
    #expect(plain.isNeeded && !plain.isAnisotropic)
    // ACDC: 10 mm slices, some of 5 mm: the 10th percentile of 5, 10, 10, 10, 10 by numpy is 7.
    let thick = SpacingRule(
      fingerprint(
        [5, 10, 10, 10, 10].enumerated().map {
          entry("c\($0)", size: [200, 200, 10], spacing: [1.5, 1.5, $1])
        }))
    #expect(thick.isAnisotropic)
    #expect(thick.spacing == SIMD3(1.5, 1.5, 7))
    #expect(
      thick.medianSize(fingerprint([entry("c", size: [200, 200, 14], spacing: [1.5, 1.5, 3.5])])) == SIMD3(200, 200, 7))
    // Thick but many: the median stays.
    let tall = SpacingRule(
      fingerprint(
        [5, 10, 10, 10, 10].enumerated().map {
          entry("c\($0)", size: [200, 200, 90], spacing: [1.5, 1.5, $1])
        }))
    #expect(tall.spacing == SIMD3(1.5, 1.5, 10))
    #expect(!SpacingRule(fingerprint([entry("a", spacing: [1.00001, 1, 1]), entry("b")])).isNeeded)
  }

  @Test func normalisationFollowsTheChannelsNames() {
    #expect(NormalisationChoice(fingerprint([entry("a")], channel: "CT")).rule == .ctForeground)
    #expect(NormalisationChoice(fingerprint([entry("a")])).rule == .fixed(.zScore(nonZeroOnly: false)))
    let masked = fingerprint([entry("a", crop: [30, 30, 40])])
    #expect(NormalisationChoice(masked).rule == .fixed(.zScore(nonZeroOnly: true)))
    // Nothing named: air below −500 in every case is a CT's.
    #expect(NormalisationChoice(fingerprint([entry("a", minimum: -1024)], channel: "image")).rule == .ctForeground)
    let half = fingerprint([entry("a", minimum: -1024), entry("b")], channel: "image")
    #expect(NormalisationChoice(half).rule == .fixed(.zScore(nonZeroOnly: false)))
  }

  @Test func neighboursInNumberThatLookAlikeAreOnePatients() {
    let alike = [("s_175", 399.0), ("s_176", 392.0), ("s_325", 587.0), ("s_326", 586.0)]
    let others = [("s_001", 90.0), ("s_010", 130.0), ("s_020", 200.0), ("s_030", 270.0), ("s_040", 800.0)]
    let found = AlikeNeighbours((alike + others).map { entry($0.0, mean: $0.1) })
    #expect(found.groups == [["s_175", "s_176"], ["s_325", "s_326"]])
    // Where all cases look alike, as CTs do, it says nothing.
    #expect(AlikeNeighbours((0..<9).map { entry("ct_\($0)", mean: 100) }).groups == [])
    // Another stored type is another scan.
    let mixed = alike.map { entry($0.0, mean: $0.1, datatype: $0.0 == "s_176" ? "uint8" : "int16") }
    #expect(AlikeNeighbours(mixed + others.map { entry($0.0, mean: $0.1) }).groups == [["s_325", "s_326"]])
  }

  // MARK: Plans

  private let device: any Device

  init() throws { device = try Devices().choose("cpu") }

  private func plan(
    _ data: DataSettings, _ change: (inout PlanOptions) -> Void = { _ in }
  ) throws -> ExperimentPlan {
    var options = PlanOptions()
    change(&options)
    let start = ContinuousClock.now
    return try ExperimentPlan(
      DatasetFingerprint(data), data: data, name: "test", options: options, device: device,
      clock: { (ContinuousClock.now - start) / .seconds(1) })
  }

  private func phantoms(_ workspace: PlanWorkspace) throws -> DataSettings {
    try workspace.makePhantoms(6)
    return try DataSettings(detecting: workspace.path)
  }

  @Test func aPlanIsACompleteRecipeAndTheSameEachTime() throws {
    let workspace = try PlanWorkspace()
    let data = try phantoms(workspace)
    let first = try plan(data)
    let text = try first.recipeText(dataFolder: data.folder, heading: ["A plan."])
    #expect(try plan(data).recipeText(dataFolder: data.folder, heading: ["A plan."]) == text)
    #expect(text.hasPrefix("// A plan.\n{"))
    let path = "\(workspace.path)/plan.json"
    try Data(text.utf8).write(to: URL(filePath: path))
    let recipe = try Recipe.read(path)
    #expect(recipe == first.recipe)
    // Nothing names a phantom's channel, and no bone is above 500.
    #expect(recipe.preprocessing == [.normalise(.fixed(.zScore(nonZeroOnly: false)))])
    #expect(recipe.sampler.patch == SIMD3(24, 24, 16))
    #expect(recipe.sampler.batch == 2)
    #expect(recipe.model.nnunet.widths == [32, 64, 128])
    #expect(recipe.optimizer.name == "sgd")
    #expect(recipe.training.steps == 250_000)
    #expect(recipe.inference.mirror == .leftRight && recipe.augmentation.leftRightFlipProbability == 0.5)
    #expect(recipe.augmentation.mirroredAxes == .leftRight)
    // Each decision's reason stands before its key.
    for decision in first.decisions {
      let words = decision.why.split(separator: " ").prefix(3).joined(separator: " ")
      #expect(text.contains("// \(words)"), "\(decision.key)")
    }
    // Training takes it unchanged.
    let dataset = try Dataset(recipe, fold: 4)
    #expect(dataset.validation.count + dataset.training.count == 6)
  }

  @Test func thePatchIsTheLargestThatFitsExactly() throws {
    let workspace = try PlanWorkspace()
    let data = try phantoms(workspace)
    let whole = try plan(data)
    let limit = whole.bytes * 3 / 4
    let small = try plan(data) { $0.fitBytes = limit }
    #expect(small.bytes <= limit)
    #expect(small.recipe.memoryBudget == limit)
    func voxels(_ recipe: Recipe) -> Int { recipe.sampler.patch.x * recipe.sampler.patch.y * recipe.sampler.patch.z }
    #expect(voxels(small.recipe) < voxels(whole.recipe))
    // The next larger candidate does not fit.
    let fingerprint = small.fingerprint
    let rule = SpacingRule(fingerprint)
    let all = PatchCandidates.all(medianSize: rule.medianSize(fingerprint), spacing: rule.spacing)
    let taken = try #require(all.firstIndex { $0.patch == small.recipe.sampler.patch })
    var larger = small.recipe
    larger.sampler.patch = all[taken - 1].patch
    larger.model = all[taken - 1].model(base: 32)
    let fit = StepFit(device: device.description, limit: limit, channels: 1, classes: small.recipe.data.classes)
    #expect(try fit(larger) == nil)
    #expect(throws: PlanningError.self) { try plan(data) { $0.fitBytes = 100_000 } }
  }

  @Test func timeCutsWidthAndSteps() throws {
    let workspace = try PlanWorkspace()
    let data = try phantoms(workspace)
    let found = try plan(data) {
      $0.timeLimitInSeconds = 60
      $0.folds = 2
    }
    let expected = try #require(found.expectedSeconds)
    #expect(expected > 0 && expected <= 60)
    #expect(found.recipe.training.steps < 20_000)
    #expect(found.recipe.training.steps > 0)
    #expect(found.recipe.model.nnunet.widths[0] < 32)
    #expect(found.recipe.optimizer.name == "adamw")
    #expect(found.recipe.training.checkpointEvery <= found.recipe.training.steps)
    #expect(try Recipe(json: found.recipe.json, path: "again") == found.recipe)
    #expect(throws: PlanningError.self) { try plan(data) { $0.timeLimitInSeconds = 0.01 } }
  }

  @Test func namesOfSidesSwitchTheirFlipsOffAndPatientsStayTogether() throws {
    let workspace = try PlanWorkspace()
    try workspace.makePhantoms(6) { "sub-\($0 / 2)_ses-\($0 % 2)" }
    try workspace.write(
      #"""
      {"channel_names": {"0": "CT"}, "file_ending": ".nii.gz", "labels": {"background": 0, "left liver": 1, "tumour": 2,
       "posterior": 3, "spine": 4, "ignore": 9}}
      """#, "dataset.json")
    for (from, to) in [("images", "imagesTr"), ("labels", "labelsTr")] {
      try FileManager.default.moveItem(atPath: "\(workspace.path)/\(from)", toPath: "\(workspace.path)/\(to)")
    }
    let data = try DataSettings(detecting: workspace.path)
    #expect(data.layout == .nnunet)
    let found = try plan(data)
    let recipe = found.recipe
    // The plan says so, in its table and as a comment of the recipe.
    let why = try #require(found.decisions.first { $0.key == "augmentation" }).why
    #expect(why.contains("no left-right flips: left liver tell the sides apart"))
    let text = try found.recipeText(dataFolder: data.folder, heading: [])
    #expect(text.contains("no left-right flips"))
    #expect(recipe.augmentation.mirroredAxes == [] && recipe.inference.mirror == [])
    #expect(recipe.data.ignore == 9)
    // Three patients are no five.
    #expect(recipe.data.split == .folds(3, seed: 0, groupBy: "^(sub-[A-Za-z0-9]+)_"))
  }

  @Test func allFaultsOfTheDataAreToldAtOnce() throws {
    let workspace = try PlanWorkspace()
    try workspace.makePhantoms(4)
    try FileManager.default.removeItem(atPath: "\(workspace.path)/labels/p0.nii.gz")
    try Data([1, 2, 3]).write(to: URL(filePath: "\(workspace.path)/images/p2.nii.gz"))
    let data = try DataSettings(detecting: workspace.path)
    let error = #expect(throws: DatasetErrors.self) { try DatasetFingerprint(data) }
    #expect(error?.problems.count == 2)
    #expect(error?.problems.contains { $0.contains("case p0 has no label") } == true)
    #expect(error?.problems.contains { $0.contains("p2.nii.gz") } == true)
  }
}

/// A folder of phantoms, removed with it.
final class PlanWorkspace {
  let path: String

  init() throws {
    path = FileManager.default.temporaryDirectory.path + "/voxcl-plan-tests-\(UInt64.random(in: 0 ... .max))"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  func write(_ text: String, _ name: String) throws { try Data(text.utf8).write(to: URL(filePath: "\(path)/\(name)")) }

  func makePhantoms(_ count: Int, name: (Int) -> String = { "p\($0)" }) throws {
    for folder in ["images", "labels"] {
      try FileManager.default.createDirectory(atPath: "\(path)/\(folder)", withIntermediateDirectories: true)
    }
    for index in 0..<count {
      let phantom = try Phantom.make(
        seed: UInt64(index), size: SIMD3(24, 24, 16), spacingInMillimetres: SIMD3(12, 12, 16))
      try NiftiFile.write(phantom.image, to: "\(path)/images/\(name(index)).nii.gz")
      try NiftiFile.writeLabels(phantom.labels, to: "\(path)/labels/\(name(index)).nii.gz")
    }
  }
}
