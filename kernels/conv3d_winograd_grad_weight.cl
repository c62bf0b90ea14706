// Weight gradient of a 3×3×3 convolution of stride 1, its partial sums, by the adjoint of Winograd's F(M³, 3³)
// (KernelCatalog.convWinogradGradWeight): ∂w = Gᵀ[Σ over tiles of (Bᵀx) ⊙ (A ∂y)]G on every axis, (M+2)³
// multiplications for a tile where the direct sum takes 27·M³. A task is a partition of the sets of TW tiles,
// consecutive in (n, d, h, w) order, with up to aShare blocks of A and bShare of B: it transforms a set of B's
// blocks, then block for block of A, and adds A_LANES·B_BLOCKS sums over the set, made in registers, to its
// sums[a][frequency][b][16][16]; at the end these go back to taps. The order of the sums depends on TW and
// partitions, which are functions of shape alone. Floats of a slot (WinogradGradWeightTiling.swift has the
// same formula), with P = M + 2:
//   16·(P²·(M·min(TW, tilesW) + 2) + P³·(TW·(1 + bShare) + 16·aShare·bShare))
// A_LANES divides 16, B_BLOCKS divides bShare, bShare divides bBlocks. Lanes beyond A's channels are summed
// over what stands there, and dropped.
#include "stage.cl"
#include "winograd.cl"

#ifndef A_SEGMENTS
#define A_SEGMENTS 1
#endif
#ifndef TW
#define TW 16
#endif
#ifndef A_LANES
#define A_LANES 8
#endif
#ifndef B_BLOCKS
#define B_BLOCKS 2
#endif
#ifndef SEGMENTS
#define SEGMENTS 2
#endif
#ifndef SEGMENT0
#define SEGMENT0 0
#endif
#ifndef SEGMENT1
#define SEGMENT1 0
#endif
#ifndef SEGMENT2
#define SEGMENT2 0
#endif
#ifndef SEGMENT3
#define SEGMENT3 0
#endif
#ifndef SEGMENT4
#define SEGMENT4 0
#endif

enum {
  WORD_partials, WORD_slots,
  WORD_N, WORD_aD, WORD_aH, WORD_aW, WORD_bD, WORD_bH, WORD_bW, WORD_aBlocks, WORD_bBlocks, WORD_padD,
  WORD_padH, WORD_padW, WORD_partitions, WORD_aShare, WORD_bShare, WORD_slotFloats, SEGMENTS_AT
};

// A along one axis: M values to P.
#define TRANSFORM_TARGET(x, from, y, to)                                                                    \
  {                                                                                                         \
    const float16 y0 = vload16(0, (x)), y1 = vload16(0, (x) + (from));                                      \
    if (M == 4) {                                                                                           \
      const float16 y2 = vload16(0, (x) + 2 * (from)), y3 = vload16(0, (x) + (M - 1) * (from));             \
      const float16 e1 = fma(y2, (float16)0.5625f, y0), o1 = fma(y3, (float16)0.421875f, y1 * 0.75f),       \
                    e2 = fma(y2, (float16)2.25f, y0), o2 = fma(y3, (float16)3.375f, y1 * 1.5f);             \
      vstore16(y0, 0, (y));                                                                                 \
      vstore16(e1 + o1, 0, (y) + (to));                                                                     \
      vstore16(e1 - o1, 0, (y) + 2 * (to));                                                                 \
      vstore16(e2 + o2, 0, (y) + 3 * (to));                                                                 \
      vstore16(e2 - o2, 0, (y) + 4 * (to));                                                                 \
      vstore16(y3, 0, (y) + (P - 1) * (to));                                                                \
    } else {                                                                                                \
      vstore16(y0, 0, (y));                                                                                 \
      vstore16(y0 + y1, 0, (y) + (to));                                                                     \
      vstore16(y0 - y1, 0, (y) + 2 * (to));                                                                 \
      vstore16(y1, 0, (y) + 3 * (to));                                                                      \
    }                                                                                                       \
  }
