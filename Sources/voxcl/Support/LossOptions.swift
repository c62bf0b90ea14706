import ArgumentParser
import VoxCL

/// What `voxcl step` may change of a loss.
struct LossOptions: ParsableArguments {
  @Flag(help: "Leave class 0 out of region losses.") var excludeBackground = false
  @Flag(help: "Region sums over the batch instead of each sample.") var batchDice = false
  @Flag(help: "Region sums of p² and y².") var squared = false
  @Flag(help: "Divide the entropy by the number of voxels instead of their weights.") var meanOverVoxels = false
  @Option(help: "A label that counts nowhere (negative ones never do).") var ignoreLabel: Int?
  @Option(help: "Weights of the classes in the entropy term, comma-separated.") var classWeights: String?
  @Option(help: "ε of the region term.") var epsilon: Double?
  @Option(help: "Factor of the entropy term (λ).") var entropyWeight: Double?
  @Option(help: "Factor of the region term.") var regionWeight: Double?
  @Option(help: "Tversky's weight of false positives.") var alpha: Double?
  @Option(help: "Tversky's weight of false negatives.") var beta: Double?
  @Option(help: "γ of the focal losses.") var gamma: Double?

  /// The loss of this name with these options.
  func applied(to name: String) throws -> Loss {
    guard var loss = LossCatalog.named(name) else {
      throw UserError("--loss \(name): expected one of \(LossCatalog.all.map(\.name).joined(separator: ", "))")
    }
    if excludeBackground { loss.includesBackground = false }
    if batchDice { loss.isOverBatch = true }
    if squared { loss.isSquared = true }
    if meanOverVoxels { loss.isMeanOverVoxels = true }
    if let ignoreLabel { loss.ignoredLabel = ignoreLabel }
    loss.epsilon = try number("--epsilon", epsilon) ?? loss.epsilon
    loss.entropyWeight = try number("--entropy-weight", entropyWeight) ?? loss.entropyWeight
    loss.regionWeight = try number("--region-weight", regionWeight) ?? loss.regionWeight
    loss.alpha = try number("--alpha", alpha) ?? loss.alpha
    loss.beta = try number("--beta", beta) ?? loss.beta
    loss.focus = try number("--gamma", gamma) ?? loss.focus
    if let classWeights {
      let values = classWeights.split(separator: ",").map { Double($0) }
      guard !values.contains(where: { $0 == nil || $0! < 0 || !$0!.isFinite }) else {
        throw UserError("--class-weights \(classWeights): expected numbers from 0 on, separated by commas")
      }
      loss.classWeights = values.compactMap { $0 }
    }
    return loss
  }

  private func number(_ name: String, _ value: Double?) throws -> Double? {
    guard let value, !(value >= 0 && value.isFinite) else { return value }
    throw UserError("\(name) \(value): expected a number from 0 on")
  }
}
