import Testing

@testable import Volumes

@Suite struct AugmentationTests {
  /// A linear image: trilinear interpolation reproduces it exactly between voxel centres.
  func rampCase(_ size: SIMD3<Int>, spacing: SIMD3<Double>) throws -> PatchSource {
    let grid = VolumeGrid(size: size, affine: Affine(spacingInMillimetres: spacing))
    var values: [Float] = []
    for z in 0..<size.z {
      for y in 0..<size.y {
        for x in 0..<size.x { values.append(ramp(SIMD3(Double(x), Double(y), Double(z)) * spacing)) }
      }
    }
    return try PatchSource(
      name: "ramp", channels: [Volume(grid: grid, voxels: values)],
      labels: LabelVolume(grid: grid, voxels: values.map { $0 > 10 ? 1 : 0 }))
  }

  func ramp(_ millimetres: SIMD3<Double>) -> Float {
    Float(0.3 * millimetres.x - 0.7 * millimetres.y + 0.45 * millimetres.z)
  }

  @Test func mirroringIsExactAndItsOwnInverse() throws {
    let source = try indexCase(size: SIMD3(5, 4, 3)) { Int32($0.x + $0.y) }
    let patch = source.crop(origin: .zero, size: SIMD3(5, 4, 3), padValues: [0])
    for axes in MirrorAxes([.x, .y, .z]).subsets {
      var mirrored = patch
      mirrored.mirror(axes)
      for z in 0..<3 {
        for y in 0..<4 {
          for x in 0..<5 {
            let from = SIMD3(
              axes.contains(.x) ? 4 - x : x, axes.contains(.y) ? 3 - y : y, axes.contains(.z) ? 2 - z : z)
            let (to, origin) = (x + 5 * (y + 4 * z), from.x + 5 * (from.y + 4 * from.z))
            #expect(mirrored.voxels[to] == patch.voxels[origin])
            #expect(mirrored.voxels[60 + to] == patch.voxels[60 + origin])
            #expect(mirrored.labels[to] == patch.labels[origin])
          }
        }
      }
      mirrored.mirror(axes)
      #expect(mirrored == patch)
    }
    #expect(MirrorAxes([.x, .z]).subsets == [[], .x, .z, [.x, .z]])
  }

  @Test func resamplingUnderTheIdentityOrAMirrorIsTheCrop() throws {
    let source = try indexCase(size: SIMD3(9, 8, 7), spacing: SIMD3(0.7, 1.3, 2.9)) { Int32($0.y) }
    for origin in [SIMD3(2, 1, 1), SIMD3(-3, 5, -1)] {
      for axes in MirrorAxes([.x, .y, .z]).subsets {
        var expected = source.crop(origin: origin, size: SIMD3(4, 5, 6), padValues: [-1, 3])
        expected.mirror(axes)
        var transform = SpatialTransform()
        transform.mirroredAxes = axes
        let patch = source.resampled(
          origin: origin, size: SIMD3(4, 5, 6), outside: [-1, 3], transform: transform)
        #expect(patch.labels == expected.labels)
        #expect(zip(patch.voxels, expected.voxels).allSatisfy { abs($0 - $1) < 1e-3 })
      }
    }
  }

  @Test func rotationAndScalingActInMillimetresAboutTheCentre() throws {
    let spacing = SIMD3(0.8, 1.6, 2.0)
    let source = try rampCase(SIMD3(40, 30, 24), spacing: spacing)
    var transform = SpatialTransform()
    transform.rotationInRadians = SIMD3(0, 0, .pi / 2)
    transform.scale = SIMD3(repeating: 1.25)
    let size = SIMD3(8, 6, 4)
    let origin = SIMD3(16, 12, 10)
    let patch = source.resampled(origin: origin, size: size, outside: [0], transform: transform)
    let half = SIMD3<Double>(size &- 1) / 2
    let centre = (SIMD3<Double>(origin) + half) * spacing
    for z in 0..<4 {
      for y in 0..<6 {
        for x in 0..<8 {
          let d = (SIMD3(Double(x), Double(y), Double(z)) - half) * spacing / 1.25
          let expected = ramp(centre + SIMD3(-d.y, d.x, d.z))
          #expect(abs(patch.voxels[x + 8 * (y + 6 * z)] - expected) < 1e-4)
        }
      }
    }
    #expect(!patch.labels.contains(ignoreLabel))
  }

