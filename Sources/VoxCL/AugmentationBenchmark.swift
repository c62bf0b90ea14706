import Volumes

/// Milliseconds that augmentation takes for one patch of one channel, on one core: each transform of nnU-Net's
/// list and elastic deformation forced on alone, and all of them together.
public struct AugmentationBenchmark: Codable, Sendable {
  /// A transform's share of a patch: what it adds to a bare crop.
  public struct Part: Codable, Sendable {
    public var name: String
    public var milliseconds: Double
  }

  /// Voxels along x, y, z.
  public var patch: [Int]
  /// Cutting the patch from its case without any augmentation.
  public var cropMilliseconds: Double
  public var parts: [Part]
  /// One patch with everything forced on, from the case to the augmented patch.
  public var totalMilliseconds: Double

  /// Medians over `repeats` patches, each with other parameters.
  ///
  /// - Parameter volume: the case; by default noise on a grid a quarter larger than the patch along each axis.
  /// - Throws: `VolumeError` where a patch of that size cannot be cut.
  public static func run(
    patch: SIMD3<Int>, volume: Volume? = nil, repeats: Int
  ) throws(VolumeError) -> AugmentationBenchmark {
    let image = volume ?? noise(patch &+ patch / 4)
    let labels = LabelVolume(grid: image.grid, voxels: image.voxels.map { $0 > 0 ? 1 : 0 })
    let source = try PatchSource(name: "benchmark", channels: [image], labels: labels)
    let sampling = PatchSamplingSettings(patchSize: patch, placement: .inside)
    // In turn, so that what slows the machine down for a while slows all.
    let settings = [AugmentationSettings()] + parts.map(\.settings) + [everything]
    var times = [[Double]](repeating: [], count: settings.count)
    let clock = ContinuousClock()
    for repetition in 0...repeats {
      for (index, augmentation) in settings.enumerated() {
        let sampler = PatchSampler(settings: sampling, augmentation: augmentation, seed: 0)
        let elapsed = clock.measure {
          _ = sampler.patch(from: source, sample: UInt64(repetition))
        }
        // The first of each is a warm-up.
        if repetition > 0 { times[index].append(elapsed / .milliseconds(1)) }
      }
    }
    let medians = times.map { $0.sorted()[$0.count / 2] }
    return AugmentationBenchmark(
      patch: [patch.x, patch.y, patch.z], cropMilliseconds: medians[0],
      parts: zip(parts, medians.dropFirst()).map {
        Part(name: $0.name, milliseconds: max(0, $1 - medians[0]))
      },
      totalMilliseconds: medians[settings.count - 1])
  }

  /// Each transform by itself.
  private static var parts: [(name: String, settings: AugmentationSettings)] {
    func only(_ name: String, _ keys: WritableKeyPath<AugmentationSettings, Double>...)
      -> (name: String, settings: AugmentationSettings)
    {
      var settings = AugmentationSettings(.nnunet)
      for (_, path) in AugmentationSettings.probabilities { settings[keyPath: path] = 0 }
      settings.blurChannelProbability = 1
      settings.lowResolutionChannelProbability = 1
      settings.setElastic()
      for key in keys { settings[keyPath: key] = 1 }
      return (name, settings)
    }
    return [
      only(
        "mirror", \.leftRightFlipProbability, \.anteriorPosteriorFlipProbability,
        \.inferiorSuperiorFlipProbability),
      only("rotation and scaling", \.rotationProbability, \.scalingProbability),
      only("elastic deformation", \.elasticProbability), only("noise", \.noiseProbability),
      only("blur", \.blurProbability), only("brightness", \.brightnessProbability),
      only("contrast", \.contrastProbability), only("low resolution", \.lowResolutionProbability),
      only("gamma of the negative", \.negatedGammaProbability), only("gamma", \.gammaProbability),
    ]
  }

  /// nnU-Net's whole list and elastic deformation.
  private static var everything: AugmentationSettings {
    var settings = AugmentationSettings(.nnunet)
    settings.setElastic()
    for (_, path) in AugmentationSettings.probabilities { settings[keyPath: path] = 1 }
    settings.gammaInvertedProbability = 0
    settings.brightnessShiftProbability = 0
    settings.translationProbability = 0
    return settings
  }

  /// A normalised image: noise that neighbours do not share, so no step finds it easier than a scan.
  private static func noise(_ size: SIMD3<Int>) -> Volume {
    let grid = VolumeGrid(size: size, affine: Affine(spacingInMillimetres: SIMD3(1, 1, 1)))
    var random = SampleRandom(seed: 0, stream: .phantomNoise, sample: 0)
    return Volume(grid: grid, voxels: (0..<grid.count).map { _ in Float(random.normal()) })
  }
}

extension AugmentationSettings {
  /// TorchIO's default: seven control points along an axis of 128 mm, moved by at most 7.5 mm.
  fileprivate mutating func setElastic() {
    elasticSpacingRangeInMillimetres = SIMD2(21, 21)
    elasticDisplacementRangeInMillimetres = SIMD2(7.5, 7.5)
  }
}
