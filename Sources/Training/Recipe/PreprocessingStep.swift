import Volumes

/// One named step of preprocessing. Every list is [x, y, z] of the RAS+ volume.
public enum PreprocessingStep: Sendable, Equatable {
  /// The box of voxels that are not 0 in any channel.
  case cropNonZero
  /// Per axis the voxels from the first up to, not including, the second; nil keeps the axis.
  case crop(AxisRanges)
  /// A box of this size about the centre.
  case cropOrPad(CropOrPad)
  case normalise(NormalisationRule)
  case resample(Resampling)

  /// - Parameter spacing: millimetres along x, y, z; 0 keeps that axis's own.
  public static func resample(spacing: SIMD3<Double>, image: ResamplingMethod) -> PreprocessingStep {
    .resample(Resampling(spacing: spacing, image: image))
  }

  /// Half-open ranges of voxels along x, y, z.
  public struct AxisRanges: Sendable, Equatable {
    public var axes: [Range<Int>?]

    public init(_ x: Range<Int>?, _ y: Range<Int>?, _ z: Range<Int>?) { axes = [x, y, z] }
  }

  /// TorchIO's `CropOrPad`: centred; an odd difference costs, or adds, its extra voxel at the low end.
  public struct CropOrPad: Sendable, Equatable {
    public enum Padding: Sendable, Equatable {
      case value(Double)
      /// Each channel's own minimum.
      case minimum
    }

    /// Voxels; 0 keeps that axis.
    public var size: SIMD3<Int>
    public var padding: Padding

    public init(size: SIMD3<Int>, padding: Padding = .value(0)) {
      self.size = size
      self.padding = padding
    }
  }

  /// To a number of voxels or a spacing, axis by axis, over the same box.
  public struct Resampling: Sendable, Equatable {
    /// Voxels; 0 leaves the axis to `spacing`.
    public var size: SIMD3<Int>
    /// Millimetres; 0 leaves the axis to `size`, and as it is where that is 0, too.
    public var spacing: SIMD3<Double>
    /// Takes the place of `size` in prediction: S4 trains on crops of 176³ and predicts at 160³.
    public var sizeInPrediction: SIMD3<Int>?
    public var image: ResamplingMethod
    public var labels: LabelResamplingMethod
    public var antialias: Bool

    public init(
      size: SIMD3<Int> = .zero, spacing: SIMD3<Double> = .zero, sizeInPrediction: SIMD3<Int>? = nil,
      image: ResamplingMethod = .cubic, labels: LabelResamplingMethod = .nearest, antialias: Bool = false
    ) {
      self.size = size
      self.spacing = spacing
      self.sizeInPrediction = sizeInPrediction
      self.image = image
      self.labels = labels
      self.antialias = antialias
    }
  }
}

/// How intensities are normalised: at once, or by statistics of the training cases' foreground.
public enum NormalisationRule: Sendable, Equatable {
  case fixed(Normalisation)
  /// nnU-Net's CT scheme: clip to the foreground's 0.5 and 99.5 percentiles, then z-score by its moments.
  case ctForeground
}
