/// Kernels of norms over groups of channels, and of activations with parameters.
extension KernelCatalog {
  /// `norm_finalise` for statistics over `sets` equal groups of channels of a sample.
  public static let groupNormFinalise = KernelInterface(
    "group_norm_finalise", operands: ["partials", "gamma", "beta", "scale", "mean"],
    integers: ["N", "C", "sets", "voxels", "chunkVoxels", "epsilonBits"])

  /// `norm_backward_finalise` for the same: sums = rstd times the means of γ·g′ and γ·g′·x̂ over the group.
  public static let groupNormBackwardFinalise = KernelInterface(
    "group_norm_backward_finalise", operands: ["partials", "sums", "gamma", "mean", "gradGamma", "gradBeta"],
    integers: ["N", "C", "sets", "voxels", "chunkVoxels"])

  /// out = x > 0 ? x : a·x of segment 0; slopes a[C], or (SHARED 1) one.
  public static let prelu = KernelInterface(
    "prelu", defines: ["SHARED", "OUT_HALF", "BLOCK"], operands: ["out", "slopes"],
    integers: ["N", "C", "D", "H", "W"], readsSegments: true)

  /// WRITES 1: out (+)= g·(z > 0 ? 1 : a), may run over g. partials[n][block][chunk][16] = Σ g·z where z ≤ 0.
  public static let preluBackward = KernelInterface(
    "prelu_backward",
    defines: ["SHARED", "WRITES", "Z_HALF", "G_HALF", "OUT_HALF", "BLOCK", "ACCUMULATE"],
    operands: ["out", "g", "z", "slopes", "partials"], integers: ["N", "C", "voxels", "chunkVoxels"])

  /// gradient[c] += Σ_{n,chunk} partials; SHARED 1: gradient[0] += the sum over channels too.
  public static let preluSlope = KernelInterface(
    "prelu_slope", defines: ["SHARED"], operands: ["gradient", "partials"], integers: ["N", "C", "chunks"])

  static let pointwise: [KernelInterface] = [
    groupNormFinalise, groupNormBackwardFinalise, prelu, preluBackward, preluSlope,
  ]
}
