import Training
import Volumes

/// What a data set is like: all that a plan rests on. Lists are [x, y, z] of the RAS+ volume.
public struct DatasetFingerprint: Codable, Sendable, Equatable {
  /// One case as its files hold it.
  public struct Case: Codable, Sendable, Equatable {
    public var name: String
    public var size: [Int]
    /// Of the box of voxels that are not 0 in any channel.
    public var sizeAfterCrop: [Int]
    public var spacingInMillimetres: [Double]
    /// Of the first channel's file, such as "LPS".
    public var orientation: String
    /// Of the first channel's file, such as "int16".
    public var datatype: String
    /// Voxels of each class that occurs.
    public var voxels: [String: Int]
    /// One a channel.
    public var intensities: [Intensity]
  }

  /// Of all voxels of a channel.
  public struct Intensity: Codable, Sendable, Equatable {
    public var minimum: Double
    public var maximum: Double
    public var mean: Double
    /// Of the population (÷ count).
    public var standardDeviation: Double
  }

  public struct Channel: Codable, Sendable, Equatable {
    public var name: String
    /// Of the labelled voxels of all cases; nil where there is none.
    public var foreground: ForegroundStatistics?
  }

  public struct Class: Codable, Sendable, Equatable {
    public var name: String
    public var id: Int
    /// In all cases.
    public var voxels: Int
    /// Cases that have it.
    public var cases: Int
  }

  /// Which cases seem to be one patient's.
  public struct Patients: Codable, Sendable, Equatable {
    /// As `data.split.groupBy` of a recipe.
    public var pattern: String?
    /// As `data.split.groups` of a recipe.
    public var groups: [[String]]
    public var count: Int
    public var why: String

    public var grouping: CaseGrouping? {
      pattern == nil && groups.isEmpty ? nil : CaseGrouping(pattern: pattern, groups: groups)
    }
  }

  /// `pairs`, `decathlon` or `nnunet`.
  public var layout: String
  public var cases: [Case]
  public var channels: [Channel]
  public var classes: [Class]
  /// Id that counts nowhere.
  public var ignoredId: Int?
  public var patients: Patients
  /// Of the sizes after the crop and of the spacings, axis by axis.
  public var medianSizeAfterCrop: [Double]
  public var medianSpacingInMillimetres: [Double]
  /// Median of the cases' voxels after the crop as a share of those before.
  public var medianShareAfterCrop: Double
  /// What a user should hear of.
  public var warnings: [String]

  /// Median or another percentile of a number of each case, axis by axis, as numpy's default.
  static func percentile(_ percentage: Double, _ values: [Double]) -> Double {
    guard !values.isEmpty else { return 0 }
    let sorted = values.sorted()
    let position = percentage / 100 * Double(sorted.count - 1)
    let low = Int(position)
    guard low + 1 < sorted.count else { return sorted[low] }
    return sorted[low] + (sorted[low + 1] - sorted[low]) * (position - Double(low))
  }
}