  @Test func rotatedPatchInsideTheCaseHasNoPaddingAndAtTheBorderLabelsIt() throws {
    let source = try rampCase(SIMD3(40, 40, 40), spacing: SIMD3(1, 1, 1))
    var transform = SpatialTransform()
    transform.rotationInRadians = SIMD3(0.3, -0.2, 0.7)
    let inside = source.resampled(
      origin: SIMD3(12, 12, 12), size: SIMD3(16, 16, 16), outside: [99], transform: transform)
    #expect(!inside.voxels.contains(99) && !inside.labels.contains(ignoreLabel))
    let border = source.resampled(
      origin: SIMD3(-8, 0, 0), size: SIMD3(16, 16, 16), outside: [99], transform: transform)
    #expect(border.labels.contains(ignoreLabel) && border.labels.contains { $0 >= 0 })
    #expect(zip(border.voxels, border.labels).allSatisfy { ($0 == 99) == ($1 == ignoreLabel) })
  }

  @Test func anisotropyKeepsTheTransformInThePlane() {
    var settings = AugmentationSettings()
    settings.rotationProbability = 1
    settings.rotationInDegrees = SIMD3(20, 20, 20)
    settings.scalingProbability = 1
    settings.scalingRange = SIMD2(1.2, 1.3)
    settings.elasticProbability = 1
    settings.elasticSpacingRangeInMillimetres = SIMD2(8, 12)
    settings.elasticDisplacementRangeInMillimetres = SIMD2(1, 3)
    func draw(_ spacing: SIMD3<Double>) -> SpatialTransform {
      SpatialTransform(
        settings, patchSize: SIMD3(16, 16, 16), spacingInMillimetres: spacing, seed: 1, sample: 2)
    }
    func moves(_ transform: SpatialTransform) -> [Bool] {
      let displacements = transform.elastic?.displacements ?? []
      return (0..<3).map { axis in displacements.contains { $0[axis] != 0 } }
    }
    let free = draw(SIMD3(1, 1, 3))
    #expect((0..<3).allSatisfy { free.rotationInRadians[$0] != 0 && free.scale[$0] >= 1.2 })
    #expect((0..<3).allSatisfy { abs(free.rotationInRadians[$0]) <= 20 * .pi / 180 })
    #expect(moves(free) == [true, true, true])
    let plane = draw(SIMD3(1, 1, 3.1))
    #expect(moves(plane) == [true, true, false])
    #expect(plane.rotationInRadians == SIMD3(0, 0, free.rotationInRadians.z))
    #expect(plane.scale == SIMD3(free.scale.x, free.scale.y, 1))
    let sagittal = draw(SIMD3(4, 1, 1))
    #expect(moves(sagittal) == [false, true, true])
    #expect(sagittal.rotationInRadians == SIMD3(free.rotationInRadians.x, 0, 0) && sagittal.scale.x == 1)
  }

  @Test func leftRightFlipSwapsPairedLabels() throws {
    let source = try indexCase(size: SIMD3(6, 2, 2)) { $0.x < 2 ? 3 : ($0.x > 3 ? 4 : 1) }
    var augmentation = AugmentationSettings()
    augmentation.leftRightFlipProbability = 1
    augmentation.labelsSwappedByLeftRightFlip = [SIMD2(3, 4)]
    let settings = PatchSamplingSettings(patchSize: SIMD3(6, 2, 2), placement: .inside)
    let sampler = PatchSampler(settings: settings, augmentation: augmentation, seed: 0)
    let patch = sampler.patch(from: source, sample: 0)
    // The patch is as large as the case: mirrored content with swapped ids gives the same labels.
    #expect(patch.labels == source.labels.array)
    #expect(Array(patch.voxels[0..<6]) == [5, 4, 3, 2, 1, 0])
  }

