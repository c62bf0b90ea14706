import FoundationEssentials
import Testing
import Volumes

@testable import Training

@Suite("Preprocessing steps")
struct PreprocessingTests {
  private let grid = VolumeGrid(size: SIMD3(12, 9, 7), affine: Affine(spacingInMillimetres: SIMD3(1, 1.5, 3)))

  private func channel(_ value: (Int, Int, Int) -> Float) -> Volume {
    var voxels: [Float] = []
    for z in 0..<7 { for y in 0..<9 { for x in 0..<12 { voxels.append(value(x, y, z)) } } }
    return Volume(grid: grid, voxels: voxels)
  }

  @Test func everyFormIsReadAndWrittenBack() throws {
    let workspace = try Workspace()
    let text = """
      [{crop: [null, [2, 100], [0, 128]]}, {clip: [-100, 400]}, {cropOrPad: {size: [256, 256, 0], pad: 'minimum'}},
       {resample: {size: [168, 168, 0], spacing: [0, 0, 2]}}, {normalise: {minmax: [-1, 1]}},
       {resize: {size: [176, 176, 176], sizeInPrediction: [160, 160, 160], image: 'nearest'}},
       {resample: {spacing: [1, 1, 1], image: 'linear', antialias: true, labels: 'linear-argmax'}},
       {normalise: {percentile: [0, 100], to: [-1, 1]}}, {normalise: {window: [-160, 240], to: [0, 255]}},
       {cropOrPad: {size: [8, 8, 8]}}, {normalise: 'minmax'}, {crop: 'nonzero'}]
      """
    let recipe = try workspace.recipe(["preprocessing=" + text.split(separator: "\n").joined()])
    typealias Step = PreprocessingStep
    let expected: [Step] = [
      .crop(.init(nil, 2..<100, 0..<128)), .normalise(.fixed(.clip(lower: -100, upper: 400))),
      .cropOrPad(.init(size: SIMD3(256, 256, 0), padding: .minimum)),
      .resample(.init(size: SIMD3(168, 168, 0), spacing: SIMD3(0, 0, 2))),
      .normalise(.fixed(.minMax(to: .init(-1, 1)))),
      .resample(
        .init(size: SIMD3(repeating: 176), sizeInPrediction: SIMD3(repeating: 160), image: .nearest)),
      .resample(
        .init(spacing: SIMD3(repeating: 1), image: .linear, labels: .linearArgmax, antialias: true)),
      .normalise(.fixed(.percentile(lower: 0, upper: 100, to: .init(-1, 1)))),
      .normalise(.fixed(.window(lower: -160, upper: 240, to: .init(0, 255)))),
      .cropOrPad(.init(size: SIMD3(repeating: 8))), .normalise(.fixed(.minMax)), .cropNonZero,
    ]
    #expect(recipe.preprocessing == expected)
    #expect(try Recipe(json: recipe.json, path: "again").preprocessing == expected)
  }

  @Test(arguments: [
    ("{crop: [[2, 2], null, null]}", "preprocessing[0].crop: found a list of 3, expected \"nonzero\", or [x, y, z]"),
    ("{crop: [null, null, null]}", "preprocessing[0].crop"), ("{crop: [[0, 3]]}", "preprocessing[0].crop"),
    ("{cropOrPad: {size: [0, 0, 0]}}", "preprocessing[0].cropOrPad.size: found [0, 0, 0]"),
    ("{cropOrPad: {pad: 0}}", "preprocessing[0].cropOrPad.size: found nothing"),
    ("{cropOrPad: {size: [4, 4, 4], pad: 'edge'}}", "preprocessing[0].cropOrPad.pad"),
    ("{resize: {spacing: [1, 1, 1], size: [2, 2, 2]}}", "preprocessing[0].resize.spacing: found an unknown key"),
    ("{resize: {image: 'area'}}", "preprocessing[0].resize.size: found nothing"),
    ("{resample: {size: [4, 0, 0], spacing: [1, 0, 2]}}", "found a size and a spacing along x, expected one of them 0"),
    ("{resample: {image: 'linear'}}", "preprocessing[0].resample: found nothing to change"),
    ("{resize: {size: [4, 4, 4], image: 'area', antialias: true}}", "preprocessing[0].resize.antialias"),
    ("{resize: {size: [4, 4, 0], sizeInPrediction: [4, 4, 4]}}", "sizeInPrediction: found 4 along z"),
    ("{resize: {size: [4, 4, 4], image: 'lanczos'}}", "preprocessing[0].resize.image"),
    ("{clip: [4, 1]}", "preprocessing[0].clip: lower is 4.0 and upper 1.0"),
    ("{normalise: {minmax: [1, -1]}}", "preprocessing[0].normalise.minmax: the range runs from 1.0 to -1.0"),
    ("{normalise: {minmax: [0, 1], to: [0, 1]}}", "preprocessing[0].normalise.to: found an unknown key"),
    ("{normalise: {to: [0, 1]}}", "preprocessing[0].normalise: found an object"),
    ("{resizze: {size: [4, 4, 4]}}", "expected \"resize\""),
  ])
  func badStepsAreNamed(_ step: String, _ message: String) throws {
    let workspace = try Workspace()
    let error = #expect(throws: RecipeErrors.self) { try workspace.recipe(["preprocessing=[\(step)]"]) }
    let text = error.map { "\($0)" } ?? ""
    #expect(text.contains(message), "\(text)")
    #expect(!text.contains("\n"), "one problem, one line: \(text)")
  }

