// Weight gradient of a 3×3×3 convolution of stride 1, its partial sums, by the adjoint of Winograd's F(M³, 3³)
// (KernelCatalog.convWinogradGradWeight): ∂w = Gᵀ[Σ over tiles of (Bᵀx) ⊙ (A ∂y)]G on every axis, (M+2)³
// multiplications for a tile where the direct sum takes 27·M³. A task is a partition of the sets of TW tiles,
// consecutive in (n, d, h, w) order, with up to aShare blocks of A and bShare of B. It stages a set's blocks, transforms
// them along D and H, then, a row of frequencies after the other, along W, so that what is multiplied stays in the
// first-level cache, and adds A_LANES·B_BLOCKS sums over the set, made in registers, to its
// sums[a][frequency][b][16][16]; at the end these go back to taps. Where no partition has more than one set and a task takes
// several pairs, sums do not wait for others: they go back as soon as B_BLOCKS of them are there. A task takes many more
// blocks then, whose transforms, of all frequencies, serve more of them. The order of the sums depends on TW and partitions,
// which are functions of shape alone. Floats of a slot (WinogradGradWeightTiling.swift has the same formula), with P = M + 2
// and R = (TW + tilesW − 2)/tilesW + 1:
//   16·(PD·P·(aShare·(M·TW + 2·R) + bShare·(M·TW + R)) + P·(TW|1)·(aShare + bShare) + PD·P²·16·aShare·bShare)
// or, where sums do not wait,
//   16·(PD·P·(M·min(TW, tilesW) + 2) + PD·P²·((TW|1)·(1 + bShare) + 16·B_BLOCKS))
// 1×3×3 kernels (KD 1) likewise, with PD and the tiles' depth MD 1 instead of P and M. Stride 2 by F(5, 2), in phases of A
// (conv3d_winograd.cl): aShare counts a block's four (in the plane two) pairs of them, those that share rows; of A there are
// 2·(M·… + 1) vectors of a row, 2·aShare lines (or 2 transforms) and 2·aShare·bShare sums.
// A_LANES divides 16, B_BLOCKS divides bShare, bShare divides bBlocks. Lanes beyond A's channels are summed
// over what stands there, and dropped. SUMS: tasks of A's first blocks leave Σ of B too, [partition][bBlock][16].
#include "winograd_pairs.cl"

enum {
  WORD_partials, WORD_sums, WORD_slots,
  WORD_N, WORD_aD, WORD_aH, WORD_aW, WORD_bD, WORD_bH, WORD_bW, WORD_aBlocks, WORD_bBlocks, WORD_padD,
  WORD_padH, WORD_padW, WORD_kH, WORD_partitions, WORD_aShare, WORD_bShare, WORD_slotFloats, SEGMENTS_AT
};

