import FoundationEssentials
import Interchange
import Testing

@testable import Training

/// Learning rates step by step against PyTorch's schedulers and the references' formulas: `Tests/Values/schedules.json`,
/// made by tools/reference/make_schedule_values.py.
@Suite struct ScheduleTests {
  struct Case {
    var name: String
    var recipe: Recipe
    var metric: [Double]
    var rates: [Double]
  }

  static func cases() throws -> [Case] {
    let data = try Data(contentsOf: URL(filePath: "\(repository)/Tests/Values/schedules.json"))
    let workspace = try Workspace()
    return try (JSONValue(parsing: [UInt8](data)).objectValue?["cases"]?.arrayValue ?? []).map { entry in
      let object = try #require(entry.objectValue)
      var recipe = try workspace.recipe(["schedule=\(try #require(object["schedule"]).text())"])
      recipe.optimizer.learningRate = try #require(object["base"]?.doubleValue)
      recipe.training.stepsPerEpoch = object["stepsPerEpoch"]?.integerValue ?? 1
      recipe.training.steps = object["horizon"]?.integerValue ?? 1000
      return Case(
        name: object["name"]?.stringValue ?? "", recipe: recipe,
        metric: (object["metric"]?.arrayValue ?? []).compactMap(\.doubleValue),
        rates: (object["rates"]?.arrayValue ?? []).compactMap(\.doubleValue))
    }
  }

  private func expectSame(_ found: [Double], _ expected: [Double], _ name: String) {
    #expect(found.count == expected.count, "\(name)")
    for (index, (a, b)) in zip(found, expected).enumerated() where abs(a - b) > 1e-12 * b {
      Issue.record("\(name), step \(index): \(a), expected \(b)")
      return
    }
  }

  @Test func ratesAreThoseOfTheReferences() throws {
    let cases = try Self.cases()
    #expect(Set(cases.map(\.name)).isSuperset(of: ["S1", "S3", "S4", "R1", "R2"]))
    for entry in cases {
      guard case .plateau(let plateau) = entry.recipe.schedule else {
        let found = entry.rates.indices.map { entry.recipe.plan(ofStep: $0).learningRate }
        expectSame(found, entry.rates, entry.name)
        continue
      }
      #expect(entry.metric.count > 100)
      var state = PlateauState()
      let found = entry.metric.map { value in
        state.observe(value, plateau)
        return entry.recipe.plan(ofStep: 0, plateauFactor: state.factor).learningRate
      }
      #expect(Set(found).count > 2, "\(entry.name) never reduces")
      expectSame(found, entry.rates, entry.name)
      #expect(PlateauState(state.json) == state)
    }
  }