  @Test func paddingIsOfNoClassAndTakesTheChannelsValue() throws {
    let image = channel { x, y, z in Float(5 + x + 20 * y + 200 * z) }
    let other = channel { x, _, _ in Float(x - 3) }
    let labels = LabelVolume(grid: grid, voxels: image.voxels.map { Int32($0) % 2 })
    let steps: [PreprocessingStep] = [.cropOrPad(.init(size: SIMD3(8, 12, 7), padding: .minimum))]
    let prepared = try Preprocessing(steps: steps).prepare([image, other], labels: labels, inPrediction: false)
    let result = try #require(prepared.labels)
    #expect(prepared.channels[0].grid == result.grid)
    for index in result.voxels.indices {
      // Two columns of four go at each side; of three rows two come at the low end.
      let at = SIMD3(index % 8 + 2, index / 8 % 12 - 2, index / 96)
      let isInside = at.y >= 0 && at.y < 9
      #expect(prepared.channels[0].voxels[index] == (isInside ? Float(5 + at.x + 20 * at.y + 200 * at.z) : 5))
      #expect(prepared.channels[1].voxels[index] == (isInside ? Float(at.x - 3) : -3))
      #expect(result.voxels[index] == (isInside ? Int32(5 + at.x) % 2 : ignoreLabel))
    }
  }

  /// A crop before a normalisation takes its voxels out of the statistics; a resampling before one makes the range.
  @Test func stepsActInTheRecipesOrder() throws {
    let image = channel { x, _, _ in Float(x) }
    let crop = PreprocessingStep.crop(.init(0..<5, nil, nil))
    let normalise = PreprocessingStep.normalise(.fixed(.minMax))
    let halve = PreprocessingStep.resample(.init(size: SIMD3(6, 0, 0), image: .linear))
    func line(_ steps: [PreprocessingStep]) throws -> [Float] {
      let result = try Preprocessing(steps: steps)([image])[0]
      return Array(result.voxels[0..<result.grid.size.x])
    }
    func isClose(_ found: [Float], _ expected: [Float]) -> Bool {
      found.count == expected.count && zip(found, expected).allSatisfy { abs($0 - $1) < 1e-6 }
    }
    #expect(isClose(try line([crop, normalise]), [0, 0.25, 0.5, 0.75, 1]))
    #expect(isClose(try line([normalise, crop]), (0..<5).map { Float($0) / 11 }))
    // Pairs of voxels become their means, 0.5 to 10.5.
    #expect(isClose(try line([halve, normalise]), (0..<6).map { Float($0) / 5 }))
    #expect(isClose(try line([normalise, halve]), (0..<6).map { (2 * Float($0) + 0.5) / 11 }))
  }

