import FoundationEssentials
import GraphCompiler
import LayerGraph
import Testing
import Volumes

@testable import Training

@Suite struct RecipeTests {
  func errors(_ text: String, _ overrides: [String] = []) throws -> [String] {
    let workspace = try Workspace()
    let path = try workspace.write(text, "r.json")
    do {
      _ = try Recipe.read(path, overrides: overrides)
      return []
    } catch {
      return error.errors.map { "\($0.key) | \($0.found) | \($0.expected)" }
    }
  }

  @Test func everyMistakeIsReportedAtOnce() throws {
    let found = try errors(
      """
      {
        "data": {"folder": "d", "classes": {"background": 0, "liver": 1, "again": 1}, "laout": "pairs"},
        "sampler": {"patch": [64, 60, 64], "classProbabilities": {"spleen": 1}},
        "optimizer": {"name": "adamm", "learningRate": "fast"},
        "training": {"steps": 0},
        "smapler": {},
      }
      """)
    #expect(found.count == 8)
    #expect(found.contains { $0.hasPrefix("data.laout | an unknown key | \"layout\"") })
    #expect(found.contains { $0.hasPrefix("smapler | an unknown key | \"sampler\"") })
    #expect(found.contains { $0.hasPrefix("data.classes.again | the number 1 |") })
    #expect(found.contains { $0.hasPrefix("sampler.classProbabilities.spleen |") })
    #expect(found.contains { $0.contains("sampler.patch | [64, 60, 64] | multiples of [8, 8, 8]") })
    #expect(found.contains { $0.hasPrefix("optimizer.name |") && $0.contains("did you mean \"adam\"?") })
    #expect(found.contains { $0.hasPrefix("optimizer.learningRate | the text \"fast\"") })
    #expect(found.contains { $0.hasPrefix("training.steps | the number 0") })
  }

  @Test func overridesComeBeforeTheChecks() throws {
    let workspace = try Workspace()
    let recipe = try workspace.recipe([
      "training.steps=77", "optimizer.name=sgd", "model.norm=none", "data.split=null",
    ])
    #expect(recipe.training.steps == 77)
    #expect(recipe.optimizer.settings.kind == .nesterov)
    #expect(recipe.model.unet.norm == .none)
    #expect(recipe.data.split == .none)
    #expect(throws: RecipeErrors.self) { try workspace.recipe(["training.stepz=3"]) }
    #expect(throws: RecipeErrors.self) { try workspace.recipe(["nonsense"]) }
  }

