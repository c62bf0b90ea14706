import Volumes

/// Names of the cases that train and that validate.
public struct CaseSplit: Sendable, Equatable, Codable {
  public var training: [String]
  public var validation: [String]

  public init(training: [String], validation: [String]) {
    self.training = training
    self.validation = validation
  }

  /// What is wrong with this split of these cases, one line each.
  ///
  /// - Parameter patients: Whose cases must lie on one side; nil looks for the usual ways to name patients.
  public func problems(cases: [String], path: String, patients: CaseGrouping? = nil) -> [String] {
    let known = Set(cases)
    var problems: [String] = []
    for name in training + validation where !known.contains(name) {
      problems.append("\(path): names the case \(name), which the data does not have")
    }
    let trained = Set(training)
    for name in validation where trained.contains(name) {
      problems.append("\(path): the case \(name) is in training and in validation")
    }
    if training.isEmpty { problems.append("\(path): no case trains") }
    return problems + patientsOnBothSides(path: path, patients)
  }

  /// Cases of one patient are alike: a figure measured on one after training on the other is too good.
  private func patientsOnBothSides(path: String, _ given: CaseGrouping?) -> [String] {
    guard let grouping = given ?? CaseGrouping.detected(in: training + validation) else { return [] }
    let patients = grouping.patients(training + validation)
    let members = Dictionary(grouping: validation) { patients[$0] ?? $0 }
    let trained = Dictionary(grouping: training) { patients[$0] ?? $0 }
    let advice =
      given != nil
      ? ""
      : "; data.split.groupBy: \"\(grouping.pattern ?? "")\" keeps patients together, \"(.*)\" says that each case is "
        + "another's"
    return members.sorted { $0.key < $1.key }.compactMap { patient, validated in
      guard let other = trained[patient]?.min(), other != validated.min() else { return nil }
      return "\(path): the patient \(patient) is on both sides: \(other) trains, \(validated.min() ?? "") validates"
        + advice
    }
  }

  /// Equal folds of a seeded shuffle of groups; fold i validates on the i-th part. Cases of one group stay
  /// together; the largest groups are placed first, each into the fold that has the fewest cases.
  public static func folds(
    _ count: Int, of cases: [String], seed: UInt64, group: (String) -> String
  ) -> [CaseSplit] {
    let groups = Dictionary(grouping: cases.sorted(), by: group).sorted { $0.key < $1.key }
    var random = SampleRandom(seed: seed, stream: .caseChoice, sample: UInt64.max)
    let shuffled = random.permutation(groups.count).map { groups[$0].value }
    let ordered = shuffled.enumerated().sorted {
      ($1.element.count, $0.offset) < ($0.element.count, $1.offset)
    }
    var parts = [[String]](repeating: [], count: count)
    for (_, members) in ordered {
      let fold = parts.indices.min { (parts[$0].count, $0) < (parts[$1].count, $1) } ?? 0
      parts[fold] += members
    }
    return parts.indices.map { fold in
      CaseSplit(
        training: parts.indices.filter { $0 != fold }.flatMap { parts[$0] }.sorted(),
        validation: parts[fold].sorted())
    }
  }
}
