import ExecutionPlan
import GraphCompiler
import LayerGraph
import Training
import Volumes

/// From a data set to a complete recipe, by the rules of nnU-Net's planner (Isensee et al., Nature Methods 2021) with
/// an exact memory plan in place of its estimate, and measured steps where time is short.
///
/// The same data, options and device give the same recipe; under a time limit, as far as the device keeps its speed.
public struct ExperimentPlan: Sendable {
  public var recipe: Recipe
  public var fingerprint: DatasetFingerprint
  public var decisions: [PlanDecision]
  /// Of a training step on the device.
  public var bytes: Int
  /// Nil without a time limit, as the next.
  public var secondsPerStep: Double?
  /// For all folds.
  public var expectedSeconds: Double?
  public var folds: Int

  /// - Parameters:
  ///   - data: Where the cases are, as `fingerprint` was taken of.
  ///   - name: Of the recipe.
  ///   - device: Where the steps shall run; with a time limit they are timed there.
  ///   - clock: Seconds of a clock that never goes back.
  ///   - loadingSeconds: What reading all cases takes.
  ///   - progress: What is being done.
  /// - Throws: `PlanningError` where not even the smallest patch fits; what the compiler and the device throw.
  public init(
    _ fingerprint: DatasetFingerprint, data: DataSettings, name: String, options: PlanOptions, device: any Device,
    clock: @escaping () -> Double, loadingSeconds: Double = 0, progress: (String) -> Void = { _ in }
  ) throws {
    var planner = Planner(fingerprint, data: data, name: name, options: options, device: device.description)
    planner.planData(folds: options.folds)
    planner.planPreprocessing()
    planner.planAugmentation()
    planner.planOptimization()
    var bytes = try planner.planNetwork(progress)
    if let limit = options.timeLimitInSeconds {
      let found = try planner.planTime(limit, on: device, clock: clock, loading: loadingSeconds, progress)
      (secondsPerStep, expectedSeconds) = (found.secondsPerStep, found.expectedSeconds)
      bytes = found.bytes
    } else {
      planner.planFullSchedule()
    }
    recipe = planner.recipe
    decisions = planner.decisions
    folds = planner.folds
    self.fingerprint = fingerprint
    self.bytes = bytes
  }

  /// The recipe with each decision's reason as a comment.
  /// - Parameters:
  ///   - dataFolder: As the recipe shall name it, from its own folder.
  ///   - heading: Comments before everything.
  public func recipeText(dataFolder: String, heading: [String]) throws -> String {
    try RecipeText.make(recipe, decisions: decisions, heading: heading, dataFolder: dataFolder)
  }
}
