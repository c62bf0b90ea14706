import Training

extension DatasetFingerprint.Patients {
  /// What the user says; else what the names say; else neighbours in number whose intensities are alike.
  init(cases: [DatasetFingerprint.Case], given: CaseGrouping?) {
    let names = cases.map(\.name)
    var (pattern, groups): (String?, [[String]]) = (nil, [])
    if let given {
      (pattern, groups) = (given.pattern, given.groups)
      why = "as told by --group-by"
    } else if let detected = CaseGrouping.detected(in: names) {
      pattern = detected.pattern
      why = "names tell which cases are one patient's"
    } else {
      groups = AlikeNeighbours(cases).groups
      why =
        groups.isEmpty
        ? "no two cases seem to be one patient's"
        : "cases with successive numbers have intensities as alike as hardly any others: they may be one patient's, and "
          + "keeping them together costs nothing"
    }
    self.pattern = pattern
    self.groups = groups
    count = Set(CaseGrouping(pattern: pattern, groups: groups).patients(names).values).count
  }
}

/// Cases with successive numbers in their names (`scan_175`, `scan_176`) that look as if they came from one scan:
/// stored alike, means and deviations of all channels within a twentieth. Scanners that scale alike (CT) make all
/// cases look so; therefore it counts only where neighbours agree far more often than others do.
struct AlikeNeighbours {
  private static let tolerance = 0.05
  /// Neighbours must agree at least so many times as often as other cases.
  private static let factor = 4.0
  let groups: [[String]]

  init(_ cases: [DatasetFingerprint.Case]) {
    let numbered = cases.compactMap { entry -> (stem: String, number: Int, entry: DatasetFingerprint.Case)? in
      let digits = String(entry.name.reversed().prefix { $0.isASCII && $0.isNumber }.reversed())
      guard let number = Int(digits) else { return nil }
      return (String(entry.name.dropLast(digits.count)), number, entry)
    }.sorted { ($0.stem, $0.number) < ($1.stem, $1.number) }
    var (neighbours, others, alikeOthers) = (0, 0, 0)
    var chains: [[String]] = []
    var alike = 0
    for (i, a) in numbered.enumerated() {
      for b in numbered[(i + 1)...] {
        let agree = Self.agree(a.entry, b.entry)
        guard a.stem == b.stem, b.number == a.number + 1 else {
          others += 1
          alikeOthers += agree ? 1 : 0
          continue
        }
        neighbours += 1
        guard agree else { continue }
        alike += 1
        if chains.last?.last == a.entry.name {
          chains[chains.count - 1].append(b.entry.name)
        } else {
          chains.append([a.entry.name, b.entry.name])
        }
      }
    }
    let share = Double(alike) / Double(max(1, neighbours))
    let usual = Double(alikeOthers) / Double(max(1, others))
    groups = others >= 10 && share > Self.factor * usual ? chains : []
  }

  private static func agree(_ a: DatasetFingerprint.Case, _ b: DatasetFingerprint.Case) -> Bool {
    guard a.datatype == b.datatype, a.intensities.count == b.intensities.count else { return false }
    func near(_ x: Double, _ y: Double) -> Bool { abs(x - y) <= tolerance * max(abs(x), abs(y)) }
    return zip(a.intensities, b.intensities).allSatisfy {
      near($0.mean, $1.mean) && near($0.standardDeviation, $1.standardDeviation)
    }
  }
}
