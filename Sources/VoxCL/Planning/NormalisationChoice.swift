import Training
import Volumes

/// How intensities are normalised, by the channels' names: CT by the foreground of all cases, everything else case by
/// case.
struct NormalisationChoice {
  let name: String
  let rule: NormalisationRule
  let why: String

  /// Air in a CT.
  private static let air = -500.0
  /// Above this share of voxels left by the crop, what is 0 belongs to the image.
  private static let mostAfterCrop = 0.75

  init(_ fingerprint: DatasetFingerprint) {
    let names = fingerprint.channels.map(\.name)
    let named = names.map { $0.lowercased() }
    let isUnnamed = named.allSatisfy { $0 == "image" || $0.hasPrefix("channel ") }
    let holdsAir = fingerprint.cases.allSatisfy { entry in
      entry.intensities.allSatisfy { $0.minimum <= Self.air && $0.maximum > -Self.air }
    }
    if named.allSatisfy({ $0 == "ct" }) || (isUnnamed && holdsAir) {
      rule = .ctForeground
      name = "CT by foreground"
      why =
        isUnnamed
        ? "unnamed, but values from below −500 to above 500 in every case: CT, by the foreground of all training cases"
        : "CT: clipped to the foreground's 0.5 and 99.5 percentiles, z-score by its moments"
      return
    }
    let isMasked = fingerprint.medianShareAfterCrop < Self.mostAfterCrop
    rule = .fixed(.zScore(nonZeroOnly: isMasked))
    name = isMasked ? "z-score of what is not 0" : "z-score"
    var text =
      "\(names.joined(separator: ", ")): units differ from case to case, so each case by its own mean and deviation"
    if isMasked { text += ", of voxels that are not 0: the crop removes more than a quarter" }
    if named.contains("ct") { text += "; CT too, since all channels take one rule" }
    why = text
  }
}