  @Test func imagesAreBlurredOnlyWhereTheRecipeSaysSo() throws {
    let workspace = try Workspace()
    let image = channel { x, y, z in Float((7 * x + 5 * y + 3 * z) % 11) }
    let target = image.grid.resampled(toSize: SIMD3(3, 3, 7))
    let sharp = try image.resampled(onto: target, method: .linear).voxels
    let blurred = try image.resampled(onto: target, method: .linear, isAntialiased: true).voxels
    #expect(sharp != blurred)
    for (key, expected) in [("", sharp), (", antialias: false", sharp), (", antialias: true", blurred)] {
      let step = "{resample: {spacing: [4, 4.5, 0], image: 'linear'\(key)}}"
      let recipe = try workspace.recipe(["preprocessing=[\(step)]"])
      #expect(try Preprocessing(steps: recipe.preprocessing)([image])[0].voxels == expected)
    }
  }

  @Test func aRangeIsCutOffAndAShorterVolumeKeepsWhatItHas() throws {
    let image = channel { x, y, z in Float(x + 20 * y + 200 * z) }
    let steps: [PreprocessingStep] = [.crop(.init(3..<5, nil, 2..<128))]
    let result = try Preprocessing(steps: steps)([image])[0]
    #expect(result.grid.size == SIMD3(2, 9, 5))
    #expect(result.voxels.first == 403 && result.voxels.last == 4 + 160 + 1200)
    #expect(result.grid.affine.translation == SIMD3(3, 0, 6))
    let error = #expect(throws: VolumeError.self) {
      try Preprocessing(steps: [.crop(.init(nil, nil, 7..<9))])([image])
    }
    #expect(error?.description == "crop: of voxels 7 ..< 9 along z leaves nothing of 7")
  }

  @Test func aCaseThatAStepCannotTakeIsNamed() throws {
    let workspace = try Workspace()
    try workspace.makePhantoms(3)
    let recipe = try workspace.recipe(["preprocessing=[{crop: [null, null, [16, 20]]}]"])
    let error = #expect(throws: DatasetErrors.self) { try Dataset(recipe, fold: 0) }
    #expect(error?.problems.count == 2)
    let expected = "preprocessing: crop: of voxels 16 ..< 20 along z leaves nothing of 16"
    for problem in error?.problems ?? [] { #expect(problem.contains(".nii.gz: \(expected)"), "\(problem)") }
  }

  @Test func aSizeAndASpacingGoTogetherAndPredictionHasASizeOfItsOwn() throws {
    let image = channel { x, y, z in Float(x + y + z) }
    let step = PreprocessingStep.Resampling(
      size: SIMD3(6, 18, 0), spacing: SIMD3(0, 0, 2), sizeInPrediction: SIMD3(5, 10, 0), image: .linear)
    let preprocessing = Preprocessing(steps: [.resample(step)])
    // 7 slices of 3 mm are 10.5 of 2 mm: half goes up.
    let training = try preprocessing.prepare([image], inPrediction: false).channels[0]
    #expect(training.grid.size == SIMD3(6, 18, 11))
    #expect(training.grid.spacingInMillimetres == SIMD3(2, 0.75, 21.0 / 11))
    #expect(try preprocessing([image])[0].grid.size == SIMD3(5, 10, 11))
  }

  /// Whatever a crop leaves, the bound holds; where none depends on the voxels, it is exact.
  @Test func boundsHoldForEveryCrop() throws {
    let chains: [[PreprocessingStep]] = [
      [.cropNonZero, .resample(spacing: SIMD3(0.7, 0.9, 2), image: .linear)],
      [.cropNonZero, .resample(spacing: SIMD3(3, 3, 4), image: .linear),
       .cropOrPad(.init(size: SIMD3(repeating: 10))), .resample(spacing: SIMD3(1, 1, 1), image: .nearest)],
      [.crop(.init(1..<9, nil, nil)), .resample(.init(size: SIMD3(20, 0, 5), image: .area))],
    ]
    for steps in chains {
      let preprocessing = Preprocessing(steps: steps)
      let bounds = try preprocessing.bounds(of: grid)
      var largest = SIMD3<Int>.zero
      for extent in 1...12 {
        let image = channel { x, y, z in max(x, y, z) < extent ? 1 : 0 }
        let prepared = try preprocessing.prepare([image], inPrediction: true)
        #expect(prepared.extent.size == prepared.channels[0].grid.size)
        largest = pointwiseMax(largest, prepared.extent.size)
      }
      #expect(largest == bounds.extent.size, "\(steps)")
      let last = try #require(bounds.counts.last)
      #expect(last == largest.x * largest.y * largest.z)
      #expect(bounds.preparing(channels: 2) >= 3 * last)
    }
  }
}
