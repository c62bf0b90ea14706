import RealModule

extension SlidingWindow {
  /// w(v) = Π exp(−(v − ⌊p/2⌋)² / 2σ²), σ = p/8 per axis, cut off beyond 4σ; the largest weight is 1, and
  /// zeros become the smallest positive weight. Source: nnU-Net, `compute_gaussian`.
  static func gaussianImportance(_ patchSize: SIMD3<Int>) -> [Float] {
    let axes = (0..<3).map { axisImportance(patchSize[$0]) }
    var weights: [Float] = []
    weights.reserveCapacity(patchSize.voxelCount)
    for z in 0..<patchSize.z {
      for y in 0..<patchSize.y {
        let row = axes[1][y] * axes[2][z]
        for x in 0..<patchSize.x { weights.append(Float(axes[0][x] * row)) }
      }
    }
    let smallest = weights.reduce(Float.infinity) { $1 > 0 ? min($0, $1) : $0 }
    return weights.map { $0 > 0 ? $0 : smallest }
  }

  private static func axisImportance(_ extent: Int) -> [Double] {
    let sigma = Double(extent) / 8
    let radius = Int(4 * sigma + 0.5)
    let centre = extent / 2
    return (0..<extent).map { index in
      let distance = index - centre
      if abs(distance) > radius { return 0 }
      return Double.exp(-0.5 * Double(distance * distance) / (sigma * sigma))
    }
  }
}