// Gᵀ along one axis: P sums to three taps.
#define TRANSFORM_TAPS(x, from, y, to)                                                                      \
  {                                                                                                         \
    const float16 m0 = vload16(0, (x)), m1 = vload16(0, (x) + (from)), m2 = vload16(0, (x) + 2 * (from)),   \
                  m3 = vload16(0, (x) + 3 * (from)), s12 = m1 + m2, d12 = m1 - m2;                          \
    if (M == 4) {                                                                                           \
      const float16 m4 = vload16(0, (x) + 4 * (from)), m5 = vload16(0, (x) + (P - 1) * (from));             \
      const float16 s34 = m3 + m4, d34 = m3 - m4;                                                           \
      vstore16(fma(s34, (float16)(32.0f / 243), fma(s12, (float16)(-128.0f / 243), m0 * (64.0f / 81))), 0, (y)); \
      vstore16(fma(d34, (float16)(16.0f / 81), d12 * (-32.0f / 81)), 0, (y) + (to));                        \
      vstore16(fma(s34 - s12, (float16)(8.0f / 27), m5), 0, (y) + 2 * (to));                                \
    } else {                                                                                                \
      vstore16(fma(s12, (float16)0.5f, m0), 0, (y));                                                        \
      vstore16(d12 * 0.5f, 0, (y) + (to));                                                                  \
      vstore16(fma(s12, (float16)0.5f, m3), 0, (y) + 2 * (to));                                             \
    }                                                                                                       \
  }

// A staged tile of B, its first voxel `x`, rows of `width`, to Z; frequencies lie `frequency` floats apart.
static inline void target_in(__global const float* x, int width, __global float* z, long frequency) {
  float a[P * P * P * 16];  // [d < M][h < M, later P][w]
  for (int d = 0; d < M; d++) {
    for (int h = 0; h < M; h++) TRANSFORM_TARGET(x + (d * M + h) * width * 16, 16, a + (d * P + h) * P * 16, 16)
    for (int w = 0; w < P; w++) {
      float* line = a + (d * P * P + w) * 16;
      TRANSFORM_TARGET(line, P * 16, line, P * 16)
    }
  }
  for (int i = 0; i < P * P; i++)
    TRANSFORM_TARGET(a + i * 16, P * P * 16, z + i * frequency, P * P * frequency)
}

// Lanes of A from `v` on times B_BLOCKS blocks from `z` on, over `count` tiles, added to sums[b][16][16]
// (stored there at first).
static inline void multiply(__global const float* v, __global const float* z, int count, bool first,
                            __global float* sums) {
  float16 acc[A_LANES][B_BLOCKS];
  #pragma unroll
  for (int l = 0; l < A_LANES; l++)
    #pragma unroll
    for (int o = 0; o < B_BLOCKS; o++) acc[l][o] = 0.0f;
  for (int t = 0; t < count; t++) {
    float16 zv[B_BLOCKS];
    #pragma unroll
    for (int o = 0; o < B_BLOCKS; o++) zv[o] = vload16(o * TW + t, z);
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
      __global float* to = sums + o * 256 + l * 16;
      vstore16(first ? acc[l][o] : vload16(0, to) + acc[l][o], 0, to);
    }
}

// One lane's sums, frequencies `frequency` floats apart, to 27 taps, `tap` floats apart.
static inline void taps_out(__global const float* sums, long frequency, __global float* to, int tap) {
  float a[P * P * 3 * 16], b[P * 9 * 16];
  for (int i = 0; i < P * P; i++) TRANSFORM_TAPS(sums + i * P * frequency, frequency, a + i * 3 * 16, 16)
  for (int d = 0; d < P; d++)
    for (int w = 0; w < 3; w++) TRANSFORM_TAPS(a + (d * P * 3 + w) * 16, 3 * 16, b + (d * 9 + w) * 16, 3 * 16)
  for (int i = 0; i < 9; i++) TRANSFORM_TAPS(b + i * 16, 9 * 16, to + i * tap, 9 * tap)
}

