/// The problem as the solvers see it: times as section numbers, bytes as multiples of a common unit, and
/// without the buffers that take no space.
///
/// A *section* is a span of time in which the set of live buffers does not change.
struct PackingInstance {
  struct Item {
    var firstSection: Int
    var endSection: Int
    var size: Int
    var alignment: Int
    /// In units; -1 where the packer may choose.
    var fixedOffset: Int
    /// Index into the caller's lifetimes.
    var source: Int

    func overlapsInTime(_ other: Item) -> Bool {
      firstSection < other.endSection && other.firstSection < endSection
    }
  }

  var items: [Item]
  var sectionCount: Int
  /// Length of each section in schedule steps.
  var sectionLengths: [Int]
  var bytesPerUnit: Int
  /// Sum of the sizes of the live items of each section.
  var sectionTotals: [Int]
  /// In units.
  var lowerBound: Int

  init(_ lifetimes: [Lifetime]) {
    let alignments = lifetimes.reduce(0) { greatestCommonDivisor($0, $1.alignmentInBytes) }
    let granule = max(1, alignments)
    let occupying = lifetimes.indices.filter { lifetimes[$0].sizeInBytes > 0 }
    let sizes = lifetimes.map { roundedUp($0.sizeInBytes, toMultipleOf: granule) }

    // Offsets of a pushed-down placement are sums of sizes and fixed offsets. Where every alignment divides
    // their common divisor, alignment is free; otherwise the unit is the coarsest that all of them are
    // multiples of.
    var unit = 0
    for index in occupying {
      unit = greatestCommonDivisor(unit, sizes[index])
      unit = greatestCommonDivisor(unit, lifetimes[index].fixedOffsetInBytes ?? 0)
    }
    unit = max(1, unit)
    if occupying.contains(where: { unit % lifetimes[$0].alignmentInBytes != 0 }) {
      unit = occupying.reduce(unit) { greatestCommonDivisor($0, lifetimes[$1].alignmentInBytes) }
    }
    bytesPerUnit = unit

    var times: [Int] = []
    for index in occupying { times += [lifetimes[index].lower, lifetimes[index].upper] }
    times.sort()
    var boundaries: [Int] = []
    for time in times where boundaries.last != time { boundaries.append(time) }
    sectionCount = max(0, boundaries.count - 1)
    sectionLengths = (0..<sectionCount).map {
      boundaries[$0 + 1].subtractingReportingOverflow(boundaries[$0]).partialValue.magnitudeOrMax
    }

    items = occupying.map { index in
      let lifetime = lifetimes[index]
      return Item(
        firstSection: position(of: lifetime.lower, in: boundaries),
        endSection: position(of: lifetime.upper, in: boundaries),
        size: sizes[index] / unit,
        alignment: max(1, lifetime.alignmentInBytes / unit),
        fixedOffset: lifetime.fixedOffsetInBytes.map { $0 / unit } ?? -1,
        source: index)
    }
    sectionTotals = Array(repeating: 0, count: sectionCount)
    lowerBound = 0
    for item in items {
      for section in item.firstSection..<item.endSection { sectionTotals[section] += item.size }
      if item.fixedOffset >= 0 { lowerBound = max(lowerBound, item.fixedOffset + item.size) }
    }
    lowerBound = max(lowerBound, sectionTotals.max() ?? 0)
  }

  /// Schedule steps of an item's life.
  func duration(of item: Item) -> Int {
    var steps = 0
    for section in item.firstSection..<item.endSection {
      steps = steps.addingReportingOverflow(sectionLengths[section]).partialValue.magnitudeOrMax
    }
    return steps
  }
}

extension Int {
  /// The value, or the largest one where a sum or difference wrapped below zero.
  fileprivate var magnitudeOrMax: Int { self < 0 ? Int.max : self }
}

func greatestCommonDivisor(_ a: Int, _ b: Int) -> Int {
  var (a, b) = (a, b)
  while b != 0 { (a, b) = (b, a % b) }
  return a
}

@inline(__always)
func roundedUp(_ value: Int, toMultipleOf unit: Int) -> Int {
  unit == 1 ? value : (value + unit - 1) / unit * unit
}

/// Index of `value` in the sorted array, which holds it.
private func position(of value: Int, in sorted: [Int]) -> Int {
  var (low, high) = (0, sorted.count)
  while low < high {
    let middle = (low + high) / 2
    if sorted[middle] < value { low = middle + 1 } else { high = middle }
  }
  return low
}
