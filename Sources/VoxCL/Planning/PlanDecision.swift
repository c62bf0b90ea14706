/// One choice of a plan with its reason: a row of the table, and a comment in the recipe.
public struct PlanDecision: Codable, Sendable, Equatable {
  /// Key of the recipe, such as `sampler.patch`.
  public var key: String
  public var value: String
  public var why: String
}

/// What a plan cannot be made for.
public struct PlanningError: Error, Sendable, CustomStringConvertible {
  public var description: String

  init(_ description: String) { self.description = description }
}