enum { LATE_A_SEGMENTS, LATE_SUMS, LATE_SEGMENTS, LATE_SEGMENT0 };

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
  const bool isOneSet = sets <= partitions && aShare * bShare > 1;
  const long sumsFrequency = (isOneSet ? B_BLOCKS : bShare) * 16;
  __global const long* segments = words + SEGMENTS_AT;
  const int aSegments = LATE(LATE_A_SEGMENTS);
  __global Floats16* bSums = LATE(LATE_SUMS) ? OPERAND(Floats16, sums) : 0;
  __global Floats16* x = (__global Floats16*)(OPERAND(float, slots) + group * INTEGER(slotFloats));
  // A set stands in that many rows of tiles at most. One set: a row of a block is staged at a time.
  const int rows = isOneSet ? 1 : (TW + tilesW - 2) / tilesW + 1;
  const long aVectors = PD * P * STEP * (M * (isOneSet ? min(TW, tilesW) : TW) + (K - 1) * rows);
  const long bVectors = PD * P * (M * TW + rows);
  const long blockVectors = isOneSet ? BLOCK_VECTORS : LINE_VECTORS;
  __global Floats16* v = x + (isOneSet ? aVectors : aShare * aVectors + bShare * bVectors);  // [a][phase][frequency][tile]
  __global Floats16* z = v + STEP * (isOneSet ? 1 : aShare) * blockVectors;                  // [b][frequency][tile]
  // [a][phase][frequency][b][16]; one set: no [a], no [phase] and B_BLOCKS of b
  __global Floats16* sums = z + bShare * blockVectors;

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
        __global Floats16* at = x + (isOneSet ? 0 : isA ? bShare * bVectors + (i - bShare) * aVectors : i * bVectors);
        for (int t = 0, run; t < count; t += run) {  // tiles t … t + run stand in one row
          const long tile = set * TW + t, n = tile / tilesW / tilesH / tilesD;
          run = min(count - t, tilesW - (int)(tile % tilesW));
          Region r = region_of(grid, tile, run, isA);
          r.d += rowPhase / 2, r.h += rowPhase % 2;
          stage_block(&arenas, segments + segment * SEGMENT_WORDS, LATE(LATE_SEGMENT0 + segment), 0, INTEGER(N), n,
                      block, isA ? aD : bD, isA ? aH : bH, isA ? aW : bW, r, 0, 0, (__global float*)at);
          if (!isA && bSums && aFirst == 0) {
            __global Floats16* to = bSums + partition * bBlocks + bFirst + i;
            float16 sum = 0.0f;
            for (int row = 0; row < MD * M; row++)
              sum += sum_of_staged((__global const float*)(at + row * r.width), M * run);
            *to = set == setFrom && t == 0 ? sum : *to + sum;
          }
          for (int phase = 0; isA && phase < STEP; phase++) columns_in(at + phase, r.width, STEP);
          if (!isA) target_columns_in(at, r.width);
          if (!isOneSet) at += PD * P * r.width;
          for (int f = 0; isOneSet && f < PD * P; f++) {
            for (int phase = 0; isA && phase < STEP; phase++)
              row_in(at + f * r.width + phase, STEP, run, v + phase * BLOCK_VECTORS + f * LINE_VECTORS + t, FREQUENCY);
            if (!isA) target_row_in(at + f * r.width, run, z + i * BLOCK_VECTORS + f * LINE_VECTORS + t, FREQUENCY);
          }
        }
        if (!isA || !isOneSet) continue;
        const int lanes = lanes_of((int)segments[segment * SEGMENT_WORDS + SEG_channels], block);
        __global Floats16* partial =
            partial_at(OPERAND(float, partials), taps, partition, unit / ROW_PHASES, aBlocks, bFirst, bBlocks);
        for (int phase = 0; phase < STEP; phase++)
          for (int b = 0; b < bShare; b += B_BLOCKS) {
            for (int f = 0; f < FREQUENCIES; f++)
              for (int l = 0; l < lanes; l += A_LANES)
                multiply((__global const float*)(v + phase * BLOCK_VECTORS + f * FREQUENCY) + l,
                         z + b * BLOCK_VECTORS + f * FREQUENCY, BLOCK_VECTORS, count, true, 1,
                         sums + f * sumsFrequency + l);
            for (int o = 0; o < B_BLOCKS; o++)
              for (int l = 0; l < lanes; l++)
                taps_out(sums + o * 16 + l, sumsFrequency, axisTaps, rowPhase * STEP + phase,
                         partial + (b + o) * (taps * 16) + l);
          }
      }
      if (isOneSet) continue;
      const long from = (set + 1) * TW, end = set + 1 < setTo ? min(from + TW, tiles) : from;  // of the next set
      const Ahead nextA = ahead_of(grid, from, fetchesA ? end : from, true, aD, aH, aW);
      const Ahead nextB = ahead_of(grid, from, fetchesB ? end : from, false, bD, bH, bW);
      const int firstRun = tilesW - (int)(set * TW % tilesW);
      for (int line = 0; line < PD * P; line++) {
        for (int i = 0; i < bShare + aCount; i++) {
          const bool isA = i >= bShare;
          const int a = i - bShare;
          __global const Floats16* at = x + (isA ? bShare * bVectors + a * aVectors : i * bVectors);
          for (int t = 0, run = min(count, firstRun); t < count; t += run, run = min(count - t, tilesW)) {
            const int width = isA ? STEP * (M * run + K - 1) : columns_of(run);
            for (int phase = 0; isA && phase < STEP; phase++)
              row_in(at + line * width + phase, STEP, run, v + (a * STEP + phase) * LINE_VECTORS + t, FREQUENCY);
            if (!isA) target_row_in(at + line * width, run, z + i * LINE_VECTORS + t, FREQUENCY);
            at += PD * P * width;
          }
        }
        for (int fW = 0; fW < P; fW++)
          for (int a = 0; a < aCount; a++) {
            const int unit = aFirst + a;
            int block = unit / ROW_PHASES;
            const int segment = segment_of(segments, 0, &block), d = line / P, h = line % P;
            const int lanes = lanes_of((int)segments[segment * SEGMENT_WORDS + SEG_channels], block);
            for (int phase = 0; phase < STEP; phase++) {
              if (fetchesA)
                fetch_ahead(&arenas, segments + segment * SEGMENT_WORDS, LATE(LATE_SEGMENT0 + segment), &nextA, block,
                            d * STEP + unit % ROW_PHASES / 2, h * STEP + unit % ROW_PHASES % 2, fW * STEP + phase,
                            P * STEP);
              for (int b = 0; b < bShare; b += B_BLOCKS)
                for (int l = 0; l < lanes; l += A_LANES)
                  multiply((__global const float*)(v + (a * STEP + phase) * LINE_VECTORS + fW * FREQUENCY) + l,
                           z + b * LINE_VECTORS + fW * FREQUENCY, LINE_VECTORS, count, set == setFrom, 0,
                           sums + ((a * STEP + phase) * FREQUENCIES + line * P + fW) * sumsFrequency + b * 16 + l);
            }
            for (int b = 0; b < bShare && fetchesB && a == 0 && d < MD && h < M; b++) {
              int next = bFirst + b;
              const int s = segment_of(segments, aSegments, &next);
              fetch_ahead(&arenas, segments + s * SEGMENT_WORDS, LATE(LATE_SEGMENT0 + s), &nextB, next, d, h, fW, P);
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
