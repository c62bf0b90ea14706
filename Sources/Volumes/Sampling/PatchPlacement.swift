/// Where sample k lies in a case: a pure function of (settings, case, seed, k).
struct PatchPlacement: Equatable {
  /// The case's voxel at the patch's first corner; negative where the patch begins in the padding.
  var origin: SIMD3<Int>
  /// The class whose voxel was drawn as centre; nil for a uniform centre.
  var centreClass: Int32?

  init(_ settings: PatchSamplingSettings, source: PatchSource, seed: UInt64, sample: UInt64) {
    var random = SampleRandom(seed: seed, stream: .patchCentre, sample: sample)
    let centre: SIMD3<Int>
    if Self.isClassCentred(sample, fraction: settings.classCentredFraction),
      let label = Self.drawClass(settings.classWeights, source: source, random: &random)
    {
      let voxels = source.classVoxels.voxels(of: label)
      centre = source.position(ofVoxel: Int(voxels[random.integer(below: voxels.count)]))
      centreClass = label
    } else {
      centre = SIMD3(
        random.integer(below: source.size.x), random.integer(below: source.size.y),
        random.integer(below: source.size.z))
    }
    origin = centre &- settings.patchSize / 2
    for axis in 0..<3 {
      let free = source.size[axis] - settings.patchSize[axis]
      if free < 0 {
        // The patch is larger: it holds the whole axis, at a place that still follows the centre.
        origin[axis] = min(max(origin[axis], free), 0)
      } else if settings.placement == .inside {
        // Clamping the centre would pile patches up at the border, so uniform centres are drawn anew.
        origin[axis] =
          centreClass == nil ? random.integer(below: free + 1) : min(max(origin[axis], 0), free)
      }
    }
  }

  /// Whether ⌊n · fraction⌋ grows at this sample: spreads the centred samples evenly.
  static func isClassCentred(_ sample: UInt64, fraction: Double) -> Bool {
    (Double(sample) * fraction).rounded(.down) < (Double(sample + 1) * fraction).rounded(.down)
  }

  /// A class among those present, by weight; nil where no present class has one.
  private static func drawClass(
    _ weights: [Int: Double], source: PatchSource, random: inout SampleRandom
  ) -> Int32? {
    // The index lists its classes in ascending order, so the draw never depends on a dictionary's order.
    let present = source.classVoxels.classes.map { label in
      (label: label, weight: weights.isEmpty ? (label > 0 ? 1 : 0) : max(0, weights[Int(label)] ?? 0))
    }.filter { $0.weight > 0 }
    let total = present.reduce(0) { $0 + $1.weight }
    guard total > 0 else { return nil }
    var remaining = random.uniform() * total
    for entry in present {
      remaining -= entry.weight
      if remaining < 0 { return entry.label }
    }
    return present.last?.label
  }
}
