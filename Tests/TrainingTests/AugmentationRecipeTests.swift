import FoundationEssentials
import Testing
import Volumes

@testable import Training

@Suite struct AugmentationRecipeTests {
  func recipe(_ augmentation: String) throws -> Recipe {
    let workspace = try Workspace()
    _ = try workspace.recipe()
    return try Recipe.read(
      try workspace.write(#"{"extends": "tiny.json", "augmentation": \#(augmentation)}"#, "child.json"))
  }

  func errors(_ augmentation: String) throws -> [String] {
    do {
      _ = try recipe(augmentation)
      return []
    } catch let error as RecipeErrors {
      return error.errors.map { "\($0.key) | \($0.found) | \($0.expected)" }
    }
  }

  @Test func presetIsOneWordThatOtherKeysChange() throws {
    // What the extended recipe says about augmentation comes after its preset.
    let recipe = try recipe(
      """
      {"preset": "nnunet", "leftRightFlipProbability": 0, "rotationProbability": 0.2,
       "rotationInDegrees": [30, 30, 30], "noiseProbability": 0.1, "gammaProbability": 0,
       "elasticProbability": 0.2, "elasticSpacingRangeInMillimetres": [30, 60],
       "elasticDisplacementRangeInMillimetres": [2, 8]}
      """)
    var expected = AugmentationSettings(.nnunet)
    expected.leftRightFlipProbability = 0
    expected.gammaProbability = 0
    expected.elasticProbability = 0.2
    expected.elasticSpacingRangeInMillimetres = SIMD2(30, 60)
    expected.elasticDisplacementRangeInMillimetres = SIMD2(2, 8)
    #expect(recipe.augmentation == expected)
    // Resolved, every value is spelt out and read back alike.
    #expect(recipe.json.contains("\"blurSigmaRange\"") && !recipe.json.contains("preset"))
    #expect(try Recipe(json: recipe.json, path: "again") == recipe)
  }

  @Test func everyKeyIsReadAndWritten() throws {
    let recipe = try recipe(
      """
      {"scalesAxesSeparately": true, "scalingProbability": 1, "scalingRange": [0.9, 1.1],
       "translationProbability": 0.5, "translationInMillimetres": [5, 6, 7], "imageInterpolation": "nearest",
       "outsideCase": "border", "intensityProbabilityPer": "sample", "factorDistribution": "balanced",
       "blurProbability": 0.2, "blurChannelProbability": 0.5, "blurSigmaRange": [0.5, 1],
       "brightnessShiftProbability": 0.1, "brightnessShiftRange": [-0.5, 0.5], "lowResolutionProbability": 0.25,
       "lowResolutionChannelProbability": 0.5, "lowResolutionRange": [0.5, 1], "negatedGammaProbability": 0.1}
      """)
    let found = recipe.augmentation
    #expect(found.scalesAxesSeparately && found.translationInMillimetres == SIMD3(5, 6, 7))
    #expect(found.imageInterpolation == .nearest && found.outsideCase == .border)
    #expect(found.intensityProbabilityPer == .sample && found.factorDistribution == .balanced)
    #expect(found.brightnessShiftRange == SIMD2(-0.5, 0.5) && found.negatedGammaProbability == 0.1)
    #expect(try Recipe(json: recipe.json, path: "again") == recipe)
  }

  @Test func mistakesNameTheKeyAndWhatIsAllowed() throws {
    let found = try errors(
      """
      {"preset": "nnunett", "outsideCase": "zero", "blurProbabilty": 1, "blurChannelProbability": 2,
       "elasticSpacingRangeInMillimetres": [10, 20], "elasticDisplacementRangeInMillimetres": [1, 6],
       "translationInMillimetres": [1, 2]}
      """)
    #expect(found.count == 6)
    #expect(found.contains { $0.hasPrefix("augmentation.preset |") && $0.contains("did you mean \"nnunet\"?") })
    #expect(found.contains { $0.hasPrefix("augmentation.outsideCase |") && $0.contains("\"pad\", \"minimum\"") })
    #expect(found.contains { $0.hasPrefix("augmentation.blurProbabilty | an unknown key | \"blurProbability\"") })
    #expect(found.contains { $0.hasPrefix("augmentation.blurChannelProbability |") })
    #expect(found.contains { $0.hasPrefix("augmentation.translationInMillimetres |") })
    #expect(found.contains { $0.hasPrefix("augmentation.elasticDisplacementRangeInMillimetres |") })
  }
}