  @Test func whatWatchesTheLossWantsItSmall() throws {
    let recipe = try Workspace().recipe(["schedule={name: 'plateau', watch: 'loss'}"])
    guard case .plateau(let plateau) = recipe.schedule else { return #expect(Bool(false)) }
    #expect(plateau.mode == .min && plateau.watch == .loss)
  }

  // S0's sessions with all data: limits of batch renorm at 5e-5, and the three rates of its smaller run.
  static let sessions = """
    [{"steps": 29000, "batchRenorm": {"rMax": 1, "dMax": 0}},
     {"steps": 23000, "batchRenorm": {"rMax": 1.25, "dMax": 1}},
     {"steps": 35000, "batchRenorm": {"rMax": 1.5, "dMax": 2}},
     {"steps": 33000, "batchRenorm": {"rMax": 2, "dMax": 3}},
     {"steps": 18000, "batchRenorm": {"rMax": 2.5, "dMax": 4}},
     {"steps": 2000, "batchRenorm": {"rMax": 3, "dMax": 5}, "learningRate": 5e-6}]
    """

  @Test func s0sSessionsAreOneRecipe() throws {
    let recipe = try Workspace().recipe([
      "training={stages: \(Self.sessions)}", "schedule={name: 'constant'}", "optimizer.learningRate=5e-5",
    ])
    #expect(recipe.training.steps == 140_000)
    // First and last step of each session, by hand.
    let table: [(step: Int, stage: Int, rMax: Double, dMax: Double)] = [
      (0, 0, 1, 0), (28_999, 0, 1, 0), (29_000, 1, 1.25, 1), (51_999, 1, 1.25, 1), (52_000, 2, 1.5, 2),
      (86_999, 2, 1.5, 2), (87_000, 3, 2, 3), (119_999, 3, 2, 3), (120_000, 4, 2.5, 4), (137_999, 4, 2.5, 4),
      (138_000, 5, 3, 5), (139_999, 5, 3, 5),
    ]
    for row in table {
      let plan = recipe.plan(ofStep: row.step)
      #expect(plan.stage == row.stage)
      #expect(plan.renormLimits == RenormLimits(rMax: row.rMax, dMax: row.dMax))
      #expect(plan.learningRate == (row.stage == 5 ? 5e-6 : 5e-5))
    }
    let again = try Recipe(json: recipe.json, path: "again")
    #expect(again == recipe && again.json == recipe.json)
  }

  /// Ioffe 2017: batch norm for 5,000 steps, then r_max to 3 at 40,000 and d_max to 5 at 25,000.
  @Test func limitsMayClimbAsIoffesDo() throws {
    let middle = 1 + 2 * 20.0 / 35
    let recipe = try Workspace().recipe([
      """
      training={stages: [{steps: 5000}, {steps: 20000, batchRenorm: {rMax: [1, \(middle)], dMax: [0, 5]}},
        {steps: 15000, batchRenorm: {rMax: [\(middle), 3], dMax: 5}}, {steps: 10, batchRenorm: {rMax: 3, dMax: 5}}]}
      """, "schedule=null",
    ])
    for step in stride(from: 0, through: 40_005, by: 613) {
      let limits = recipe.plan(ofStep: step).renormLimits
      let r = min(max(1 + 2 * Double(step - 5000) / 35_000, 1), 3)
      let d = min(max(5 * Double(step - 5000) / 20_000, 0), 5)
      #expect(abs(limits.rMax - r) < 1e-12 && abs(limits.dMax - d) < 1e-12, "step \(step)")
    }
    #expect(try Recipe(json: recipe.json, path: "again") == recipe)
  }

  /// The schedule counts from the stage's first step; warm-up is of the run's start alone.
  @Test func eachStageStartsItsSchedule() throws {
    var recipe = try Workspace().recipe([
      "training={stages: [{steps: 4, learningRate: 1}, {steps: 2, learningRate: 0.1}]}",
      "schedule={name: 'polynomial', power: 1, warmupSteps: 2}",
    ])
    let rates = (0..<6).map { recipe.plan(ofStep: $0).learningRate }
    for (found, expected) in zip(rates, [0.5, 0.75, 0.5, 0.25, 0.1, 0.05]) { #expect(abs(found - expected) < 1e-15) }
    recipe.schedule = .exponential(gamma: 0.5)
    recipe.training.stepsPerEpoch = 1
    #expect(recipe.plan(ofStep: 5).learningRate == 0.05)
  }

  @Test func unsoundSettingsAreSaid() throws {
    func problems(_ changes: [String]) throws -> [String] {
      do {
        _ = try Workspace().recipe(changes)
        return []
      } catch let errors as RecipeErrors {
        return errors.errors.map { "\($0.key): \($0.found), \($0.expected)" }
      }
    }
    #expect(
      try problems(["training={steps: 5, stages: [{steps: 3}]}"]) == [
        "training.steps: 5, the stages' sum, 3, or null: stages say how long"
      ])
    let many = try problems([
      "training={stages: [{learningRate: 1}, 7, {steps: 2, batchRenorm: {rMax: 0.5, dMx: 3}}], earlyStop: {patience: 0}, "
        + "largestComponent: 8}", "schedule={warmupSteps: 3, warmupEpochs: 4, name: 'plateau', rule: 'keras2'}",
    ])
    for key in [
      "training.stages[0].steps", "training.stages[1]", "training.stages[2].batchRenorm.rMax",
      "training.stages[2].batchRenorm.dMx", "training.earlyStop.patience", "training.largestComponent",
      "schedule.warmupSteps", "schedule.rule",
    ] {
      #expect(many.contains { $0.hasPrefix("\(key): ") }, "\(key) in \(many)")
    }
    #expect(many.count == 8, "\(many)")
  }
}
