import Volumes

/// One named step of preprocessing.
public enum PreprocessingStep: Sendable, Equatable {
  /// The box of voxels that are not 0 in any channel.
  case cropNonZero
  case normalise(NormalisationRule)
  /// - Parameter spacing: millimetres along x, y, z; 0 keeps that axis's own.
  case resample(spacing: SIMD3<Double>, image: ResamplingMethod)
}

/// How intensities are normalised: at once, or by statistics of the training cases' foreground.
public enum NormalisationRule: Sendable, Equatable {
  case fixed(Normalisation)
  /// nnU-Net's CT scheme: clip to the foreground's 0.5 and 99.5 percentiles, then z-score by its moments.
  case ctForeground
}
