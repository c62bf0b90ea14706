/// Every kernel with its words. Value of a segment at a voxel, in this order: load term (fp16 to fp32) →
/// × scale[n, c] + shift[n, c] (NORM) → activation → × keepScale where its keep bit is set, else 0 (KEEP);
/// terms added; the index map chooses voxels (trilinear interpolates the values so made); zero outside the
/// consumer's input extents. Lanes beyond C are zero whatever scale and activation say.
///
/// Conventions: N, C … are Int words; names ending in `Bits` hold a float's bit pattern. *_HALF macros: 1
/// where that tensor is stored in fp16. *_BLOCK macros: 16 (blocked) or 1 (planar). ACCUMULATE 1 adds to the
/// output instead of overwriting it. Group g of G handles tiles g, g + G, g + 2G … ; `slots` is scratch of
/// `slotFloats` floats for each group. Chunks are runs of `chunkVoxels` voxels of one (n, channel block):
/// partial sums are made in voxel order within a chunk and combined in chunk order, so that results do not
/// depend on groups.
public enum KernelCatalog {
  /// Direct convolution or (TRANSPOSED 1) its transpose, as a gather, from segments.
  /// out[n,o,p] = act(bias[o] + Σ_{i,k} in[n,i,p·stride + k·dil − pad] w[o,i,k]); transposed:
  /// out[n,o,p] = Σ over (q,k) with q·stride + k·dil − pad = p of in[n,i,q] w(i,o,k). Backward-data of a
  /// convolution is TRANSPOSED with the same stride and pad; backward-data of a transposed one is plain.
  /// Weights come packed by `pack_weights` with equal OB and TRANSPOSED.
  /// T: voxels of a run along W held in registers; OB: output blocks (1 to 4) of a run. LANES, where the output is planar:
  /// channels made at once, all or 1, 2, 4 or 8, a vector holding sixteen columns of one (T whole vectors, OB 1); 0:
  /// vectors hold channels. A matter of speed, which a backend may ignore.
  /// MASK: an activation (1 relu, 2 leaky relu of the slope) whose gradient the output is, with what it is added to, and
  /// its outputs z in `mask`, stored as `out` is, maskVoxels from plane to plane: what is stored is times z > 0 ? 1 : slope.
  /// STATISTICS 1 (blocked output, TRANSPOSED 0, tileW ≥ outW): tiles[N][block][outD][outH][2][16] = mean and
  /// M2 = Σ(z − mean)² of each row's values as they are stored, OUT_ACT 0 and no mask, for `merge_statistics`; else absent.
  public static let conv3d = KernelInterface(
    "conv3d",
    defines: [
      "TRANSPOSED", "STRIDE_W", "T", "LANES", "OB", "OUT_BLOCK", "OUT_HALF", "BIAS", "OUT_ACT", "ACCUMULATE", "MASK",
      "STATISTICS",
    ],
    operands: ["out", "weights", "bias", "mask", "slots", "tiles"],
    integers: convolutionIntegers
      + ["dilD", "dilH", "dilW", "tileD", "tileH", "tileW", "slotFloats", "slopeBits", "maskVoxels"],
    readsSegments: true, lateDefines: ["BIAS", "ACCUMULATE", "MASK", "STATISTICS"])

