import Volumes

/// A network that turns a batch of patches into class probabilities, wherever it runs.
public struct PatchNetwork {
  /// Voxels of the output along x, y, z: always the training patch.
  public var patch: SIMD3<Int>
  /// Voxels by which the input is larger on each side.
  public var margin: SIMD3<Int>
  /// Patches of one call.
  public var batch: Int
  public var channelCount: Int
  public var classCount: Int
  /// From N×C×D×H×W to N×classes×D×H×W probabilities.
  public var forward: ([Float]) throws -> [Float]

  public init(
    patch: SIMD3<Int>, batch: Int, channelCount: Int, classCount: Int, margin: SIMD3<Int> = .zero,
    forward: @escaping ([Float]) throws -> [Float]
  ) {
    self.patch = patch
    self.margin = margin
    self.batch = batch
    self.channelCount = channelCount
    self.classCount = classCount
    self.forward = forward
  }
}

extension PatchNetwork {
  /// Voxels of the input along x, y, z.
  var inputSize: SIMD3<Int> { patch &+ 2 &* margin }
  var inputVoxels: Int { inputSize.x * inputSize.y * inputSize.z }
  var voxels: Int { patch.x * patch.y * patch.z }
}

/// A network with all that brings a scan into its eyes: one member of an ensemble.
public struct PredictionMember {
  public var network: PatchNetwork
  public var preprocessing: Preprocessing
  /// Share of the patch that neighbouring windows have in common.
  public var overlap: Double
  /// Axes mirrored at test time; 2^n passes, whose mean counts.
  public var mirror: MirrorAxes
  /// Value outside the volume after normalisation: one, or one a channel.
  public var padding: [Double]
  /// What stands outside the volume, as in training; `padding` is read for `pad`.
  public var outside: AugmentationSettings.Outside

  public init(
    network: PatchNetwork, preprocessing: Preprocessing, overlap: Double = 0.5, mirror: MirrorAxes = [],
    padding: [Double] = [0], outside: AugmentationSettings.Outside = .pad
  ) {
    self.network = network
    self.preprocessing = preprocessing
    self.overlap = overlap
    self.mirror = mirror
    self.padding = padding
    self.outside = outside
  }

  func paddingValue(_ channel: Int) -> Float {
    Float(padding.isEmpty ? 0 : padding[min(channel, padding.count - 1)])
  }
}

/// Why a volume could not be predicted.
public struct PredictionError: Error, CustomStringConvertible, Sendable {
  public var description: String
  public init(_ description: String) { self.description = description }
}
