import ExecutionPlan
import Training
import Volumes

extension Planner {
  /// SGD's momentum of 0.99 wants a long way; a shorter one is better gone by Adam's steps. Hippocampus, this plan at
  /// 24 channels, fold 0, 1000 steps: Dice 0.862 with AdamW, 0.841 with SGD.
  private static let stepsOfSGD = 25_000
  /// Multiples of the 16 channels that kernels compute at once: 24 take the time of 32, and 12 that of 16.
  private static let bases = [32, 16]
  /// A patch below this share of the one that fits sees too little around it.
  private static let smallestPatch = 1.0 / 16
  private static let validations = 4

  /// Cuts the plan to the time and sets schedule and rhythm.
  mutating func planTime(
    _ seconds: Double, on device: any Device, clock: @escaping () -> Double, loading: Double,
    _ progress: (String) -> Void
  ) throws -> (secondsPerStep: Double, expectedSeconds: Double, bytes: Int) {
    useAdam()
    let planner = self
    let budget = TimeBudget(
      seconds: seconds, folds: folds, device: device, fit: fit, loadingSeconds: loading,
      validationWindows: { planner.validationWindows($0) },
      secondsPerPatch: { try planner.secondsPerPatch($0, clock) })
    let wasBatch = recipe.sampler.batch
    let wasPatch = recipe.sampler.patch
    let found = try budget.choose(settings(), recipe: { planner.recipe(of: $0) }, progress: progress)
    recipe = self.recipe(of: found.setting)
    replaceReasons(found, wasBatch: wasBatch, wasPatch: wasPatch, seconds: seconds)
    setSchedule(found)
    return (found.secondsPerStep, found.expectedSeconds, try fit(recipe)?.bytes ?? 0)
  }

  private mutating func useAdam() {
    recipe.optimizer = OptimizerChoice()
    recipe.optimizer.name = "adamw"
    recipe.optimizer.learningRate = 2e-3
    recipe.optimizer.weightDecay = 1e-2
    recipe.optimizer.clipNorm = 12
  }

  /// From the best to the cheapest: fewer patches, narrower, smaller patches.
  private func settings() -> [TimeBudget.Setting] {
    var batches = [recipe.sampler.batch]
    while let last = batches.last, last > 2 { batches.append(max(2, last / 2)) }
    var settings = batches.map { TimeBudget.Setting(base: Self.bases[0], batch: $0, topology: topologies[0]) }
    settings += Self.bases.dropFirst().map { TimeBudget.Setting(base: $0, batch: 2, topology: topologies[0]) }
    func voxels(_ topology: NetworkTopology) -> Double {
      Double(topology.patch.x * topology.patch.y * topology.patch.z)
    }
    var last = voxels(topologies[0])
    for topology in topologies.dropFirst()
    where voxels(topology) < 0.75 * last && voxels(topology) >= Self.smallestPatch * voxels(topologies[0]) {
      last = voxels(topology)
      settings.append(TimeBudget.Setting(base: Self.bases[Self.bases.count - 1], batch: 2, topology: topology))
    }
    return settings
  }

  private func recipe(of setting: TimeBudget.Setting) -> Recipe {
    var planner = self
    planner.take(setting.topology, base: setting.base)
    planner.recipe.sampler.batch = setting.batch
    return planner.recipe
  }

  /// Windows of all cases that one fold validates, mirrored passes counted.
  private func validationWindows(_ recipe: Recipe) -> Int {
    let size = spacing.medianSize(fingerprint)
    let patch = recipe.sampler.patch
    let windows = (0..<3).reduce(1) { count, axis in
      let free = max(0, size[axis] - Double(patch[axis]))
      let step = max(1, Double(patch[axis]) * (1 - recipe.inference.overlap))
      return count * (1 + Int((free / step).rounded(.up)))
    }
    return windows * recipe.inference.mirror.subsets.count * (fingerprint.cases.count + folds - 1) / max(1, folds)
  }

  private func secondsPerPatch(_ recipe: Recipe, _ clock: () -> Double) throws -> Double {
    let listing = CaseListing(recipe.data)
    // The median case by voxels.
    let order = fingerprint.cases.sorted { $0.size.reduce(1, *) < $1.size.reduce(1, *) }
    guard let median = order.isEmpty ? nil : order[order.count / 2],
      let files = listing.cases.first(where: { $0.name == median.name })
    else { return 0 }
    return try recipe.secondsPerPatch(
      of: files, classes: ClassMap(classes: classes, otherLabels: recipe.data.otherLabels, ignore: recipe.data.ignore),
      channelCount: fingerprint.channels.count, statistics: fingerprint.channels.compactMap(\.foreground), clock: clock)
  }

  private mutating func replaceReasons(
    _ found: TimeBudget.Measured, wasBatch: Int, wasPatch: SIMD3<Int>, seconds: Double
  ) {
    let setting = found.setting
    if setting.batch != wasBatch {
      decisions.removeAll { $0.key == "sampler.batch" }
      decide("sampler.batch", "\(setting.batch)", "of \(wasBatch) that fit, cut to the time")
    }
    if setting.topology.patch != wasPatch {
      decisions.removeAll { $0.key == "sampler.patch" }
      decide("sampler.patch", setting.topology.patch.text, "of \(wasPatch.text) that fit, cut to the time")
    }
    decideNetwork(
      setting.topology, base: setting.base,
      why: setting.base == Self.bases[0] ? "" : "; of \(Self.bases[0]) channels cut to the time")
  }

  private mutating func setSchedule(_ found: TimeBudget.Measured) {
    let steps = max(1, found.steps)
    if steps >= Self.stepsOfSGD {
      decideSGD()
    } else {
      decide(
        "optimizer", "AdamW 0.002", "fewer than \(Self.stepsOfSGD) steps: Adam gets further in them than momentum 0.99")
    }
    recipe.training.steps = steps
    recipe.training.stepsPerEpoch = max(1, min(250, steps / 20))
    // Validations before the end take a twentieth of the time at most.
    let share = found.validationSeconds * Double(Self.validations - 1) / (Double(steps) * found.secondsPerStep)
    recipe.training.validateEvery = share <= 0.05 ? max(1, steps / Self.validations) : 0
    // Two minutes are lost at most.
    recipe.training.checkpointEvery = max(1, min(steps, Int(120 / found.secondsPerStep)))
    decide(
      "training", "\(steps) steps",
      "\(Self.milliseconds(found.secondsPerStep)) ms a step, timed on this device, and \(folds) "
        + "\(folds == 1 ? "run" : "folds") in \(Self.hours(found.expectedSeconds)) h")
  }

  static func milliseconds(_ seconds: Double) -> String { "\(Int((1000 * seconds).rounded()))" }

  static func hours(_ seconds: Double) -> String {
    let hundredths = Int((seconds / 36).rounded())
    return "\(hundredths / 100).\(hundredths % 100 < 10 ? "0" : "")\(hundredths % 100)"
  }
}
