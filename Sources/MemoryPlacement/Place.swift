/// Packs lifetimes into address space: an offset for each, such that buffers alive at the same time share
/// no byte.
///
/// Ten greedy variants first; the search follows only where all of them miss the lower bound (or the
/// capacity). Without a capacity it looks for an arena as small as the bound, then halves what lies
/// between. The result is a function of the arguments alone: effort is counted in nodes, never in seconds.
///
/// - Parameters:
///   - lifetimes: sound according to ``PlacementProblem/mistakes()``.
///   - capacityInBytes: the largest allowed arena; the first placement within it is taken. Nil asks for the
///     smallest.
///   - nodeLimit: how many buffers the search may place in total, those that it takes back included; 10⁵
///     take 0.1 to 0.7 s. Above 4,096 buffers the search is left out.
/// - Returns: nil where no placement was found within the capacity, or where fixed offsets collide.
/// - Complexity: O(n²) for the greedy variants.
public func place(
  _ lifetimes: [Lifetime], capacityInBytes: Int? = nil, nodeLimit: Int = 500_000
) -> Placement? {
  let problem = PlacementProblem(lifetimes: lifetimes, capacityInBytes: capacityInBytes)
  let mistakes = problem.mistakes()
  precondition(mistakes.isEmpty, "internal: \(mistakes.first ?? "")")

  let instance = PackingInstance(lifetimes)
  let bound = instance.lowerBound
  let capacity = capacityInBytes.map { $0 < 0 ? -1 : $0 / instance.bytesPerUnit }
  if let capacity, capacity < bound { return nil }
  let target = capacity ?? bound

  func placement(_ found: Packing, provenOptimal: Bool) -> Placement {
    var offsets = lifetimes.map { $0.fixedOffsetInBytes ?? 0 }
    for (item, offset) in zip(instance.items, found.offsets) {
      offsets[item.source] = offset * instance.bytesPerUnit
    }
    return Placement(
      offsetsInBytes: offsets,
      arenaInBytes: found.arena * instance.bytesPerUnit,
      lowerBoundInBytes: bound * instance.bytesPerUnit,
      method: found.method,
      provenOptimal: provenOptimal || found.arena == bound)
  }

  var best: Packing?
  for variant in GreedyVariant.all {
    guard let (offsets, arena) = variant.pack(instance) else { return nil }
    if arena < best?.arena ?? Int.max {
      best = Packing(offsets: offsets, arena: arena, method: variant.name)
      if arena == bound { break }
    }
  }
  guard let greedy = best else { return nil }
  if greedy.arena <= target { return placement(greedy, provenOptimal: false) }

  var search = ArenaSearch(instance: instance, remainingNodes: nodeLimit)
  if capacity != nil {
    guard let found = search.pack(within: target, nodeLimit: nodeLimit).packing else { return nil }
    return placement(found, provenOptimal: false)
  }
  let (found, proven) = search.minimise(from: greedy)
  return placement(found, provenOptimal: proven)
}

/// Offsets in units, and how they were found.
struct Packing {
  var offsets: [Int]
  var arena: Int
  var method: String
}
