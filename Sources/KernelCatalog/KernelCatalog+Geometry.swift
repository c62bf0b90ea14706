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

  static let poolIntegers = [
    "N", "C", "inD", "inH", "inW", "outD", "outH", "outW", "windowD", "windowH", "windowW", "strideD", "strideH",
    "strideW", "padD", "padH", "padW",
  ]

  /// out[p] of segment 0's values at p·stride − pad + k, k < window: KIND 0 their maximum (padding is −∞), 1 their sum
  /// over the window's size, 2 their sum over the number of them inside the input.
  public static let pool = KernelInterface(
    "pool", defines: ["KIND", "OUT_HALF", "BLOCK"], operands: ["out"], integers: poolIntegers, readsSegments: true)

  /// gIn (+)= the adjoint of `pool`; KIND 0: to the first maximum of each window in D, H, W order (NaN counts as one),
  /// whose values are read from segment 0 again.
  public static let poolBackward = KernelInterface(
    "pool_backward", defines: ["KIND", "G_HALF", "OUT_HALF", "BLOCK", "ACCUMULATE"], operands: ["gIn", "g"],
    integers: poolIntegers, readsSegments: true)

  static let resampleIntegers = [
    "N", "C", "sourceD", "sourceH", "sourceW", "D", "H", "W", "lowD", "lowH", "lowW",
  ]

  /// out at i reads source at, along each axis, MODE 0 i − low (outside: the constant), 1 that mirrored about the ends,
  /// 2 that clamped; 3 ⌊i·in/out⌋; 4 linear at max(0, (i + ½)·in/out − ½); 5 linear at i·(in − 1)/(out − 1).
  public static let resample = KernelInterface(
    "resample", defines: ["MODE", "SOURCE_HALF", "OUT_HALF", "BLOCK"], operands: ["out", "source"],
    integers: resampleIntegers + ["valueBits"])

  /// gSource (+)= the adjoint of `resample`.
  public static let resampleBackward = KernelInterface(
    "resample_backward", defines: ["MODE", "G_HALF", "OUT_HALF", "BLOCK", "ACCUMULATE"], operands: ["gSource", "g"],
    integers: resampleIntegers)

  /// out = softmax over the channels of segment 0.
  public static let softmax = KernelInterface(
    "softmax", defines: ["OUT_HALF", "BLOCK"], operands: ["out"], integers: ["N", "C", "D", "H", "W"],
    readsSegments: true)

  /// out (+)= p·(g − Σ_c p·g).
  public static let softmaxBackward = KernelInterface(
    "softmax_backward", defines: ["P_HALF", "G_HALF", "OUT_HALF", "BLOCK", "ACCUMULATE"],
    operands: ["out", "g", "p"], integers: ["N", "C", "voxels"])

  static let geometry: [KernelInterface] = [
    combine, channelDot, channelSlice, pool, poolBackward, resample, resampleBackward, softmax, softmaxBackward,
  ]
}
