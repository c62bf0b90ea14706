import ExecutionPlan
import GraphCompiler
import Training
import Volumes

/// Cuts batch, patch and width so that a network sees enough steps in the time that there is, by timing real steps.
///
/// Of the settings from the best to the cheapest, the first is taken whose folds get enough steps in time: fewer patches
/// a batch first, which cost no capacity, then the width, the patch last of all. Times of settings that were not run
/// follow from their multiplications and the nearest that was run; what is taken was run.
final class TimeBudget {
  struct Setting: Sendable {
    var base: Int
    var batch: Int
    var topology: NetworkTopology
  }

  struct Measured: Sendable {
    var setting: Setting
    /// A whole training step, making its patches included.
    var secondsPerStep: Double
    /// From the compiler's start to the end of the first step.
    var firstStepSeconds: Double
    var steps: Int
    /// Of one validation of a fold.
    var validationSeconds: Double
    var expectedSeconds: Double
  }

  /// Below this, a narrower network learns more than a wider one: on small data sets 4000 steps come close to where
  /// many more end.
  private static let wantedSteps = 4000
  /// The narrowest network rather learns for so many steps than from a smaller patch. Hippocampus, fold 0, 16 channels:
  /// Dice 0.871 after 1000 steps of 40×56×40 voxels, 0.849 of 32×48×40 (tools/benchmarks/RESULTS.md).
  private static let fewestSteps = 1000
  /// nnU-Net's 1000 epochs of 250.
  static let mostSteps = 250_000
  /// Left for what nobody foresees: other programs on the machine, slower steps of a warm processor.
  private static let margin = 0.1
  private static let tuningShare = 0.02
  private static let mostMeasurements = 5
  /// A forward pass as a share of a training step.
  private static let forwardShare = 0.3
  /// Of a fold's time, for validation before its end.
  private static let validationShare = 0.05

  private let seconds: Double
  private let folds: Int
  private let device: any Device
  private let fit: StepFit
  /// Windows that the validation of one fold runs, mirrored passes counted.
  private let validationWindows: (Recipe) -> Int
  private let secondsPerPatch: (Recipe) throws -> Double
  private let loadingSeconds: Double
  private var timed: [String: StepBenchmark] = [:]
  private var flops: [String: Int] = [:]
  private var patchRate: Double?

  /// - Parameters:
  ///   - seconds: For all folds together.
  ///   - loadingSeconds: To read and prepare the data, once a fold.
  init(
    seconds: Double, folds: Int, device: any Device, fit: StepFit, loadingSeconds: Double,
    validationWindows: @escaping (Recipe) -> Int, secondsPerPatch: @escaping (Recipe) throws -> Double
  ) {
    (self.seconds, self.folds, self.device, self.fit) = (seconds, folds, device, fit)
    (self.loadingSeconds, self.validationWindows) = (loadingSeconds, validationWindows)
    self.secondsPerPatch = secondsPerPatch
  }

  /// - Parameters:
  ///   - settings: The best first.
  ///   - recipe: The recipe of a setting.
  /// - Throws: What compiling or the device throws; `PlanningError` where not even one step fits the time.
  func choose(_ settings: [Setting], recipe: (Setting) -> Recipe, progress: (String) -> Void) throws -> Measured {
    // The cheapest is the quickest to time.
    var next = settings[settings.count - 1]
    func isEnough(_ setting: Setting) throws -> Bool {
      let wanted = setting.base > settings[settings.count - 1].base ? Self.wantedSteps : Self.fewestSteps
      return try estimate(setting, recipe(setting)).steps >= wanted
    }
    for _ in 0..<Self.mostMeasurements {
      progress("timing width \(next.base), batch \(next.batch), patch \(next.topology.patch.text)")
      try measure(next, recipe(next))
      next = try settings.first(where: isEnough) ?? settings[settings.count - 1]
      if timed[key(next)] != nil { break }
    }
    // Of those that were timed, the best that is fast enough.
    let run = settings.filter { timed[key($0)] != nil }
    let best = try run.first(where: isEnough) ?? run[run.count - 1]
    let found = try estimate(best, recipe(best))
    guard found.steps > 0 else {
      throw PlanningError(
        "--time: \(folds) folds in \(Int(seconds)) s leave no time for a step; fewer folds (--folds) or more time would"
      )
    }
    return found
  }

