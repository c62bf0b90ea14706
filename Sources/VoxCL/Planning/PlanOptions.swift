import ExecutionPlan

/// What a user wishes of a plan.
public struct PlanOptions: Sendable {
  /// Most bytes that a training step may take; nil: nnU-Net's 8 GiB, or what the device has.
  public var fitBytes: Int?
  /// Seconds in which all folds shall be trained; nil: nnU-Net's own schedule.
  public var timeLimitInSeconds: Double?
  /// Folds of the cross-validation; nil: 5, or as many as there are patients.
  public var folds: Int?
  /// A pattern for patients in the names of cases; nil looks for one.
  public var groupBy: String?
  /// nil: mixed on GPUs, fp32 elsewhere.
  public var precision: Precision?

  public init() {}
}
