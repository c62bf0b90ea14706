/// Kernels of the loss: sums over voxels, value and coefficients, gradient.
extension KernelCatalog {
  /// Loss, step 1. Logits planar fp32 [N][C][voxels]. TARGET 0: class index Int32 [N][voxels], negative or
  /// `ignore` counts nowhere; TARGET 1: fp32 [N][C][voxels], negative elements count nowhere. SIGMOID 0: p = softmax
  /// over C, 1: p = sigmoid. partials[n][chunk][3·C + 2]: per class Σ p·y, Σ p, Σ y (SQUARED 1: Σ p², Σ y²); then the
  /// entropy and the weight that divides it. Class weights absent = 1. ENTROPY 0: Σ w_y·(−log p_y) by log-sum-exp
  /// (SIGMOID 1: Σ BCE over classes); 1: Σ −w_y·log clip(p_y, clip, 1 − clip); 2: focal, each term times
  /// (1 − p_y)^γ; 3: cross-entropy of softmax(p); 4 (SIGMOID 1): Σ y·logit, y of any sign. Weight: Σ w_y, or (`mean` 1,
  /// SIGMOID 1) the number of voxels or elements that count.
  public static let lossSums = KernelInterface(
    "loss_sums", defines: ["SIGMOID", "TARGET", "ENTROPY", "SQUARED"],
    operands: ["logits", "target", "classWeights", "partials"],
    integers: ["N", "C", "voxels", "chunkVoxels", "ignore", "mean", "gammaBits", "clipBits"])

  /// Loss, step 2: one group. value = regionWeight·region + entropyWeight·(entropy / weight) with region KIND 0 none;
  /// 1 Dice: 1 − mean (2I + ε)/(P + Y + ε); 2 Jaccard: 1 − mean (I + ε)/(P + Y − I + ε); 3 Tversky:
  /// 1 − mean (I + ε)/(I + α(P − I) + β(Y − I) + ε); 4 generalised Dice: 1 − mean over samples of
  /// (2 Σ_c w_c I_c + ε)/(Σ_c w_c (P_c + Y_c) + ε), w_c = 1/Y_c², of absent classes the largest of the others. Mean
  /// over classes from `firstClass` on, and over samples where `batch` is 0 (sums per sample), sums over the batch
  /// where it is 1. Adds value·microBatchWeight to scalars.loss (microBatch 0 and `first` 1: overwrites). Writes
  /// coefficients[N][C][2] = (A, B): ∂region/∂p = A·y + B (·2p where sums are squared), and coefficients[2·N·C] =
  /// entropyWeight/weight, all times lossScale·microBatchWeight. Zero weight gives 0.
  public static let lossFinalise = KernelInterface(
    "loss_finalise", defines: ["KIND"],
    operands: ["partials", "coefficients", "scalars"],
    integers: [
      "N", "C", "voxels", "chunkVoxels", "firstClass", "batch", "first", "regionWeightBits", "entropyWeightBits",
      "epsilonBits", "alphaBits", "betaBits",
    ])

  /// Loss, step 3: g[n,c,v] = p_c·(q_c − Σ_k p_k q_k) + E·(t_c − p_c·Σ_k t_k) with q = A·y + B (·2p), E the entropy
  /// coefficient, t_c = −w_c y_c for cross-entropy, 0 where clipped, w_c y_c (γ(1 − p)^(γ−1) p log p − (1 − p)^γ) for
  /// focal, p_c (softmax(p)_c Σ w y − w_c y_c) for cross-entropy of softmax(p). SIGMOID 1: p(1 − p)·q + E·(p − y), or
  /// its focal form, or E·y. What does not count gets 0. May run in place over the logits.
  public static let lossGradient = KernelInterface(
    "loss_gradient", defines: ["SIGMOID", "TARGET", "ENTROPY", "SQUARED"],
    operands: ["g", "logits", "target", "classWeights", "coefficients"],
    integers: ["N", "C", "voxels", "ignore", "gammaBits", "clipBits"])

  /// out[plane][i] = target[plane][⌊(i + ½)·factor⌋] along each axis, `planes` of extents D×H×W; TARGET as above.
  public static let pickTarget = KernelInterface(
    "pick_target", defines: ["TARGET"], operands: ["out", "target"],
    integers: ["planes", "D", "H", "W", "factorD", "factorH", "factorW"])

  static let losses: [KernelInterface] = [lossSums, lossFinalise, lossGradient, pickTarget]
}