  private func key(_ setting: Setting) -> String {
    let patch = setting.topology.patch
    return "\(setting.base) \(setting.batch) \(patch.x) \(patch.y) \(patch.z)"
  }

  private func measure(_ setting: Setting, _ recipe: Recipe) throws {
    var options = fit.options(recipe)
    options.memoryBudget = fit.limit
    let benchmark = try StepBenchmark.run(fit.graph(recipe), options: options, on: device, repeats: 3)
    timed[key(setting)] = benchmark
    // Known from now on: estimates go by it.
    _ = try operations(setting, recipe)
  }

  /// From the setting's own times, or from those of the most alike.
  private func estimate(_ setting: Setting, _ recipe: Recipe) throws -> Measured {
    let work = Double(try operations(setting, recipe))
    let nearest = timed.min { a, b in
      let (x, y) = (Double(flops[a.key] ?? 1), Double(flops[b.key] ?? 1))
      let (dx, dy) = (max(x / work, work / x), max(y / work, work / y))
      return (dx, a.key) < (dy, b.key)
    }
    guard let nearest else { preconditionFailure("internal: an estimate before any measurement") }
    let kernels = nearest.value.secondsPerStep * work / Double(flops[nearest.key] ?? 1)
    let step = kernels + (try dataSeconds(recipe, kernels: kernels))
    let validation =
      Double(validationWindows(recipe)) * Self.forwardShare * nearest.value.secondsPerStep * work
      / Double(flops[nearest.key] ?? 1) / Double(recipe.sampler.batch)
    // Kernels are compiled and tuned once; every fold reads its data and ends with a validation.
    let once = nearest.value.firstStepSeconds + Self.tuningShare * seconds / Double(folds)
    let perFold = (seconds * (1 - Self.margin) - once) / Double(folds) - loadingSeconds - validation
    let training = perFold * (validation < Self.validationShare * perFold ? 1 - Self.validationShare : 1)
    let steps = max(0, min(Self.mostSteps, Int(training / step)))
    let rounded = Self.rounded(steps)
    return Measured(
      setting: setting, secondsPerStep: step, firstStepSeconds: nearest.value.firstStepSeconds, steps: rounded,
      validationSeconds: validation,
      expectedSeconds: once + Double(folds) * (loadingSeconds + validation + step * Double(rounded)))
  }

  /// On a processor that also computes the steps, making patches takes its share of the cores; a GPU only waits for
  /// what one thread does not manage beside it.
  private func dataSeconds(_ recipe: Recipe, kernels: Double) throws -> Double {
    let patch = recipe.sampler.patch
    let voxels = Double(patch.x * patch.y * patch.z)
    if patchRate == nil { patchRate = try secondsPerPatch(recipe) / voxels }
    let seconds = (patchRate ?? 0) * voxels * Double(recipe.sampler.batch)
    guard device.description.kind == .cpu else { return max(0, seconds - kernels) }
    return max(seconds / Double(max(1, device.description.computeUnits)), seconds - kernels)
  }

  private func operations(_ setting: Setting, _ recipe: Recipe) throws -> Int {
    let key = key(setting)
    if let known = flops[key] { return known }
    // What does not fit is as good as endless.
    let found = try fit(recipe)?.flops ?? Int.max / 2
    flops[key] = max(1, found)
    return flops[key] ?? 1
  }

  /// Two digits say enough.
  private static func rounded(_ steps: Int) -> Int {
    var unit = 1
    while steps / unit >= 100 { unit *= 10 }
    return steps / unit * unit
  }
}

extension SIMD3<Int> {
  /// Such as `40×56×40`.
  var text: String { "\(x)×\(y)×\(z)" }
}