  /// Same operation for 3×3×3 or 1×3×3 (macro KD: 3 or 1), stride 1, by Winograd F(4,3) or F(2,3) along each axis of
  /// three taps (macro M: 4 or 2); or for three or four taps and stride 2, all axes (KD 2) or 1×k×k (KD 1, strides
  /// 1×2×2), padding 0 or 1, by F(5,2) of the phases, even and odd taps (M 5), where TRANSPOSED 1 is the transpose.
  /// Weights come from `winograd_weights`, or INNER 1 from `pack_weights`, for few tiles: groups transform them themselves.
  /// TW: Winograd tiles along W that a group handles at once.
  /// STATISTICS 1 (blocked output): tiles[N][block][tilesD][tilesH][tilesW][2][16] = mean and M2 = Σ(z − mean)² of each
  /// tile's values as they are stored, without a mask, for `merge_statistics`; else `tiles` is absent.
  public static let conv3dWinograd = KernelInterface(
    "conv3d_winograd",
    defines: [
      "M", "KD", "TRANSPOSED", "TW", "INNER", "OB", "OUT_BLOCK", "OUT_HALF", "BIAS", "OUT_ACT", "ACCUMULATE", "MASK",
      "STATISTICS",
    ],
    operands: ["out", "weights", "bias", "mask", "slots", "tiles"],
    integers: convolutionIntegers + ["slotFloats", "slopeBits", "maskVoxels"],
    readsSegments: true, lateDefines: ["BIAS", "ACCUMULATE", "MASK", "STATISTICS"])

  /// N; virtual input extents; output extents; input channel blocks in all; output channels; kernel;
  /// stride; low padding. Of stride 1, `outD` planes from any z on: with `padD` less by z (TRANSPOSED: more by z).
  static let convolutionIntegers = [
    "N", "inD", "inH", "inW", "outD", "outH", "outW", "inBlocks", "outC", "kD", "kH", "kW", "strideD",
    "strideH", "strideW", "padD", "padH", "padW",
  ]

  /// Canonical fp32 weights to the order in which `conv3d` (and `conv3d_winograd` with INNER 1) reads them:
  /// packed[phase][⌈outBlocks/OB⌉][inBlock][tap][i of 16][OB][16], OB = outputBlocks. Weight of (i, o, k) stands at
  /// i·strideIn + o·strideOut + k in `weights`; input channels come in up to four segments, each padded to
  /// 16 with zero rows. Phases: one, or with `transposed` one per output residue r in strideD×strideH×strideW
  /// (lexicographic): per axis the canonical taps t with t·dil ≡ r + pad modulo the stride, the last one first, which
  /// read inputs q + (r + pad − t·dil)/stride. A phase's taps are lexicographic in (jD, jH, jW); phases follow each
  /// other without gaps. Groups of channels: input i and output firstOut + o have a weight where i / groupIn ==
  /// (firstOut + o) / groupOut = g, at an address groupShift·g lower; elsewhere it is zero.
  public static let packWeights = KernelInterface(
    "pack_weights", defines: [],
    operands: ["packed", "weights"],
    integers: [
      "segments", "segmentC0", "segmentC1", "segmentC2", "segmentC3", "outC", "strideIn", "strideOut",
      "kD", "kH", "kW", "strideD", "strideH", "strideW", "padD", "padH", "padW", "dilD", "dilH", "dilW", "groupIn",
      "groupOut", "firstOut", "groupShift", "transposed", "outputBlocks",
    ])

  /// Canonical weights to Winograd's domain: U[(M+2)³][⌈outBlocks/OB⌉][inBlock·16 + i][OB][16], OB = outputBlocks,
  /// = (G⊗G⊗G) w (KD 1: U[(M+2)²] = (G⊗G) w); flip 1 reverses the taps (backward-data). Points 0, ±¾, ±1½ (M 4, 5);
  /// 0, ±1 (M 2). M 5: of kH taps along an axis, phase e takes e and e + 2 (zeros where there are none):
  /// U[6³][⌈outBlocks/OB⌉][inBlock][phase][i of 16][OB][16], or with flip 1
  /// U[6³][phase][⌈outBlocks/OB⌉][inBlock·16 + i][OB][16]; phases in (D, H, W) order.
  public static let winogradWeights = KernelInterface(
    "winograd_weights", defines: ["M", "KD"],
    operands: ["packed", "weights"],
    integers: [
      "segments", "segmentC0", "segmentC1", "segmentC2", "segmentC3", "outC", "strideIn", "strideOut", "outputBlocks",
      "flip", "kH",
    ])

