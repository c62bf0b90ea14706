/// Kernels of joins and of geometry: sums and products with repetition, pools, padding, resizing.
extension KernelCatalog {
  /// out (+)= a + b or (MULTIPLY 1) a · b of segments 0 and 1, whose values have extents D×H×W. WIDENS 1: segment 1
  /// has one channel, which serves for all.
  public static let combine = KernelInterface(
    "combine", defines: ["MULTIPLY", "WIDENS", "OUT_HALF", "BLOCK", "ACCUMULATE"],
    operands: ["out"], integers: ["N", "C", "D", "H", "W"], readsSegments: true)

  /// out[n, 0, v] (+)= Σ_c a[n, c, v] · b[n, c, v] of segments 0 and 1 (DOT 0: Σ_c a), planar, channels in order.
  public static let channelDot = KernelInterface(
    "channel_dot", defines: ["DOT", "OUT_HALF", "ACCUMULATE"],
    operands: ["out"], integers: ["N", "C", "D", "H", "W"], readsSegments: true)

  /// out (+)= channels [firstC, firstC + C) of g's `wholeC`: the gradient of a part of a stored concatenation.
  public static let channelSlice = KernelInterface(
    "channel_slice", defines: ["G_HALF", "G_BLOCK", "OUT_HALF", "BLOCK", "ACCUMULATE"],
    operands: ["out", "g"], integers: ["N", "C", "wholeC", "firstC", "voxels"])

  static let geometry: [KernelInterface] = [combine, channelDot, channelSlice]
}
