import Testing

@testable import Volumes

@Suite struct AugmentationDrawTests {
  /// Everything that there is, often.
  static var everything: AugmentationSettings {
    var all = AugmentationSettings(.nnunet)
    for (_, path) in AugmentationSettings.probabilities { all[keyPath: path] = 0.5 }
    all.translationInMillimetres = SIMD3(3, 2, 1)
    all.elasticSpacingRangeInMillimetres = SIMD2(6, 12)
    all.elasticDisplacementRangeInMillimetres = SIMD2(0.5, 2)
    all.brightnessShiftRange = SIMD2(-0.5, 0.25)
    return all
  }

  func draws(_ settings: AugmentationSettings, channels: Int = 2, count: UInt64 = 2000) -> [[IntensityDraw]] {
    (0..<count).map {
      IntensityDraw.draw(settings, channelCount: channels, coarseAxis: nil, seed: 3, sample: $0)
    }
  }

  /// Within five standard deviations of a binomial share.
  func isShare(_ hits: Int, of count: Int, _ probability: Double) -> Bool {
    let deviation = (probability * (1 - probability) / Double(count)).squareRoot()
    return abs(Double(hits) / Double(count) - probability) <= 5 * deviation
  }

  @Test func nnUNetsListIsDrawnWithItsProbabilitiesAndRanges() {
    let settings = AugmentationSettings(.nnunet)
    let draws = draws(settings)
    let first = draws.map { $0[0] }
    func holds<Value>(_ path: KeyPath<IntensityDraw, Value?>, _ p: Double, _ value: (Value) -> Bool) -> Bool {
      let found = first.compactMap { $0[keyPath: path] }
      return isShare(found.count, of: first.count, p) && found.allSatisfy(value)
    }
    #expect(holds(\.noiseDeviation, 0.1) { (0...0.1).contains($0) })
    #expect(holds(\.blurSigma, 0.1) { $0.min() >= 0.5 && $0.max() <= 1 && $0.x != $0.y })
    #expect(holds(\.brightness, 0.15) { (0.75...1.25).contains($0) })
    #expect(holds(\.contrast, 0.15) { (0.75...1.25).contains($0) })
    #expect(holds(\.resolution, 0.125) { $0.x >= 0.5 && $0.x <= 1 && $0 == SIMD3(repeating: $0.x) })
    #expect(holds(\.negatedGamma, 0.1) { (0.7...1.5).contains($0) })
    #expect(holds(\.gamma, 0.3) { (0.7...1.5).contains($0) })
    #expect(holds(\.brightnessShift, 0) { _ in false })
    // Balanced: below and above 1 equally often, though 1 is not in the middle.
    let gammas = first.compactMap(\.gamma)
    #expect(isShare(gammas.count { $0 < 1 }, of: gammas.count, 0.5))
    // One decision and one noise for all channels of a sample; factors, blur and resolution of their own.
    #expect(draws.allSatisfy { $0[0].noiseDeviation == $0[1].noiseDeviation })
    #expect(draws.allSatisfy { ($0[0].gamma == nil) == ($0[1].gamma == nil) })
    #expect(draws.contains { $0[0].gamma != $0[1].gamma })
    let blurred = draws.filter { $0[0].blurSigma != nil }
    #expect(isShare(blurred.count { $0[1].blurSigma != nil }, of: blurred.count, 0.5))
    let mirrored = (0..<2000).map { transform(settings, sample: $0) }
    #expect(isShare(mirrored.count { $0.mirroredAxes.contains(.z) }, of: mirrored.count, 0.5))
    #expect(isShare(mirrored.count { $0.scale != SIMD3(1, 1, 1) }, of: mirrored.count, 0.2))
    #expect(isShare(mirrored.count { $0.rotationInRadians != .zero }, of: mirrored.count, 0.2))
    #expect(mirrored.allSatisfy { $0.elastic == nil && $0.translationInMillimetres == .zero })
  }

  func transform(_ settings: AugmentationSettings, sample: UInt64) -> SpatialTransform {
    SpatialTransform(
      settings, patchSize: SIMD3(8, 8, 8), spacingInMillimetres: SIMD3(1, 1, 1), seed: 5, sample: sample)
  }

  @Test func perChannelDecisionsAreIndependent() {
    var settings = AugmentationSettings()
    settings.noiseProbability = 0.5
    settings.noiseStandardDeviationRange = SIMD2(0, 0.5)
    settings.brightnessProbability = 0.5
    settings.brightnessRange = SIMD2(0.5, 3)
    let draws = draws(settings)
    #expect(isShare(draws.count { $0[0].noiseDeviation != nil && $0[1].noiseDeviation != nil }, of: 2000, 0.25))
    let factors = draws.compactMap { $0[0].brightness }
    #expect(isShare(factors.count { $0 < 1 }, of: factors.count, 0.2), "uniform over the whole range")
    let deviations = draws.compactMap { $0[0].noiseDeviation }
    #expect(isShare(deviations.count { $0 < 0.125 }, of: deviations.count, 0.25))
  }

