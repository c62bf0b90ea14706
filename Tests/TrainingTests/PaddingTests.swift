import Testing
import Volumes

@testable import Training

/// What stands outside a case: the recipe's value, behind normalisation, and no class.
@Suite struct PaddingTests {
  @Test func smallCasesArePaddedBehindNormalisation() throws {
    let workspace = try Workspace()
    try workspace.makePhantoms(2)
    for (changes, value) in [([], 0), (["sampler.pad=-2.2"], -2.2)] as [([String], Float)] {
      // Cases have 24 × 24 × 16 voxels.
      let recipe = try workspace.recipe(
        ["data.split=null", "augmentation={}", "sampler={patch: [32, 24, 16], inside: true, batch: 1}"] + changes)
      let batches = try PatchBatches(Dataset(recipe), recipe: recipe, isOneHot: false)
      for index in 0..<4 {
        let batch = batches(index)
        guard case .classes(let classes) = batch.target else {
          Issue.record("targets are no classes")
          return
        }
        let padded = classes.indices.filter { classes[$0] == ignoreLabel }
        #expect(padded.count == 8 * 24 * 16)
        #expect(padded.allSatisfy { batch.input[$0] == value })
        // The window makes 0 to 1 of what is measured.
        let measured = classes.indices.filter { classes[$0] >= 0 }.map { batch.input[$0] }
        #expect(measured.allSatisfy { (0...1).contains($0) } && measured.contains { $0 > 0 })
      }
    }
  }

  @Test func valuesAreThoseOfTheSystems() throws {
    #expect(Recipe().sampler.pad == [0], "nnU-Net's")
    #expect(try Recipe.read("\(repository)/models/recipes/r1-kits.json").sampler.pad == [-2.2])
  }
}
