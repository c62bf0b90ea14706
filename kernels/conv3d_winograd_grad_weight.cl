// Weight gradient of a 3×3×3 convolution of stride 1, its partial sums, by the adjoint of Winograd's F(M³, 3³)
// (KernelCatalog.convWinogradGradWeight): ∂w = Gᵀ[Σ over tiles of (Bᵀx) ⊙ (A ∂y)]G on every axis, (M+2)³
// multiplications for a tile where the direct sum takes 27·M³. A task is a partition of the sets of TW tiles,
// consecutive in (n, d, h, w) order, with up to aShare blocks of A and bShare of B: it transforms a set of B's
// blocks, then block for block of A, and adds A_LANES·B_BLOCKS sums over the set, made in registers, to its
// sums[a][frequency][b][16][16]; at the end these go back to taps. Where no partition has more than one set, sums do not
// wait for others: they go back as soon as B_BLOCKS of them are there, and a task takes many more blocks, whose
// transforms serve more of them. The order of the sums depends on TW and partitions, which are functions of shape alone.
// Floats of a slot (WinogradGradWeightTiling.swift has the same formula), with P = M + 2:
//   16·(PD·P·(M·min(TW, tilesW) + 2) + PD·P²·((TW|1)·(1 + bShare)
//       + 16·(sets ≤ partitions ? B_BLOCKS : aShare·bShare)))
// 1×3×3 kernels (KD 1) likewise, with PD and the tiles' depth MD 1 instead of P and M.
// A_LANES divides 16, B_BLOCKS divides bShare, bShare divides bBlocks. Lanes beyond A's channels are summed
// over what stands there, and dropped.
#include "winograd.cl"

#ifndef TW
#define TW 16
#endif
#ifndef A_LANES
#define A_LANES 8
#endif
#ifndef B_BLOCKS
#define B_BLOCKS 2
#endif

enum {
  WORD_partials, WORD_slots,
  WORD_N, WORD_aD, WORD_aH, WORD_aW, WORD_bD, WORD_bH, WORD_bW, WORD_aBlocks, WORD_bBlocks, WORD_padD,
  WORD_padH, WORD_padW, WORD_partitions, WORD_aShare, WORD_bShare, WORD_slotFloats, SEGMENTS_AT
};

enum { LATE_A_SEGMENTS, LATE_SEGMENTS, LATE_SEGMENT0 };

// Strides from frequency to frequency are odd multiples of a cache line: even ones would share few cache sets.
#define FREQUENCY (TW | 1)
#define BLOCK_VECTORS (FREQUENCIES * FREQUENCY)  // a block's transforms lie together: memory is read in its own order

// A along one axis: M values to P.
#define TRANSFORM_TARGET(x, from, y, to)                                                                    \
  {                                                                                                         \
    const float16 y0 = (x)[0], y1 = (x)[(from)];                                                            \
    if (M == 4) {                                                                                           \
      const float16 y2 = (x)[2 * (from)], y3 = (x)[(M - 1) * (from)];                                       \
      const float16 e1 = fma(y2, (float16)0.5625f, y0), o1 = fma(y3, (float16)0.421875f, y1 * 0.75f),       \
                    e2 = fma(y2, (float16)2.25f, y0), o2 = fma(y3, (float16)3.375f, y1 * 1.5f);             \
      (y)[0] = y0;                                                                                          \
      (y)[(to)] = e1 + o1;                                                                                  \
      (y)[2 * (to)] = e1 - o1;                                                                              \
      (y)[3 * (to)] = e2 + o2;                                                                              \
      (y)[4 * (to)] = e2 - o2;                                                                              \
      (y)[(P - 1) * (to)] = y3;                                                                             \
    } else {                                                                                                \
      (y)[0] = y0;                                                                                          \
      (y)[(to)] = y0 + y1;                                                                                  \
      (y)[2 * (to)] = y0 - y1;                                                                              \
      (y)[3 * (to)] = y1;                                                                                   \
    }                                                                                                       \
  }
// Gᵀ along one axis: P sums to three taps.
#define TRANSFORM_TAPS(x, from, y, to)                                                                      \
  {                                                                                                         \
    const float16 m0 = (x)[0], m1 = (x)[(from)], m2 = (x)[2 * (from)],                                      \
                  m3 = (x)[3 * (from)], s12 = m1 + m2, d12 = m1 - m2;                                       \
    if (M == 4) {                                                                                           \
      const float16 m4 = (x)[4 * (from)], m5 = (x)[(P - 1) * (from)];                                       \
      const float16 s34 = m3 + m4, d34 = m3 - m4;                                                           \
      (y)[0] = fma(s34, (float16)(32.0f / 243), fma(s12, (float16)(-128.0f / 243), m0 * (64.0f / 81)));     \
      (y)[(to)] = fma(d34, (float16)(16.0f / 81), d12 * (-32.0f / 81));                                     \
      (y)[2 * (to)] = fma(s34 - s12, (float16)(8.0f / 27), m5);                                             \
    } else {                                                                                                \
      (y)[0] = fma(s12, (float16)0.5f, m0);                                                                 \
      (y)[(to)] = d12 * 0.5f;                                                                               \
      (y)[2 * (to)] = fma(s12, (float16)0.5f, m3);                                                          \
    }                                                                                                       \
  }

