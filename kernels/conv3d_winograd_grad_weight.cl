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
// 1×3×3 kernels (KD 1) likewise, with PD and the tiles' depth MD 1 instead of P and M. Stride 2 by F(5, 2), in phases of A
// (conv3d_winograd.cl): aShare counts a block's four (in the plane two) pairs of them, those that share rows; 2·(M·… + 1)
// vectors of a row are staged, transforms are of 2 + bShare, sums of 2·aShare·bShare.
// A_LANES divides 16, B_BLOCKS divides bShare, bShare divides bBlocks. Lanes beyond A's channels are summed
// over what stands there, and dropped. SUMS: tasks of A's first blocks leave Σ of B too, [partition][bBlock][16].
#include "winograd_adjoint.cl"

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
  WORD_partials, WORD_sums, WORD_slots,
  WORD_N, WORD_aD, WORD_aH, WORD_aW, WORD_bD, WORD_bH, WORD_bW, WORD_aBlocks, WORD_bBlocks, WORD_padD,
  WORD_padH, WORD_padW, WORD_kH, WORD_partitions, WORD_aShare, WORD_bShare, WORD_slotFloats, SEGMENTS_AT
};

enum { LATE_A_SEGMENTS, LATE_SUMS, LATE_SEGMENTS, LATE_SEGMENT0 };

// Strides from frequency to frequency are odd multiples of a cache line: even ones would share few cache sets.
#define FREQUENCY (TW | 1)
#define STEP (M == 5 ? 2 : 1)  // of A, from a phase's voxel to the next
#define ROW_PHASES (M == 5 ? PHASES / 2 : 1)
#define BLOCK_VECTORS (FREQUENCIES * FREQUENCY)  // a block's transforms lie together: memory is read in its own order

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

// Partial sums of a partition's pair of blocks, of `taps` taps.
static inline __global Floats16* partial_at(__global float* partials, int taps, long partition, int a, int aBlocks, int b,
                                            int bBlocks) {
  return (__global Floats16*)partials + ((partition * aBlocks + a) * bBlocks + b) * (taps * 16L);
}

// The tiles of both sides, and how A's stand over B's.
typedef struct { int tilesD, tilesH, tilesW, padD, padH, padW; } Grid;

// What `run` tiles of a row read of A, from `tile` on, or of B.
static inline Region region_of(const Grid g, long tile, int run, bool isA) {
  const int low = isA ? 1 : 0, step = isA ? STEP : 1;
  const int d = (int)(tile / g.tilesW / g.tilesH % g.tilesD) * MD, h = (int)(tile / g.tilesW % g.tilesH) * M;
  return (Region){d * (KD > 1 ? step : 1) - low * g.padD, h * step - low * g.padH,
                  (int)(tile % g.tilesW) * M * step - low * g.padW, isA ? PD : MD, isA ? P : M,
                  step * (M * run + (K - 1) * low), step};
}