  @Test func extendingReplacesKeyByKeyAndKeepsTheBasesPaths() throws {
    let workspace = try Workspace()
    _ = try workspace.recipe()
    let path = try workspace.write(
      #"{"extends": "../tiny.json", "model": {"dropout": 0}, "training": {"steps": 3}}"#, "sub/child.json")
    let child = try Recipe.read(path)
    #expect(child.data.folder == workspace.file("data"))
    #expect(child.model.unet.dropout == 0)
    #expect(child.model.unet.widths == [4, 8])
    #expect(child.training.steps == 3)
    #expect(child.training.validateEvery == 3)
    let circle = try workspace.write(#"{"extends": "circle.json"}"#, "circle.json")
    #expect(throws: RecipeErrors.self) { try Recipe.read(circle) }
  }

  @Test func whatIsWrittenIsReadBackTheSame() throws {
    let workspace = try Workspace()
    let recipe = try workspace.recipe([
      "preprocessing=[{crop: 'nonzero'}, {normalise: 'ct-foreground'}, "
        + "{resample: {spacing: [1.5, 0, 2], image: 'linear'}}]",
      "model.kernels=[[3, 3, 1], [3, 3, 3]]", "model.factors=[[2, 2, 1]]", "data.ignore=-1",
      "loss.classWeights={liver: 2.5}", "sampler.placement=class", "sampler.classProbabilities={spine: 0.25}",
      "inference.mirror=['left-right']", "memoryBudget='8GiB'", "precision=mixed",
      "training.overfitOnePatch={class: 'liver', fraction: [0.1, 0.5]}",
    ])
    #expect(recipe.memoryBudget == 8 << 30)
    #expect(recipe.model.unet.kernels.first == Extent(1, 3, 3))
    #expect(recipe.model.divisor == SIMD3(2, 2, 1))
    let again = try Recipe(json: recipe.json, path: "again")
    #expect(again == recipe)
    #expect(again.json == recipe.json)
    #expect(try Recipe(json: recipe.compactJSON, path: "compact") == recipe)
  }

  @Test func lossTakesItsOptions() throws {
    let workspace = try Workspace()
    let recipe = try workspace.recipe([
      "loss={name: 'dice-ce', background: false, batch: true, entropyWeight: 0.5, classWeights: {spine: 3}}"
    ])
    let loss = try #require(recipe.loss.loss(NetworkOutputs(classes: recipe.data.classes, regions: [])))
    #expect(!loss.includesBackground)
    #expect(loss.isOverBatch)
    #expect(loss.entropyWeight == 0.5)
    #expect(loss.classWeights == [1, 1, 1, 1, 3])
  }

  @Test(arguments: [
    "hippocampus", "phantom", "liver-overfit", "s0-liver", "s0-liver-sessions", "s1-lits-as-code", "s1-lits-as-text",
    "s2-liver-as-code", "s2-liver-as-text", "s3-large", "s3-prostate-as-code", "s3-prostate-as-text",
    "s4-pancreas-as-code", "s4-pancreas-as-text", "r1-kits",
  ])
  func recipesOfTheRepositoryAreSound(_ name: String) throws {
    let recipe = try Recipe.read("\(repository)/models/recipes/\(name).json")
    #expect(recipe.name == name)
    _ = try recipe.model.graph(recipe)
  }

  @Test func anExtendingRecipeTakesMembersAway() throws {
    let workspace = try Workspace()
    _ = try workspace.recipe()
    let path = try workspace.write(
      "{\"extends\": \"tiny.json\", \"data\": {\"classes\": {\"tumour\": null, \"liver\": 9}}}", "fewer.json")
    let recipe = try Recipe.read(path)
    #expect(recipe.data.classes.map(\.name) == ["background", "kidneys", "spine", "liver"])
  }

  @Test func predictionMirrorsOnlyWhatTrainingDoes() throws {
    let workspace = try Workspace()
    func problems(_ changes: [String]) throws -> String {
      let error = #expect(throws: RecipeErrors.self) { try workspace.recipe(changes) }
      return error.map { "\($0)" } ?? ""
    }
    #expect(
      try problems(["inference.mirror=['left-right', 'inferior-superior']"])
        .contains("inference.mirror: found inferior-superior, expected only axes that augmentation flips"))
    #expect(try problems(["inference.mirror=['x']"]).contains("\"left-right\", \"anterior-posterior\""))
    let swaps = "augmentation.labelsSwappedByLeftRightFlip=[['liver', 'spine']]"
    #expect(try problems(["inference.mirror=['left-right']", swaps]).contains("in each other's place"))

    // `predict --mirror` without a word of the recipe: what training flipped, but no sides that swap their classes.
    let flips = "augmentation.anteriorPosteriorFlipProbability=0.25"
    #expect(try workspace.recipe([flips]).trainedMirrors == [.leftRight, .anteriorPosterior])
    #expect(try workspace.recipe([flips, swaps]).trainedMirrors == .anteriorPosterior)
    #expect(
      try workspace.recipe([flips, "inference.mirror=['anterior-posterior']"]).trainedMirrors == .anteriorPosterior)
    #expect(try workspace.recipe(["augmentation={}"]).trainedMirrors == [])
  }

  @Test func hippocampusSplitKeepsPatientsTogether() throws {
    let recipe = try Recipe.read("\(repository)/models/recipes/hippocampus.json")
    guard case .file(let path, nil) = recipe.data.split else {
      Issue.record("the split is no file")
      return
    }
    let split = try #require(try SplitRule.read(path).first)
    #expect(split.training.count == 50)
    #expect(split.validation.count == 10)
    #expect(split.problems(cases: split.training + split.validation, path: path) == [])
    for (a, b) in [("175", "176"), ("325", "326")] {
      let parts = [a, b].map { id in split.training.contains("hippocampus_\(id)") }
      #expect(parts[0] == parts[1])
    }
  }
}
