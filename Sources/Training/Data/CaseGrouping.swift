/// Which cases are one patient's: a split keeps them on one side.
public struct CaseGrouping: Sendable, Equatable {
  /// A regular expression: the patient is what it matches in a case's name (its first capture where it has one);
  /// a case in whose name it matches nothing is alone.
  public var pattern: String?
  /// Names of cases that belong together, whatever the pattern says.
  public var groups: [[String]]

  public init(pattern: String? = nil, groups: [[String]] = []) {
    self.pattern = pattern
    self.groups = groups
  }

  /// The patient of each case, named by the pattern's match or by the first of a listed group.
  public func patients(_ cases: [String]) -> [String: String] {
    // A recipe's pattern was checked when it was read: it compiles.
    let regex = pattern.flatMap { try? Regex($0) }
    var patients: [String: String] = [:]
    for name in cases {
      patients[name] = name
      guard let regex, let match = try? regex.firstMatch(in: name) else { continue }
      let part = match.output.count > 1 ? match.output[1].substring : match.output[0].substring
      if let part, !part.isEmpty { patients[name] = String(part) }
    }
    for group in groups {
      // Joins whole patients: of a listed case also those whom the pattern puts beside it.
      let joined = Set(group.compactMap { patients[$0] })
      guard let first = group.first else { continue }
      for (name, patient) in patients where joined.contains(patient) { patients[name] = first }
    }
    return patients
  }

  /// What people name the cases of one patient, most certain first: `sub-07_ses-1` (BIDS), `knee_12_left`,
  /// `p3_visit2`, `patient007_frame12`.
  static let knownPatterns = [
    #"^(sub-[A-Za-z0-9]+)_"#,
    #"^(.+?)[-_. ](?:[Ll]eft|[Rr]ight|LEFT|RIGHT|[Ll][Hh]?|[Rr][Hh]?)$"#,
    #"^(.+?)[-_. ](?:ses|session|visit|time|timepoint|tp|scan|frame|baseline|followup|day)[-_]?[0-9]*$"#,
    #"^((?:patient|subject|subj|pat|pt)[-_]?[0-9]+)[-_. ]"#,
  ]

  /// The first known way to name patients by which at least two of the cases are one's, and not all are.
  public static func detected(in cases: [String]) -> CaseGrouping? {
    for pattern in knownPatterns {
      let grouping = CaseGrouping(pattern: pattern)
      let count = Set(grouping.patients(cases).values).count
      if count > 1 && count < cases.count { return grouping }
    }
    return nil
  }
}

extension CaseGrouping: ExpressibleByStringLiteral {
  public init(stringLiteral pattern: String) { self.init(pattern: pattern) }
}
