/// The spacing at which a network sees all cases, by nnU-Net's rule (Isensee et al. 2021): the median; where the
/// coarsest axis is more than three times as coarse and as short as the others, its 10th percentile, so that thick
/// slices do not cost the thin ones.
struct SpacingRule {
  let spacing: SIMD3<Double>
  let isAnisotropic: Bool
  /// Whether some case has another spacing.
  let isNeeded: Bool

  private static let anisotropy = 3.0
  /// Spacings that differ by less are the same, written with fewer digits.
  private static let tolerance = 1e-3

  init(_ fingerprint: DatasetFingerprint) {
    let spacings = fingerprint.cases.map(\.spacingInMillimetres)
    var target = fingerprint.medianSpacingInMillimetres
    let size = fingerprint.medianSizeAfterCrop
    let coarsest = target.indices.max { target[$0] < target[$1] } ?? 0
    let others = target.indices.filter { $0 != coarsest }
    let othersSpacing = others.map { target[$0] }.max() ?? 0
    let isThick = target[coarsest] > Self.anisotropy * othersSpacing
    let isShort = size[coarsest] * Self.anisotropy < (others.map { size[$0] }.min() ?? 0)
    isAnisotropic = isThick && isShort
    if isAnisotropic {
      target[coarsest] = max(
        othersSpacing, DatasetFingerprint.percentile(10, spacings.map { $0[coarsest] }))
    }
    spacing = SIMD3(Self.short(target[0]), Self.short(target[1]), Self.short(target[2]))
    let wanted = [spacing.x, spacing.y, spacing.z]
    isNeeded = spacings.contains { found in
      zip(found, wanted).contains { abs($0 - $1) > Self.tolerance * $1 }
    }
  }

  /// Median size of the cases at the target spacing.
  func medianSize(_ fingerprint: DatasetFingerprint) -> SIMD3<Double> {
    var size = SIMD3<Double>()
    for axis in 0..<3 {
      let resampled = fingerprint.cases.map {
        (Double($0.sizeAfterCrop[axis]) * $0.spacingInMillimetres[axis] / spacing[axis]).rounded()
      }
      size[axis] = max(1, DatasetFingerprint.percentile(50, resampled))
    }
    return size
  }

  /// Tenths of a micrometre are enough.
  private static func short(_ millimetres: Double) -> Double { max(1e-4, (millimetres * 1e4).rounded() / 1e4) }
}