// As tiles_in, a staged run of tiles of B, `x` [MD·M][width], later [PD·P][width], to Z.
static inline void targets_in(__global Floats16* x, int width, int run, __global Floats16* z, long frequency) {
  for (int c = 0; c < width; c++) {
#if KD == 1
    TRANSFORM_TARGET(x + c, width, x + c, width)
#else
    float16 a[M * P];
    for (int d = 0; d < M; d++) TRANSFORM_TARGET(x + d * M * width + c, width, a + d * P, 1)
    for (int h = 0; h < P; h++) TRANSFORM_TARGET(a + h, P, x + h * width + c, P * width)
#endif
  }
  for (int i = 0; i < PD * P; i++)
    for (int t = 0; t < run; t++)
      TRANSFORM_TARGET(x + i * width + t * M, 1, z + i * P * frequency + t, frequency)
}

// The next frequency's values come from the third-level cache where a set is large. (x86, where the compiler calls itself
// so: PoCL.)
#if defined(__x86_64__) && TW > 16
#define FETCH(p) __builtin_prefetch((const void*)(size_t)(p));
#else
#define FETCH(p)
#endif

// Lanes of A from `v` on times B_BLOCKS blocks from `z` on, over `count` tiles, added to sums[b][16][16]
// (stored there at first).
static inline void multiply(__global const float* v, __global const Floats16* z, int count, bool first,
                            __global Floats16* sums) {
  float16 acc[A_LANES][B_BLOCKS];
  #pragma unroll
  for (int l = 0; l < A_LANES; l++)
    #pragma unroll
    for (int o = 0; o < B_BLOCKS; o++) acc[l][o] = 0.0f;
  for (int t = 0; t < count; t++) {
    float16 zv[B_BLOCKS];
    #pragma unroll
    for (int o = 0; o < B_BLOCKS; o++) {
      FETCH(z + o * BLOCK_VECTORS + t + FREQUENCY)
      zv[o] = z[o * BLOCK_VECTORS + t];
    }
    #pragma unroll
    for (int l = 0; l < A_LANES; l++) {
      const float16 x = v[t * 16 + l];
      #pragma unroll
      for (int o = 0; o < B_BLOCKS; o++) acc[l][o] = fma(x, zv[o], acc[l][o]);
    }
  }
  #pragma unroll
  for (int l = 0; l < A_LANES; l++)
    #pragma unroll
    for (int o = 0; o < B_BLOCKS; o++) {
      __global Floats16* to = sums + o * 16 + l;
      *to = first ? acc[l][o] : *to + acc[l][o];
    }
}

// One lane's sums, frequencies `frequency` vectors apart, to its taps, 16 vectors apart.
VOXCL_ONCE void taps_out(__global const Floats16* sums, long frequency, __global Floats16* to) {
  float16 a[PD * P * 3];
  for (int i = 0; i < PD * P; i++) TRANSFORM_TAPS(sums + i * P * frequency, frequency, a + i * 3, 1)
#if KD == 1
  for (int w = 0; w < 3; w++) TRANSFORM_TAPS(a + w, 3, to + w * 16, 3 * 16)
#else
  float16 b[P * 9];
  for (int d = 0; d < P; d++)
    for (int w = 0; w < 3; w++) TRANSFORM_TAPS(a + d * P * 3 + w, 3, b + d * 9 + w, 3)
  for (int i = 0; i < 9; i++) TRANSFORM_TAPS(b + i, 9, to + i * 16, 9 * 16)
#endif
}

// Partial sums of a partition's pair of blocks.
static inline __global Floats16* partial_at(__global float* partials, long partition, int a, int aBlocks, int b,
                                            int bBlocks) {
  return (__global Floats16*)partials + ((partition * aBlocks + a) * bBlocks + b) * (9 * KD * 16L);
}

