extension AugmentationSettings {
  /// Names of ready-made settings, as a recipe writes them.
  public enum Preset: String, Sendable, CaseIterable {
    case nnunet
  }

  public init(_ preset: Preset) {
    switch preset {
    case .nnunet: self = .nnunet
    }
  }

  /// The list of nnU-Net v2 (`nnUNetTrainer.get_training_transforms`, batchgeneratorsv2) with its parameters.
  ///
  /// Its noise "variance" of 0 to 0.1 is used as standard deviation there, and here. Its scaling multiplies the
  /// sampling grid, so its 0.7 … 1.4 is a growth of 0.71 … 1.43. It blurs with a kernel cut at two standard
  /// deviations, this at four. Where voxels are anisotropic it turns by up to 180° in the plane and deforms at
  /// a fixed plane of voxels; here the angle stays.
  public static var nnunet: AugmentationSettings {
    var list = AugmentationSettings()
    list.leftRightFlipProbability = 0.5
    list.anteriorPosteriorFlipProbability = 0.5
    list.inferiorSuperiorFlipProbability = 0.5
    list.rotationProbability = 0.2
    list.rotationInDegrees = SIMD3(30, 30, 30)
    list.scalingProbability = 0.2
    list.scalingRange = SIMD2(0.7, 1.4)
    list.intensityProbabilityPer = .sample
    list.factorDistribution = .balanced
    list.noiseProbability = 0.1
    list.noiseStandardDeviationRange = SIMD2(0, 0.1)
    list.blurProbability = 0.2
    list.blurChannelProbability = 0.5
    list.blurSigmaRange = SIMD2(0.5, 1)
    list.brightnessProbability = 0.15
    list.brightnessRange = SIMD2(0.75, 1.25)
    list.contrastProbability = 0.15
    list.contrastRange = SIMD2(0.75, 1.25)
    list.lowResolutionProbability = 0.25
    list.lowResolutionChannelProbability = 0.5
    list.lowResolutionRange = SIMD2(0.5, 1)
    list.negatedGammaProbability = 0.1
    list.gammaProbability = 0.3
    list.gammaRange = SIMD2(0.7, 1.5)
    return list
  }
}