  /// Weight gradient: P[partition][aBlock][bBlock][tap][16 a][16 b] = Σ over the partition's rows (n, d of B)
  /// of A[n, a, p·stride + k·dil − pad] · B[n, b, p], p over B's extents. Segments: first the `A_SEGMENTS` of A,
  /// then those of B. For a convolution A is its input and B the output's gradient; for a transposed one A is
  /// the output's gradient and B its input. Partition r of R takes the depth rows (n·D_B + d) in
  /// [r·rows/R, (r+1)·rows/R). TAPS_H × TAPS_W taps, A_LANES lanes of A and B_BLOCKS blocks of B are summed at
  /// once in registers (a matter of speed; a backend may ignore them). LANES: B's channels where its only segment is
  /// planar with up to 8, whose columns then stand in vectors (tileW a multiple of 16, or all of a row); else 0. DILATED 0:
  /// dil is 1. SUMS 1: also sums[partition][bBlock][16] = Σ of B over the partition's rows.
  public static let convGradWeight = KernelInterface(
    "conv3d_grad_weight",
    defines: ["A_SEGMENTS", "STRIDE_W", "TAPS_H", "TAPS_W", "A_LANES", "B_BLOCKS", "LANES", "DILATED", "SUMS"],
    operands: ["partials", "sums", "slots"],
    integers: [
      "N", "aD", "aH", "aW", "bD", "bH", "bW", "aBlocks", "bBlocks", "kD", "kH", "kW", "strideD",
      "strideH", "strideW", "padD", "padH", "padW", "dilD", "dilH", "dilW", "partitions", "tileH", "tileW",
      "slotFloats",
    ],
    readsSegments: true, lateDefines: ["A_SEGMENTS", "SUMS"])

  /// The same partial sums for 3×3×3 or 1×3×3 (macro KD) and stride 1, by the adjoint of Winograd's F(4,3) or F(2,3)
  /// along each axis (macro M); or for kH taps and stride 2 by that of F(5,2) (M 5, KD 2 or 1). Tiles of M³ (or 1×M²)
  /// voxels of B, in (n, d, h, w) order, make sets of TW; partition r of R ≤ sets takes sets [r·sets/R, (r+1)·sets/R).
  /// A task takes aShare blocks of A (M 5: pairs of phases of a block) and bShare of B; A_LANES lanes of A and B_BLOCKS
  /// blocks of B are summed at once in registers (matters of speed; a backend may ignore them).
  public static let convWinogradGradWeight = KernelInterface(
    "conv3d_winograd_grad_weight", defines: ["A_SEGMENTS", "M", "KD", "TW", "A_LANES", "B_BLOCKS", "SUMS"],
    operands: ["partials", "sums", "slots"],
    integers: [
      "N", "aD", "aH", "aW", "bD", "bH", "bW", "aBlocks", "bBlocks", "padD", "padH", "padW", "kH", "partitions",
      "aShare", "bShare", "slotFloats",
    ],
    readsSegments: true, lateDefines: ["A_SEGMENTS", "SUMS"])

  /// gradient[a·strideA + b·strideB + k] += Σ_partitions P, in partition order; block rows beyond a segment's
  /// channels are dropped. Up to four segments on each side. Groups of channels as in `pack_weights`: only a and b
  /// with a / groupA == b / groupB = g have a weight, groupShift·g lower.
  public static let gradWeightReduce = KernelInterface(
    "grad_weight_reduce",
    operands: ["gradient", "partials"],
    integers: [
      "aSegments", "aC0", "aC1", "aC2", "aC3", "bSegments", "bC0", "bC1", "bC2", "bC3", "taps",
      "partitions", "strideA", "strideB", "groupA", "groupB", "groupShift",
    ])

  /// partials[n][block][chunk][16] = Σ of g over the chunk.
  public static let channelSums = KernelInterface(
    "channel_sums", defines: ["HALF", "BLOCK"],
    operands: ["g", "partials"], integers: ["N", "C", "voxels", "chunkVoxels"])