VOXCL_KERNEL(conv3d_winograd_grad_weight) {
  VOXCL_BEGIN
  const int aD = (int)INTEGER(aD), aH = (int)INTEGER(aH), aW = (int)INTEGER(aW);
  const int bD = (int)INTEGER(bD), bH = (int)INTEGER(bH), bW = (int)INTEGER(bW);
  const int aBlocks = (int)INTEGER(aBlocks), bBlocks = (int)INTEGER(bBlocks);
  const int aShare = (int)INTEGER(aShare), bShare = (int)INTEGER(bShare);
  const int tilesD = (bD + MD - 1) / MD, tilesH = (bH + M - 1) / M, tilesW = (bW + M - 1) / M;
  const long tiles = INTEGER(N) * tilesD * tilesH * tilesW, sets = (tiles + TW - 1) / TW;
  const long partitions = INTEGER(partitions);
  const int aGroups = (aBlocks + aShare - 1) / aShare, bGroups = bBlocks / bShare;
  const bool isOneSet = sets <= partitions;
  const long sumsFrequency = (isOneSet ? B_BLOCKS : bShare) * 16;
  __global const long* segments = words + SEGMENTS_AT;
  const int aSegments = LATE(LATE_A_SEGMENTS);
  __global Floats16* x = (__global Floats16*)(OPERAND(float, slots) + group * INTEGER(slotFloats));
  __global Floats16* v = x + PD * P * (M * min(TW, tilesW) + 2);  // [frequency][tile]
  __global Floats16* z = v + BLOCK_VECTORS;                       // [b][frequency][tile]
  __global Floats16* sums = z + bShare * BLOCK_VECTORS;           // [a][frequency][b][16]; one set: no [a], B_BLOCKS of b

  const long tasks = partitions * aGroups * bGroups;
  for (long task = group * tasks / groups; task < (group + 1) * tasks / groups; task++) {
    const int bFirst = (int)(task % bGroups) * bShare, aFirst = (int)(task / bGroups % aGroups) * aShare;
    const long partition = task / bGroups / aGroups;
    const int aCount = min(aShare, aBlocks - aFirst);
    const long setFrom = partition * sets / partitions, setTo = (partition + 1) * sets / partitions;
    for (long set = setFrom; set < setTo; set++) {
      const int count = (int)min((long)TW, tiles - set * TW);
      for (int i = 0; i < bShare + aCount; i++) {  // B's blocks, then A's
        const bool isA = i >= bShare;
        int block = isA ? aFirst + i - bShare : bFirst + i;
        const int segment = segment_of(segments, isA ? 0 : aSegments, &block);
        for (int t = 0, run; t < count; t += run) {  // tiles t … t + run stand in one row
          const long tile = set * TW + t, n = tile / tilesW / tilesH / tilesD;
          const int low = isA ? 1 : 0, size = isA ? P : M, depth = isA ? PD : MD;
          run = min(count - t, tilesW - (int)(tile % tilesW));
          Region r;
          r.d = (int)(tile / tilesW / tilesH % tilesD) * MD - low * (int)INTEGER(padD);
          r.h = (int)(tile / tilesW % tilesH) * M - low * (int)INTEGER(padH);
          r.w = (int)(tile % tilesW) * M - low * (int)INTEGER(padW);
          r.depth = depth, r.height = size, r.width = M * run + 2 * low;
          stage_block(&arenas, segments + segment * SEGMENT_WORDS, LATE(LATE_SEGMENT0 + segment), 0, INTEGER(N), n,
                      block, isA ? aD : bD, isA ? aH : bH, isA ? aW : bW, r, 0, (__global float*)x);
          if (isA) tiles_in(x, r.width, run, v + t, FREQUENCY);
          else targets_in(x, r.width, run, z + i * BLOCK_VECTORS + t, FREQUENCY);
        }
        if (!isA) continue;
        const int lanes = lanes_of((int)segments[segment * SEGMENT_WORDS + SEG_channels], block);
        if (isOneSet) {
          __global Floats16* partial =
              partial_at(OPERAND(float, partials), partition, aFirst + i - bShare, aBlocks, bFirst, bBlocks);
          for (int b = 0; b < bShare; b += B_BLOCKS) {
            for (int f = 0; f < FREQUENCIES; f++)
              for (int l = 0; l < lanes; l += A_LANES)
                multiply((__global const float*)(v + f * FREQUENCY) + l, z + b * BLOCK_VECTORS + f * FREQUENCY, count, true,
                         sums + f * sumsFrequency + l);
            for (int o = 0; o < B_BLOCKS; o++)
              for (int l = 0; l < lanes; l++)
                taps_out(sums + o * 16 + l, sumsFrequency, partial + (b + o) * (9 * KD * 16) + l);
          }
          continue;
        }
        __global Floats16* blockSums = sums + (i - bShare) * FREQUENCIES * sumsFrequency;
        for (int f = 0; f < FREQUENCIES; f++)
          for (int b = 0; b < bShare; b += B_BLOCKS)
            for (int l = 0; l < lanes; l += A_LANES)
              multiply((__global const float*)(v + f * FREQUENCY) + l, z + b * BLOCK_VECTORS + f * FREQUENCY, count,
                       set == setFrom, blockSums + f * sumsFrequency + b * 16 + l);
      }
    }
    for (int a = 0; a < (isOneSet ? 0 : aCount); a++) {
      int block = aFirst + a;
      const int segment = segment_of(segments, 0, &block);
      const int lanes = lanes_of((int)segments[segment * SEGMENT_WORDS + SEG_channels], block);
      __global Floats16* partial =
          partial_at(OPERAND(float, partials), partition, aFirst + a, aBlocks, bFirst, bBlocks);
      for (int b = 0; b < bShare; b++)
        for (int l = 0; l < lanes; l++)
          taps_out(sums + a * FREQUENCIES * sumsFrequency + b * 16 + l, sumsFrequency,
                   partial + b * (9 * KD * 16) + l);
    }
  }
}
