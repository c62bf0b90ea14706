import ExecutionPlan
import Volumes

/// Everything that decides a training run, and after it a prediction. Every list is [x, y, z] of the RAS+
/// volume.
public struct Recipe: Sendable, Equatable {
  public var name = "recipe"
  public var data = DataSettings()
  /// In order, on the volume reoriented to RAS+.
  public var preprocessing: [PreprocessingStep] = []
  public var sampler = SamplerSettings()
  /// `labelsSwappedByLeftRightFlip` holds ids as stored in the files.
  public var augmentation = AugmentationSettings()
  public var model = ModelSettings()
  public var loss = LossSettings()
  public var optimizer = OptimizerChoice()
  public var schedule = LearningRateSchedule.constant
  public var warmup: Warmup?
  public var training = TrainingSettings()
  public var inference = InferenceSettings()
  public var precision = Precision.fp32
  /// Bytes that the plan may take on the device.
  public var memoryBudget: Int?
  public var seed: UInt64 = 0

  public init() {}
}

/// A class of voxels: its name, and its id in the label files.
public struct ClassLabel: Sendable, Equatable {
  public var name: String
  public var id: Int32

  public init(name: String, id: Int32) {
    self.name = name
    self.id = id
  }
}

/// Where the cases are and what their labels mean.
public struct DataSettings: Sendable, Equatable {
  public enum Layout: String, Sendable, CaseIterable { case pairs, decathlon, nnunet, list, paths }
  public enum OtherLabels: String, Sendable, CaseIterable { case error, background }

  /// A case named in the recipe itself.
  public struct Case: Sendable, Equatable {
    public var name: String
    /// One file a channel, or one file with all channels; relative to the folder.
    public var images: [String]
    public var label: String
  }

  public var layout = Layout.pairs
  /// Absolute once the recipe is read.
  public var folder = ""
  /// Sub-folders of `pairs`.
  public var images = "images"
  public var labels = "labels"
  public var cases: [Case] = []
  /// Of `paths`: below the folder, `{case}` stands for the case's name; one a channel, or one with all channels.
  public var imagePaths: [String] = []
  public var labelPath = ""
  /// Ascending ids; position = class index inside the network, 0 = background. Empty: `dataset.json` says.
  public var classes: [ClassLabel] = []
  /// Overlapping targets with a channel each, later ones on top; empty: one channel a class.
  public var regions: [LabelRegion] = []
  /// What a label that `classes` does not name means.
  public var otherLabels = OtherLabels.error
  /// Id that counts in no loss and no metric.
  public var ignore: Int32?
  /// Names of the channels; empty: one, or what `dataset.json` says.
  public var channels: [String] = []
  /// Channels and labels on grids of their own are brought onto the first channel's, through the affines.
  public var resampleChannels = false
  public var split = SplitRule.none
}

/// Which cases train and which validate.
public enum SplitRule: Sendable, Equatable {
  /// All cases train.
  case none
  /// All cases train, and validation looks at the same ones: whether a network learns at all, nothing more.
  case trainingCases
  /// A file `{"training": [names], "validation": [names]}`, or a list of those, one a fold; absolute path.
  /// Held against the patients of `groupBy`.
  case file(String, groupBy: CaseGrouping? = nil)
  /// Equal folds of a seeded shuffle of patients; without `groupBy` each case is one.
  case folds(Int, seed: UInt64, groupBy: CaseGrouping?)
}

/// How patches are drawn.
public struct SamplerSettings: Sendable, Equatable {
  public enum Placement: String, Sendable, CaseIterable {
    /// Uniform centres, but for the share `foreground`.
    case uniform
    /// Every centre lies on a voxel of a class, drawn by `classProbabilities`.
    case `class`
  }

  public var patch = SIMD3<Int>(repeating: 64)
  /// Patches of one micro-batch.
  public var batch = 2
  /// Micro-batches of one optimizer step.
  public var microBatches = 1
  public var placement = Placement.uniform
  /// By class name; empty: all foreground classes alike.
  public var classProbabilities: [(name: String, probability: Double)] = []
  /// Share of the patches that are centred on a class under `uniform`.
  public var foreground = 0.0
  /// Patches keep inside the volume.
  public var inside = false
  /// Values outside the volume after normalisation: one, or one a channel.
  public var pad: [Double] = [0]

  public static func == (a: Self, b: Self) -> Bool {
    a.patch == b.patch && a.batch == b.batch && a.microBatches == b.microBatches
      && a.placement == b.placement && a.foreground == b.foreground && a.inside == b.inside
      && a.pad == b.pad && a.classProbabilities.map(\.name) == b.classProbabilities.map(\.name)
      && a.classProbabilities.map(\.probability) == b.classProbabilities.map(\.probability)
  }
}

extension Recipe {
  /// What mirrored prediction mirrors: `inference.mirror`, or all axes that training mirrored where that is empty.
  public var trainedMirrors: MirrorAxes {
    guard inference.mirror.isEmpty else { return inference.mirror }
    var axes = augmentation.mirroredAxes
    // Left and right classes change places in a mirrored copy: their probabilities must not be averaged.
    if !augmentation.labelsSwappedByLeftRightFlip.isEmpty { axes.remove(.leftRight) }
    return axes
  }
}

/// How whole volumes are predicted.
public struct InferenceSettings: Sendable, Equatable {
  /// Share of the patch that neighbouring windows have in common.
  public var overlap = 0.5
  /// Axes mirrored at test time.
  public var mirror: MirrorAxes = []
}