  /// gradient[c] += Σ_{n,chunk} partials; of a weight gradient's `sums`, n is the partition and there is one chunk.
  public static let biasGradient = KernelInterface(
    "bias_gradient", operands: ["gradient", "partials"], integers: ["N", "C", "chunks"])

  /// partials[n][block][chunk][2][16] = mean and M2 = Σ(z − mean)² of the chunk, two passes over it.
  public static let normStatistics = KernelInterface(
    "norm_statistics", defines: ["HALF", "BLOCK"],
    operands: ["z", "partials"], integers: ["N", "C", "voxels", "chunkVoxels"])

  /// What a convolution left of each tile (tileD×tileH×tileW voxels of D×H×W), [N][block][tilesD][tilesH][tilesW][2][16],
  /// to partials[n][block][chunks][2][16]: a plane of tiles is a chunk of tileD·H·W voxels, and D has all or, from where
  /// `partials` begins, some of a row's `chunks`. Chan's formula, rows first.
  public static let mergeStatistics = KernelInterface(
    "merge_statistics", defines: [], operands: ["tiles", "partials"],
    integers: ["N", "C", "D", "H", "W", "tileD", "tileH", "tileW", "chunks"])

  /// Combines the partials by Chan's formula in chunk order (BATCH 1: over samples too, n outermost) and writes
  /// scale[N][CP], shift[N][CP] (scale = γ·rstd, shift = β − mean·scale, padding lanes 0) and
  /// mean[N][CP], rstd[N][CP] with rstd = 1/√(M2/count + ε). γ, β may be absent (1, 0).
  /// RUNNING 1 (training): running += momentum·(batch − running), variance unbiased, running mean of z + bias.
  /// RUNNING 2 (prediction): statistics are the running ones, partials absent, mean of z = running mean − bias.
  /// Batch renorm, whose `runningVariance` is a standard deviation σ: RUNNING 3 (training) with σ_B = √(M2/count + ε)
  /// writes renorm[2][CP] = r = clip(σ_B/σ, 1/rmax, rmax) and d = clip((mean − μ)/σ, ±dmax), scale = γ·r·rstd,
  /// shift = β + γ·d − mean·scale, and moves μ and σ; RUNNING 4 (prediction): rstd = 1/σ.
  public static let normFinalise = KernelInterface(
    "norm_finalise", defines: ["BATCH", "RUNNING"],
    operands: [
      "partials", "gamma", "beta", "scale", "mean", "runningMean", "runningVariance", "bias", "scalars", "renorm",
    ],
    integers: ["N", "C", "voxels", "chunkVoxels", "epsilonBits", "momentumBits"])

  /// partials[n][block][chunk][2][16] = Σ g′ and Σ g′·x̂, with g′ = g·keep·keepScale·act′(scale·z + shift)
  /// and x̂ = (z − mean)·rstd.
  public static let normBackwardSums = KernelInterface(
    "norm_backward_sums", defines: ["Z_HALF", "G_HALF", "BLOCK", "ACT", "KEEP"],
    operands: ["g", "z", "scale", "mean", "keep", "partials"],
    integers: ["N", "C", "voxels", "chunkVoxels", "slopeBits", "keepScaleBits"])

  /// sums[2][N][CP] = scale times the two sums over the norm's reach (BATCH 1: over all samples, repeated for each n)
  /// divided by the number of values; gradGamma[c] += Σ_n Σ g′·x̂ (RENORM 1: r·Σ g′·x̂ + d·Σ g′), gradBeta[c] +=
  /// Σ_n Σ g′ (absent without affine).
  public static let normBackwardFinalise = KernelInterface(
    "norm_backward_finalise", defines: ["BATCH", "RENORM"],
    operands: ["partials", "sums", "gradGamma", "gradBeta", "scale", "renorm"],
    integers: ["N", "C", "voxels", "chunkVoxels"])