VOXCL_KERNEL(conv3d_winograd_grad_weight) {
  VOXCL_BEGIN
  const int aD = (int)INTEGER(aD), aH = (int)INTEGER(aH), aW = (int)INTEGER(aW);
  const int bD = (int)INTEGER(bD), bH = (int)INTEGER(bH), bW = (int)INTEGER(bW);
  const int aBlocks = (int)INTEGER(aBlocks), bBlocks = (int)INTEGER(bBlocks);
  const int aShare = (int)INTEGER(aShare), bShare = (int)INTEGER(bShare);
  const int tilesD = (bD + M - 1) / M, tilesH = (bH + M - 1) / M, tilesW = (bW + M - 1) / M;
  const long tiles = INTEGER(N) * tilesD * tilesH * tilesW, sets = (tiles + TW - 1) / TW;
  const long partitions = INTEGER(partitions);
  const int aGroups = (aBlocks + aShare - 1) / aShare, bGroups = bBlocks / bShare;
  const long zFrequency = (long)bShare * TW * 16, sumsFrequency = (long)bShare * 256;
  __global const long* segments = words + SEGMENTS_AT;
  __global float* x = OPERAND(float, slots) + group * INTEGER(slotFloats);
  __global float* v = x + P * P * (M * min(TW, tilesW) + 2) * 16;  // [frequency][tile][16]
  __global float* z = v + P * P * P * TW * 16;                     // [frequency][b][tile][16]
  __global float* sums = z + P * P * P * zFrequency;               // [a][frequency][b][16][16]

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
        const int segment = segment_of(segments, isA ? 0 : A_SEGMENTS, &block);
        for (int t = 0, run; t < count; t += run) {  // tiles t … t + run stand in one row
          const long tile = set * TW + t, n = tile / tilesW / tilesH / tilesD;
          const int low = isA ? 1 : 0, size = isA ? P : M;
          run = min(count - t, tilesW - (int)(tile % tilesW));
          Region r;
          r.d = (int)(tile / tilesW / tilesH % tilesD) * M - low * (int)INTEGER(padD);
          r.h = (int)(tile / tilesW % tilesH) * M - low * (int)INTEGER(padH);
          r.w = (int)(tile % tilesW) * M - low * (int)INTEGER(padW);
          r.depth = size, r.height = size, r.width = M * run + 2 * low;
#define STAGE(s)                                                                                          \
  if (s < SEGMENTS && segment == s)                                                                       \
    stage_block(&arenas, segments + s * SEGMENT_WORDS, SEGMENT##s, 0, INTEGER(N), n, block,               \
                s < A_SEGMENTS ? aD : bD, s < A_SEGMENTS ? aH : bH, s < A_SEGMENTS ? aW : bW, r, 0, x);
          STAGE(0) STAGE(1) STAGE(2) STAGE(3) STAGE(4)
          for (int j = 0; j < run; j++)
            if (isA) tile_in(x + j * M * 16, r.width, v + (t + j) * 16, TW * 16);
            else target_in(x + j * M * 16, r.width, z + (i * TW + t + j) * 16, zFrequency);
        }
        if (!isA) continue;
        const int lanes = lanes_of((int)segments[segment * SEGMENT_WORDS + SEG_channels], block);
        __global float* blockSums = sums + (i - bShare) * P * P * P * sumsFrequency;
        for (int f = 0; f < P * P * P; f++)
          for (int b = 0; b < bShare; b += B_BLOCKS)
            for (int l = 0; l < lanes; l += A_LANES)
              multiply(v + f * TW * 16 + l, z + f * zFrequency + b * TW * 16, count, set == setFrom,
                       blockSums + f * sumsFrequency + b * 256 + l * 16);
      }
    }
    for (int a = 0; a < aCount; a++) {
      int block = aFirst + a;
      const int segment = segment_of(segments, 0, &block);
      const int lanes = lanes_of((int)segments[segment * SEGMENT_WORDS + SEG_channels], block);
      __global float* partial =
          OPERAND(float, partials) + ((partition * aBlocks + aFirst + a) * bBlocks + bFirst) * (27 * 256L);
      for (int b = 0; b < bShare; b++)
        for (int l = 0; l < lanes; l++)
          taps_out(sums + a * P * P * P * sumsFrequency + b * 256 + l * 16, sumsFrequency,
                   partial + b * (27 * 256) + l * 16, 256);
    }
  }
}