  @Test func scalingPerAxisTranslationAndElasticKeepTheirRanges() throws {
    var settings = Self.everything
    settings.scalingProbability = 1
    settings.scalingRange = SIMD2(0.9, 1.1)
    settings.scalesAxesSeparately = true
    settings.translationProbability = 1
    settings.elasticProbability = 1
    let transforms = (0..<200).map { transform(settings, sample: $0) }
    #expect(transforms.allSatisfy { $0.scale.min() >= 0.9 && $0.scale.max() <= 1.1 && $0.scale.x != $0.scale.y })
    for axis in 0..<3 {
      let shifts = transforms.map { $0.translationInMillimetres[axis] }
      let limit = [3.0, 2, 1][axis]
      #expect(shifts.allSatisfy { abs($0) <= limit } && shifts.contains { abs($0) > 0.9 * limit })
    }
    for transform in transforms {
      let elastic = try #require(transform.elastic)
      let spacing = elastic.controlSpacingInMillimetres.x
      #expect(spacing >= 6 && spacing <= 12)
      #expect(elastic.displacements.allSatisfy { $0.max() <= 2 && $0.min() >= -2 })
      #expect(elastic.displacements.count == (elastic.cells.x + 3) * (elastic.cells.y + 3) * (elastic.cells.z + 3))
    }
    let means = (0..<3).map { axis in
      let all = transforms.flatMap { $0.elastic?.displacements ?? [] }
      return all.reduce(0) { $0 + $1[axis] } / Double(all.count)
    }
    #expect(means.allSatisfy { abs($0) < 0.05 })
  }

  /// Displacement fields are no larger than their control points' and never fold within the allowed share.
  @Test func elasticTissueStaysInOrder() {
    let spacing = SIMD3(1.0, 1.3, 0.7)
    for sample in 0..<10 as Range<UInt64> {
      let elastic = ElasticDeformation(
        controlSpacingInMillimetres: 5, displacementInMillimetres: 2, patchSize: SIMD3(24, 5, 4),
        spacingInMillimetres: spacing, stillAxis: nil,
        random: SampleRandom(seed: 1, stream: .elasticDeformation, sample: sample))
      let identity = SpatialTransform().sourceOffsetColumns(spacingInMillimetres: spacing)
      var rows = ElasticRows(
        elastic, patchSize: SIMD3(24, 5, 4), spacingInMillimetres: spacing, columns: identity)
      for z in 0..<4 {
        for y in 0..<5 {
          rows.evaluate(y: y, z: z)
          #expect(rows.x.allSatisfy { abs($0) <= 2 })
          #expect(zip(rows.x, rows.x.dropFirst()).allSatisfy { $1 - $0 > -1 }, "voxels change places")
        }
      }
    }
  }

  @Test func everythingIsAPureFunctionOfSeedAndSampleAndInventsNoLabel() async throws {
    let source = try indexCase(size: SIMD3(20, 18, 16), spacing: SIMD3(1, 1, 1.5)) {
      [2, 5, 9][($0.x / 5 + $0.y / 4 + $0.z / 3) % 3]
    }
    let settings = PatchSamplingSettings(patchSize: SIMD3(9, 8, 7))
    let sampler = PatchSampler(settings: settings, augmentation: Self.everything, seed: 21)
    let forward = (0..<12 as Range<UInt64>).map { sampler.patch(from: source, sample: $0) }
    let backward = (0..<12 as Range<UInt64>).reversed().map { sampler.patch(from: source, sample: $0) }
    #expect(forward == backward.reversed())
    let concurrent = await withTaskGroup(of: (Int, Patch).self) { group in
      for index in forward.indices { group.addTask { (index, sampler.patch(from: source, sample: UInt64(index))) } }
      return await group.reduce(into: [Int: Patch]()) { $0[$1.0] = $1.1 }
    }
    #expect(forward.indices.allSatisfy { concurrent[$0] == forward[$0] })
    #expect(Set(forward.flatMap(\.labels)) == [ignoreLabel, 2, 5, 9])
    #expect(forward.allSatisfy { $0.voxels.allSatisfy(\.isFinite) })
    let other = PatchSampler(settings: settings, augmentation: Self.everything, seed: 22)
    #expect(other.patch(from: source, sample: 0) != forward[0])
  }

  @Test func outsideTheCaseStandsWhatIsAskedFor() throws {
    let source = try indexCase(size: SIMD3(4, 4, 4)) { _ in 3 }
    func patch(_ outside: AugmentationSettings.Outside, turned: Bool) -> Patch {
      var augmentation = AugmentationSettings()
      augmentation.outsideCase = outside
      augmentation.rotationProbability = turned ? 1 : 0
      augmentation.rotationInDegrees = SIMD3(0, 0, 20)
      let settings = PatchSamplingSettings(patchSize: SIMD3(8, 8, 8), padValues: [-5])
      return PatchSampler(settings: settings, augmentation: augmentation, seed: 0).patch(from: source, sample: 1)
    }
    for turned in [false, true] {
      for (outside, values) in [(.pad, [-5, -5]), (.minimum, [0, -63])]
        as [(AugmentationSettings.Outside, [Float])]
      {
        let patch = patch(outside, turned: turned)
        let padded = patch.labels.indices.filter { patch.labels[$0] == ignoreLabel }
        #expect(padded.count > 300 && padded.count < 512)
        #expect(padded.allSatisfy { patch.voxels[$0] == values[0] && patch.voxels[512 + $0] == values[1] })
      }
      let border = patch(.border, turned: turned)
      #expect(border.labels == [Int32](repeating: 3, count: 512), "labels go on with the image")
      #expect(border.voxels.allSatisfy { abs($0) <= 63 } && Set(border.voxels.prefix(512)).count > 50)
    }
  }
}