  /// Gradient through a chain norm → activation → dropout, back to the stored tensor z, and on through the
  /// activation that z's producer applied in its epilogue (PRE_ACT, from the sign or value of z itself):
  /// g′ as above; NORM 1: dz = scale·g′ − (sums0 + x̂·sums1); NORM 0: dz = g′ with act′ taken at z;
  /// dz *= preAct′(z): relu, leaky: z > 0 ? 1 : slope; sigmoid: z(1 − z);
  /// elu: z > 0 ? 1 : z + α; tanh: 1 − z². May run in place over g.
  /// ACT 0, KEEP 0, NORM 0, PRE_ACT 0, ACCUMULATE 1 adds one gradient to another. act′ at 0 is that of x ≤ 0.
  public static let chainBackward = KernelInterface(
    "chain_backward",
    defines: ["Z_HALF", "G_HALF", "OUT_HALF", "BLOCK", "NORM", "ACT", "KEEP", "PRE_ACT", "ACCUMULATE"],
    operands: ["out", "g", "z", "scale", "mean", "sums", "keep"],
    integers: ["N", "C", "voxels", "slopeBits", "keepScaleBits", "preSlopeBits"])

  /// keep[n][block][voxel]: bit b set where channel 16·block + b is kept. Philox4x32-10 with
  /// key = (seedLow ^ layerLow, seedHigh ^ layerHigh), counter = (⌊e/4⌋ low, ⌊e/4⌋ high, microBatch, step),
  /// element e = (n·C + c)·voxels + voxel takes output e % 4; kept where it is ≥ threshold = round(p·2³²).
  /// SPATIAL 1: e = n·C + c. Planar tensors (C ≤ 16) have one block.
  public static let dropoutKeep = KernelInterface(
    "dropout_keep", defines: ["SPATIAL"], operands: ["keep", "scalars"],
    integers: ["N", "C", "voxels", "layerLow", "layerHigh", "threshold"])

  /// out[p] = max over the window of segment 0; stride = window; windows that do not fit are dropped.
  public static let maxPool = KernelInterface(
    "max_pool", defines: ["OUT_HALF", "BLOCK"],
    operands: ["out"],
    integers: ["N", "C", "inD", "inH", "inW", "outD", "outH", "outW", "windowD", "windowH", "windowW"],
    readsSegments: true)

  /// gIn[first maximum of the window, in D, H, W order] (+)= g; the others get 0 (NaN counts as a maximum).
  /// Voxels of no window get 0. The window's values are read from segment 0 again. MASK as of `conv3d`, z being these
  /// values.
  public static let maxPoolBackward = KernelInterface(
    "max_pool_backward", defines: ["G_HALF", "OUT_HALF", "BLOCK", "ACCUMULATE", "MASK"],
    operands: ["gIn", "g"],
    integers: [
      "N", "C", "inD", "inH", "inW", "outD", "outH", "outW", "windowD", "windowH", "windowW", "slopeBits",
    ],
    readsSegments: true)

  /// out = segment 0's value, through `OUT_ACT`: stores a lazy value. `D, H, W` are the value's extents. The
  /// segment may be planar and out blocked or the reverse; channels go to out's channels from `firstC` on
  /// (`outC` in all); other channels stay, except that padding lanes of a touched block are 0.
  public static let materialise = KernelInterface(
    "materialise", defines: ["OUT_HALF", "OUT_BLOCK", "OUT_ACT"],
    operands: ["out"],
    integers: ["N", "outC", "firstC", "D", "H", "W", "slopeBits"],
    readsSegments: true)

  /// Adjoint of a segment's index map: gSource (+)= Σ of g over the value's voxels that read this source voxel.
  /// MAP as in segments; g has the value's extents D×H×W. Weights of trilinear are computed as in the load.
  public static let mapBackward = KernelInterface(
    "map_backward", defines: ["G_HALF", "OUT_HALF", "BLOCK", "MAP", "ACCUMULATE"],
    operands: ["gSource", "g"],
    integers: [
      "N", "C", "sourceD", "sourceH", "sourceW", "D", "H", "W", "cropD", "cropH", "cropW", "factorD",
      "factorH", "factorW",
    ])

