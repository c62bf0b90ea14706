/// Packs lifetimes into several allocations of a limited size, for devices whose largest single one is smaller than the
/// arena.
///
/// Greedy, by size and by bytes × steps, each buffer at the lowest offset of the first bank that has room; the order with
/// the fewest bytes in all counts. Offsets count through the banks: `offset / bankInBytes` is the bank.
/// - Parameter bankInBytes: A multiple of every alignment.
/// - Returns: Nil where a buffer is larger than a bank.
public func placeInBanks(_ lifetimes: [Lifetime], bankInBytes: Int) -> Placement? {
  guard lifetimes.allSatisfy({ $0.sizeInBytes <= bankInBytes }) else { return nil }
  let keys: [(Lifetime) -> Int] = [\.sizeInBytes, { $0.sizeInBytes * ($0.upper - $0.lower) }]
  var best: Placement?
  for key in keys {
    let order = lifetimes.indices.sorted { (key(lifetimes[$1]), $0) < (key(lifetimes[$0]), $1) }
    let found = packed(lifetimes, order, bankInBytes)
    if found.arenaInBytes < best?.arenaInBytes ?? .max { best = found }
  }
  return best
}

private func packed(_ lifetimes: [Lifetime], _ order: [Int], _ bankInBytes: Int) -> Placement {
  var offsets = [Int](repeating: 0, count: lifetimes.count)
  /// By bank: what lies in it, by offset.
  var banks: [[Int]] = []
  for index in order {
    let own = lifetimes[index]
    var bank = 0
    while true {
      if bank == banks.count { banks.append([]) }
      var offset = 0
      for other in banks[bank] where lifetimes[other].overlapsInTime(own) {
        if offsets[other] - offset >= own.sizeInBytes { break }
        let end = offsets[other] + lifetimes[other].sizeInBytes
        offset = max(offset, (end + own.alignmentInBytes - 1) / own.alignmentInBytes * own.alignmentInBytes)
      }
      if offset + own.sizeInBytes <= bankInBytes {
        offsets[index] = offset
        let place = banks[bank].firstIndex { offsets[$0] > offset } ?? banks[bank].count
        banks[bank].insert(index, at: place)
        break
      }
      bank += 1
    }
  }
  let sizes = banks.map { $0.reduce(0) { max($0, offsets[$1] + lifetimes[$1].sizeInBytes) } }
  for (bank, members) in banks.enumerated() { for index in members { offsets[index] += bank * bankInBytes } }
  return Placement(
    offsetsInBytes: offsets, arenaInBytes: sizes.reduce(0, +), lowerBoundInBytes: PackingInstance(lifetimes).lowerBound
      * PackingInstance(lifetimes).bytesPerUnit, method: "\(sizes.count) banks", provenOptimal: false,
    bankInBytes: bankInBytes, bankSizesInBytes: sizes)
}