// What the tiles [tile, end) read.
static inline Ahead ahead_of(const Grid g, long tile, long end, bool isA, int D, int H, int W) {
  Ahead r = {.boxes = 0, .D = D, .H = H, .W = W};
  for (int run; tile < end && r.boxes < MOST_BOXES; tile += run, r.boxes++) {
    run = (int)min(end - tile, (long)g.tilesW - tile % g.tilesW);
    r.box[r.boxes] = region_of(g, tile, run, isA), r.n[r.boxes] = tile / g.tilesW / g.tilesH / g.tilesD;
  }
  return r;
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
  const int aUnits = aBlocks * ROW_PHASES, aGroups = (aUnits + aShare - 1) / aShare, bGroups = bBlocks / bShare;
  const int axisTaps = M == 5 ? (int)INTEGER(kH) : 3, taps = axisTaps * axisTaps * (KD > 1 ? axisTaps : 1);
  const bool isOneSet = sets <= partitions;
  const long sumsFrequency = (isOneSet ? B_BLOCKS : bShare) * 16;
  __global const long* segments = words + SEGMENTS_AT;
  const int aSegments = LATE(LATE_A_SEGMENTS);
  __global Floats16* bSums = LATE(LATE_SUMS) ? OPERAND(Floats16, sums) : 0;
  __global Floats16* x = (__global Floats16*)(OPERAND(float, slots) + group * INTEGER(slotFloats));
  __global Floats16* v = x + PD * P * STEP * (M * min(TW, tilesW) + K - 1);  // [phase][frequency][tile]
  __global Floats16* z = v + STEP * BLOCK_VECTORS;                           // [b][frequency][tile]
  // [a][phase][frequency][b][16]; one set: no [a], no [phase] and B_BLOCKS of b
  __global Floats16* sums = z + bShare * BLOCK_VECTORS;

  const bool fetchesA = FETCHES(INTEGER(N) * aD * aH * aW * aBlocks * 16);
  const bool fetchesB = FETCHES(INTEGER(N) * bD * bH * bW * bBlocks * 16);
  const Grid grid = {tilesD, tilesH, tilesW, (int)INTEGER(padD), (int)INTEGER(padH), (int)INTEGER(padW)};
  const long tasks = partitions * aGroups * bGroups;
  for (long task = group * tasks / groups; task < (group + 1) * tasks / groups; task++) {
    const int bFirst = (int)(task % bGroups) * bShare, aFirst = (int)(task / bGroups % aGroups) * aShare;
    const long partition = task / bGroups / aGroups;
    const int aCount = min(aShare, aUnits - aFirst);
    const long setFrom = partition * sets / partitions, setTo = (partition + 1) * sets / partitions;
    for (long set = setFrom; set < setTo; set++) {
      const int count = (int)min((long)TW, tiles - set * TW);
      for (int i = 0; i < bShare + aCount; i++) {  // B's blocks, then A's
        const bool isA = i >= bShare;
        const int unit = aFirst + i - bShare, rowPhase = isA ? unit % ROW_PHASES : 0;
        int block = isA ? unit / ROW_PHASES : bFirst + i;
        const int segment = segment_of(segments, isA ? 0 : aSegments, &block);
        for (int t = 0, run; t < count; t += run) {  // tiles t … t + run stand in one row
          const long tile = set * TW + t, n = tile / tilesW / tilesH / tilesD;
          run = min(count - t, tilesW - (int)(tile % tilesW));
          Region r = region_of(grid, tile, run, isA);
          r.d += rowPhase / 2, r.h += rowPhase % 2;
          stage_block(&arenas, segments + segment * SEGMENT_WORDS, LATE(LATE_SEGMENT0 + segment), 0, INTEGER(N), n,
                      block, isA ? aD : bD, isA ? aH : bH, isA ? aW : bW, r, 0, 0, (__global float*)x);
          for (int phase = 0; isA && phase < STEP; phase++)
            tiles_in(x + phase, r.width, STEP, run, v + phase * BLOCK_VECTORS + t, FREQUENCY);
          if (!isA && bSums && aFirst == 0) {
            __global Floats16* to = bSums + partition * bBlocks + bFirst + i;
            const float16 sum = sum_of_staged((__global const float*)x, MD * M * r.width);
            *to = set == setFrom && t == 0 ? sum : *to + sum;
          }
          if (!isA) targets_in(x, r.width, run, z + i * BLOCK_VECTORS + t, FREQUENCY);
        }
        if (!isA) continue;
        const int lanes = lanes_of((int)segments[segment * SEGMENT_WORDS + SEG_channels], block);
        if (isOneSet) {
          __global Floats16* partial =
              partial_at(OPERAND(float, partials), taps, partition, unit / ROW_PHASES, aBlocks, bFirst, bBlocks);
          for (int phase = 0; phase < STEP; phase++)
            for (int b = 0; b < bShare; b += B_BLOCKS) {
              for (int f = 0; f < FREQUENCIES; f++)
                for (int l = 0; l < lanes; l += A_LANES)
                  multiply((__global const float*)(v + phase * BLOCK_VECTORS + f * FREQUENCY) + l,
                           z + b * BLOCK_VECTORS + f * FREQUENCY, count, true, sums + f * sumsFrequency + l);
              for (int o = 0; o < B_BLOCKS; o++)
                for (int l = 0; l < lanes; l++)
                  taps_out(sums + o * 16 + l, sumsFrequency, axisTaps, rowPhase * STEP + phase,
                           partial + (b + o) * (taps * 16) + l);
            }
          continue;
        }
        // Behind A's last block come B's, and A's first, of the next set.
        const bool isLast = i + 1 == bShare + aCount;
        const long from = (set + isLast) * TW, end = set + isLast < setTo ? min(from + TW, tiles) : from;
        const Ahead nextA = ahead_of(grid, from, fetchesA ? end : from, true, aD, aH, aW);
        const Ahead nextB = ahead_of(grid, from, fetchesB && isLast ? end : from, false, bD, bH, bW);
        const int nextUnit = isLast ? aFirst : unit + 1, nextPhase = nextUnit % ROW_PHASES;
        for (int phase = 0; phase < STEP; phase++) {
          __global Floats16* phaseSums = sums + ((i - bShare) * STEP + phase) * FREQUENCIES * sumsFrequency;
          for (int f = 0; f < FREQUENCIES; f++) {
            const int d = f / P / P, h = f / P % P;
            if (fetchesA) {
              int next = nextUnit / ROW_PHASES;
              const int s = segment_of(segments, 0, &next);
              fetch_ahead(&arenas, segments + s * SEGMENT_WORDS, LATE(LATE_SEGMENT0 + s), &nextA, next,
                          d * STEP + nextPhase / 2, h * STEP + nextPhase % 2, f % P * STEP + phase, P * STEP);
            }
            for (int b = 0; b < bShare && fetchesB && isLast && phase == 0 && d < MD && h < M; b++) {
              int next = bFirst + b;
              const int s = segment_of(segments, aSegments, &next);
              fetch_ahead(&arenas, segments + s * SEGMENT_WORDS, LATE(LATE_SEGMENT0 + s), &nextB, next, d, h, f % P, P);
            }
            for (int b = 0; b < bShare; b += B_BLOCKS)
              for (int l = 0; l < lanes; l += A_LANES)
                multiply((__global const float*)(v + phase * BLOCK_VECTORS + f * FREQUENCY) + l,
                         z + b * BLOCK_VECTORS + f * FREQUENCY, count, set == setFrom,
                         phaseSums + f * sumsFrequency + b * 16 + l);
          }
        }
      }
    }
    for (int a = 0; a < (isOneSet ? 0 : aCount * STEP); a++) {
      const int unit = aFirst + a / STEP, phase = unit % ROW_PHASES * STEP + a % STEP;
      int block = unit / ROW_PHASES;
      __global Floats16* partial =
          partial_at(OPERAND(float, partials), taps, partition, block, aBlocks, bFirst, bBlocks);
      const int segment = segment_of(segments, 0, &block);
      const int lanes = lanes_of((int)segments[segment * SEGMENT_WORDS + SEG_channels], block);
      for (int b = 0; b < bShare; b++)
        for (int l = 0; l < lanes; l++)
          taps_out(sums + a * FREQUENCIES * sumsFrequency + b * 16 + l, sumsFrequency, axisTaps, phase,
                   partial + b * (taps * 16) + l);
    }
  }
}