  /// out = softmax over C (SIGMOID 1: sigmoid) of planar fp32 logits; may run in place.
  public static let probabilities = KernelInterface(
    "probabilities", defines: ["SIGMOID"],
    operands: ["out", "logits"], integers: ["N", "C", "voxels"])

  /// Sets `count` floats to 0; ONLY_FIRST 1: only when scalars.microBatch is 0.
  public static let clear = KernelInterface(
    "clear", defines: ["ONLY_FIRST"], operands: ["values", "scalars"], integers: ["count"])

  /// out[row·stride + i] = slab[row·run + i], i < run: planes of every channel block of a tensor. `run` and `stride` are
  /// multiples of 16 elements, halves where HALF is 1.
  public static let storePlanes = KernelInterface(
    "store_planes", defines: ["HALF"], operands: ["out", "slab"], integers: ["rows", "run", "stride"])

  /// partials[chunk][2] = Σ (g / lossScale)² and the number of non-finite g, per chunk of `chunkVoxels` floats.
  public static let gradientNorm = KernelInterface(
    "gradient_norm", operands: ["gradient", "partials", "scalars"], integers: ["count", "chunkVoxels"])

  /// One group: sums the partials, writes gradientNorm, skipped, gradientFactor = clip/lossScale
  /// (clip = min(1, clipNorm/(norm + 1e-6)); 0 when skipped), updates += 1 unless skipped, and moves
  /// the loss scale: skipped: scale *= backoff (at least 1), goodSteps = 0; else after scaleInterval good steps: scale *=
  /// growth (at most 2²⁴), goodSteps = 0. DYNAMIC 0 leaves the scale alone.
  public static let updatePrepare = KernelInterface(
    "update_prepare", defines: ["DYNAMIC"], operands: ["partials", "scalars"],
    integers: ["chunks"])

  /// Optimizer step on flat arrays; nothing when skipped. g = gradient·gradientFactor + coupledDecay·w;
  /// w −= lr·decoupledDecay·w first. KIND 0 SGD with Nesterov momentum (β₁; first update: buf = g;
  /// w −= lr·(g + β₁·buf) with buf = β₁·buf + g), KIND 1 Adam (m, v; m̂ = m/(1−β₁ᵗ), w −= lr·m̂/(√v̂ + ε)), KIND 2 SGD
  /// with plain momentum (w −= lr·buf). `second` is absent for SGD.
  public static let optimizerStep = KernelInterface(
    "optimizer_step", defines: ["KIND"],
    operands: ["weights", "gradient", "first", "second", "scalars"], integers: ["count"])

  /// What the device can do at most. STREAM 0: each of `count` rows of 16 floats f becomes Σ of eight chains
  /// a = a·f + f, `repeats` times from 0, 1, … 7. STREAM 1: `count` floats are halved.
  public static let deviceLimit = KernelInterface(
    "device_limit", defines: ["STREAM"], operands: ["values"], integers: ["count", "repeats"])

  public static let all: [KernelInterface] = [
    conv3d, conv3dWinograd, packWeights, winogradWeights, convGradWeight, convWinogradGradWeight,
    gradWeightReduce, channelSums, biasGradient, normStatistics, mergeStatistics, normFinalise, normBackwardSums,
    normBackwardFinalise, chainBackward, dropoutKeep, maxPool, maxPoolBackward, materialise, mapBackward,
    probabilities, clear, storePlanes, gradientNorm, updatePrepare, optimizerStep, deviceLimit,
  ] + losses + geometry + pointwise
  public static func interface(_ name: String) -> KernelInterface? { all.first { $0.name == name } }
}