  @Test func gammaKeepsMeanAndDeviationAndContrastTheRange() {
    var values = (0..<1000).map { Float(($0 * 7919) % 1000) / 100 - 3 }
    let original = values
    values.withUnsafeMutableBufferPointer { applyGamma($0, gamma: 1.7, inverts: false) }
    #expect(values != original)
    var reference = original
    let expected = reference.withUnsafeMutableBufferPointer { ValueStatistics($0) }
    let changed = values.withUnsafeMutableBufferPointer { ValueStatistics($0) }
    #expect(abs(changed.mean - expected.mean) < 1e-4)
    #expect(abs(changed.standardDeviation - expected.standardDeviation) < 1e-4)

    var contrast = original
    contrast.withUnsafeMutableBufferPointer { scaleContrast($0, factor: 1.5) }
    let mean = Float(expected.mean)
    for (new, old) in zip(contrast, original) {
      let wanted = min(max(mean + 1.5 * (old - mean), expected.range.lowerBound), expected.range.upperBound)
      #expect(abs(new - wanted) < 1e-5)
    }
    var flat = [Float](repeating: 3, count: 8)
    flat.withUnsafeMutableBufferPointer { applyGamma($0, gamma: 0.7, inverts: true) }
    #expect(flat == [Float](repeating: 3, count: 8))
  }

  @Test func sampleIsAPureFunctionOfSeedAndIndex() throws {
    let source = try indexCase(size: SIMD3(20, 18, 16)) { $0.x > 10 ? 1 : 0 }
    var all = AugmentationSettings()
    all.leftRightFlipProbability = 0.5
    all.rotationProbability = 0.7
    all.rotationInDegrees = SIMD3(15, 15, 15)
    all.scalingProbability = 0.7
    all.scalingRange = SIMD2(0.8, 1.25)
    all.noiseProbability = 0.5
    all.noiseStandardDeviationRange = SIMD2(0, 5)
    all.brightnessProbability = 0.5
    all.brightnessRange = SIMD2(0.8, 1.2)
    all.contrastProbability = 0.5
    all.contrastRange = SIMD2(0.8, 1.2)
    all.gammaProbability = 0.5
    all.gammaRange = SIMD2(0.7, 1.5)
    #expect(all.problems.isEmpty)
    let settings = PatchSamplingSettings(patchSize: SIMD3(8, 8, 8), classCentredFraction: 0.5)
    let sampler = PatchSampler(settings: settings, augmentation: all, seed: 11)
    let forward = (0..<6 as Range<UInt64>).map { sampler.patch(from: source, sample: $0) }
    let backward = (0..<6 as Range<UInt64>).reversed().map { sampler.patch(from: source, sample: $0) }
    #expect(forward == backward.reversed())
    #expect(forward[0] != forward[1])
    #expect(forward.allSatisfy { $0.voxels.allSatisfy(\.isFinite) })

    // Switching one augmentation on leaves the draws of the others alone.
    var quiet = all
    quiet.noiseProbability = 0
    quiet.brightnessProbability = 0
    let other = PatchSampler(settings: settings, augmentation: quiet, seed: 11)
    #expect(other.patch(from: source, sample: 3).labels == forward[3].labels)
  }

  @Test func settingsAreOffByDefaultAndReportFaults() {
    #expect(AugmentationSettings().mirroredAxes == [] && AugmentationSettings().problems.isEmpty)
    #expect(AugmentationSettings(.nnunet).mirroredAxes == [.x, .y, .z])
    #expect(AugmentationSettings(.nnunet).problems.isEmpty)
    var wrong = AugmentationSettings()
    wrong.noiseProbability = 1.5
    wrong.gammaRange = SIMD2(2, 1)
    wrong.lowResolutionRange = SIMD2(0.5, 1.2)
    wrong.blurSigmaRange = SIMD2(-1, 1)
    wrong.brightnessShiftRange = SIMD2(1, 0)
    wrong.translationInMillimetres = SIMD3(1, -1, 0)
    // A control point may not pass its neighbour.
    wrong.elasticSpacingRangeInMillimetres = SIMD2(10, 20)
    wrong.elasticDisplacementRangeInMillimetres = SIMD2(2, 5)
    let expected = [
      "noiseProbability", "gammaRange", "blurSigmaRange", "brightnessShiftRange", "lowResolutionRange",
      "translationInMillimetres", "elasticDisplacementRangeInMillimetres",
    ]
    #expect(wrong.problems.map(\.key) == expected)
    #expect(wrong.problems.last?.problem.contains("above 4.0, 0.4 of the least") == true)
  }
}
