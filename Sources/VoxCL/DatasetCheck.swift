import Models
import Training
import Volumes

/// What `voxcl check` finds out about a recipe's data without training.
public struct DatasetCheck: Sendable {
  /// One case of the data.
  public struct Case: Sendable, Codable {
    public var name: String
    /// `training` or `validation`.
    public var part: String
    /// Voxels of the stored image.
    public var size: [Int]
    public var spacingInMillimetres: [Double]
    /// Voxels of each class that occurs.
    public var voxels: [String: Int]
  }

  /// Faults that keep training from starting, one line each.
  public var errors: [String]
  /// What a user should hear of, though training can start.
  public var warnings: [String]
  public var cases: [Case]
  public var classes: [String]
  public var channels: [String]
  /// Six augmented patches as the network sees them; empty where there are errors.
  public var patches: [Patch]
  /// Of the patches' voxels.
  public var spacingInMillimetres: SIMD3<Double>

  /// Opens every case; finds all faults.
  public init(_ recipe: Recipe, fold: Int? = nil, progress: (Int, Int) -> Void = { _, _ in }) {
    errors = []
    warnings = []
    cases = []
    patches = []
    classes = recipe.data.classes.map(\.name)
    channels = recipe.data.channels
    spacingInMillimetres = SIMD3(repeating: 1)
    do {
      let dataset = try Dataset(recipe, fold: fold, progress: progress)
      classes = dataset.classes.map(\.name)
      channels = dataset.channels
      warnings = dataset.notes
      cases = dataset.training.map { Self.describe($0, classes) }
      spacingInMillimetres = dataset.training.first?.spacingInMillimetres ?? spacingInMillimetres
      for files in dataset.validation {
        let read = try files.read(channels: channels.count, classes: dataset.classMap)
        let source = try PatchSource(name: read.name, channels: read.channels, labels: read.labels)
        var entry = Self.describe(source, classes)
        entry.part = "validation"
        cases.append(entry)
      }
      let batches = try PatchBatches(dataset, recipe: recipe, isOneHot: false)
      patches = (0..<6).map { batches.patch(sample: $0) }
      noteSpacings(dataset)
    } catch let error as DatasetErrors {
      errors = error.problems
      warnings = error.warnings
    } catch {
      errors = ["\(error)"]
    }
    do {
      let regions = recipe.data.regions.count
      _ = try recipe.model.graph(
        batch: recipe.sampler.batch, channels: max(1, channels.count),
        classes: regions > 0 ? regions : max(2, classes.count), patch: recipe.sampler.patch)
    } catch {
      errors.append("\(error)")
    }
  }

  private static func describe(_ source: PatchSource, _ classes: [String]) -> Case {
    var voxels: [String: Int] = [:]
    for (index, count) in zip(source.classVoxels.classes, source.classVoxels.voxelCounts) {
      voxels[classes[Int(index)]] = count
    }
    let spacing = source.spacingInMillimetres
    return Case(
      name: source.name, part: "training", size: [source.size.x, source.size.y, source.size.z],
      spacingInMillimetres: [spacing.x, spacing.y, spacing.z], voxels: voxels)
  }

  /// A network learns sizes in voxels: spacings that differ want a resampling step.
  private mutating func noteSpacings(_ dataset: Dataset) {
    for axis in 0..<3 {
      let spacings = dataset.training.map { $0.spacingInMillimetres[axis] }
      guard let least = spacings.min(), let most = spacings.max(), most > 1.2 * least else { continue }
      warnings.append(
        "spacing along \(["x", "y", "z"][axis]) runs from \(least) to \(most) mm over the training cases; a "
          + "{\"resample\": {\"spacing\": [x, y, z]}} step would make voxels alike")
    }
  }
}
