// 3×3×3 convolution of stride 1 by Winograd's F(M³, 3³), fused (KernelCatalog.conv3dWinograd). A group takes
// TW tiles of M³ outputs, consecutive in (n, d, h, w) order. It stages the input of each row of tiles with
// lazy norm and activation, transforms it to V[(M+2)³][inBlock][tile][16], multiplies each of the (M+2)³
// matrices by its weights with OB·T sums in registers, and transforms back, an axis as soon as its sums are
// there, so that only (M+2)·M² of them wait. Where all outputs are made at once, V is a row of M+2 frequencies, made when
// it is multiplied: it stays in the first-level cache. Few tiles: INNER 1, weights come as taps (packed for conv3d) and a
// group transforms what a row of frequencies needs of them when it needs it, so that memory holds them once and not eight
// times. Results do not depend on TW, INNER or groups. Replaces conv3d where
// there are channels enough: multiplications fall 8 (M 4) or 3.4 times (M 2). Floats of a slot
// (WinogradTiling.swift has the same formula), with P = M + 2, RUNS and T of winograd_multiply.cl:
//   16·(PD·P·(M·min(TW, tilesW) + 2) + PD·P²·(inBlocks·RUNS·T|1) + OB·RUNS·T·(P + P·M + PD·M²)
//       + INNER·16·OB·(18·inBlocks + P·CHAIN)); outputs made at once, INNER 0:
//   16·(inBlocks·PD·P·(M·TW + 2·((TW + tilesW − 2)/tilesW + 1)) + P·(inBlocks·RUNS·T|1) + OB·RUNS·T·(P + P·M + PD·M²))
// 1×3×3 kernels (KD 1) likewise, with PD and the tiles' depth MD 1 instead of P and M, and no sums PD·M². STATISTICS:
// leaves mean and M2 of each tile for merge_statistics.
// Three or four taps of stride 2: F(5, 2), which has the same transform of the input, of tiles of M³ cells, voxels of the
// small side. Cell m and tap t meet the large side's voxel 2m + t − pad, so that even and odd taps, phases, are convolutions
// of two taps and stride 1, of every second voxel. Phases of the input are that many more blocks of it: sums run over them.
// Those of the output (TRANSPOSED) share V, and a cell's tap e meets the cell before it with tap e + 2. In the formula
// P is 6, inBlocks is times the former, and 16·PD·P·(M·min(TW, tilesW) + 1) is staged, twice that for the former.
#include "winograd_tiles.cl"

#ifndef OUT_BLOCK
#define OUT_BLOCK 16
#endif
#ifndef OUT_HALF
#define OUT_HALF 0
#endif
#ifndef OUT_ACT
#define OUT_ACT 0
#endif

enum {
  WORD_out, WORD_weights, WORD_bias, WORD_mask, WORD_slots, WORD_tiles,
  WORD_N, WORD_inD, WORD_inH, WORD_inW, WORD_outD, WORD_outH, WORD_outW, WORD_inBlocks, WORD_outC,
  WORD_kD, WORD_kH, WORD_kW, WORD_strideD, WORD_strideH, WORD_strideW, WORD_padD, WORD_padH, WORD_padW,
  WORD_slotFloats, WORD_slopeBits, WORD_maskVoxels, SEGMENTS_AT
};

enum { LATE_BIAS, LATE_ACCUMULATE, LATE_MASK, LATE_STATISTICS, LATE_SEGMENTS, LATE_SEGMENT0 };

// Σ(v − mean) or, with `squared`, Σ(v − mean)² of a tile's first depth × height × width values.
static inline float16 sum_of_box(const float16* box, int depth, int height, int width, float16 mean, const int squared) {
  float16 sum = 0.0f;
  for (int d = 0; d < depth; d++)
    for (int h = 0; h < height; h++) {
      float16 row = 0.0f;
      for (int w = 0; w < width; w++) {
        const float16 v = box[(d * M + h) * M + w] - mean;
        row += squared ? v * v : v;
      }
      sum += row;
    }
  return sum;
}
static inline float16 sum_of_tile(const float16* box, int depth, int height, int width, float16 mean,
                                  const int squared) {
  if (depth == MD && height == M && width == M) return sum_of_box(box, MD, M, M, mean, squared);
  return sum_of_box(box, depth, height, width, mean, squared);
}

#define DEPTH_SUMS (KD > 1 ? PD * M * M : 0)  // vectors of a tile that wait for the last axis
#define ROW_PHASES (IN_PHASES / STEP)

VOXCL_KERNEL(conv3d_winograd) {
  VOXCL_BEGIN
  const int outD = (int)INTEGER(outD), outH = (int)INTEGER(outH), outW = (int)INTEGER(outW);
  const int inBlocks = (int)INTEGER(inBlocks) * IN_PHASES, outC = (int)INTEGER(outC);
  const int padD = (int)INTEGER(padD), padH = (int)INTEGER(padH), padW = (int)INTEGER(padW);
  const int segmentCount = LATE(LATE_SEGMENTS), accumulates = LATE(LATE_ACCUMULATE);
  const int phaseGroups = ((outC + 15) / 16 + OB - 1) / OB, outGroups = OUT_PHASES * phaseGroups;
  const int cellsD = KD > 1 ? cells_of(outD, padD) : outD, cellsH = cells_of(outH, padH), cellsW = cells_of(outW, padW);
  const int tilesD = (cellsD + MD - 1) / MD, tilesH = (cellsH + M - 1) / M, tilesW = (cellsW + M - 1) / M;
  const long tiles = INTEGER(N) * tilesD * tilesH * tilesW, sets = (tiles + TW - 1) / TW;
  const long frequency = inBlocks * TILES | 1, uFrequency = (long)outGroups * inBlocks * (OB * 256);
  __global const long* segments = words + SEGMENTS_AT;
  __global Floats16* x = (__global Floats16*)(OPERAND(float, slots) + group * INTEGER(slotFloats));
  // Outputs in one pass over V: a row of frequencies is made when it is multiplied, and `x` holds all blocks.
  const bool isLazy = !INNER && outGroups == 1;
  const int rows = isLazy ? (TW + tilesW - 2) / tilesW + 1 : 1;  // that a set stands in at most
  const long xBlock = PD * P * STEP * (M * (isLazy ? TW : min(TW, tilesW)) + (K - 1) * rows);
  __global Floats16* v = x + xBlock * (isLazy ? inBlocks / STEP : 1);
  __global Floats16* rowSums = v + (isLazy ? P : FREQUENCIES) * frequency;  // [W frequency][o][tile]
  __global Floats16* planeSums = rowSums + P * OB * TILES;        // [H frequency][w][o][tile]
  __global Floats16* boxSums = planeSums + P * M * OB * TILES;    // [D frequency][h][w][o][tile]
  __global Floats16* nine = boxSums + DEPTH_SUMS * OB * TILES;    // INNER: weights of two depth frequencies
  __global Floats16* row = nine + 2 * NINE * inBlocks;            // INNER: those of a row, of CHAIN input blocks
  __global const float* bias = LATE(LATE_BIAS) ? OPERAND(const float, bias) : 0;
  __global const uchar* mask = LATE(LATE_MASK) ? OPERAND(const uchar, mask) : 0;
  const Sink sink = {OPERAND(uchar, out), mask, OUT_BLOCK == 1, OUT_HALF, accumulates, OUT_ACT, LATE(LATE_MASK), outC,
                     FLOAT(slopeBits), (long)outD * outH * outW, INTEGER(maskVoxels),
                     !accumulates && (long)outD * outH * outW * outC * INTEGER(N) > STREAM_FROM};
  // Few sets of tiles: groups share their output blocks too.
  const int parts = (int)min((long)outGroups, max(1L, 2 * groups / sets));

  const bool fetches =
      !INNER && FETCHES(INTEGER(N) * INTEGER(inD) * INTEGER(inH) * INTEGER(inW) * INTEGER(inBlocks) * 16);

  const bool fetchesOut = OUT_BLOCK == (INNER ? 0 : 16 * OUT_PHASES)  // blocked, of one phase
      && (accumulates || sink.masks) && FETCHES(sink.voxels * outC * INTEGER(N));

  long transformed = -1;  // first tile of the set that `v` holds
  for (long task = group * sets * parts / groups; task < (group + 1) * sets * parts / groups; task++) {
    const int part = (int)(task % parts);
    const long firstTile = task / parts * TW;
    const int count = (int)min((long)TW, tiles - firstTile);
    __global Floats16* at = x;
    for (int t = 0, run; firstTile != transformed && t < count; t += run) {  // tiles t … t + run stand in one row
      const Place place = place_of(firstTile + t, tilesD, tilesH, tilesW);
      run = min(count - t, tilesW - place.w);
      const Region region = region_of(place, run, padD, padH, padW);
      int block = 0;
      for (int s = 0; s < segmentCount; s++)
        for (int b = 0; b < ((int)segments[s * SEGMENT_WORDS + SEG_channels] + 15) / 16; b++)
          for (int phase = 0; phase < ROW_PHASES; phase++, block += STEP) {
            Region r = region;
            r.d += phase / 2, r.h += phase % 2;
            __global Floats16* to = at + (isLazy ? block / STEP * xBlock : 0);
            stage_block(&arenas, segments + s * SEGMENT_WORDS, LATE(LATE_SEGMENT0 + s), 0, INTEGER(N), place.n, b,
                        (int)INTEGER(inD), (int)INTEGER(inH), (int)INTEGER(inW), r, 0, 0, (__global float*)to);
            #pragma unroll
            for (int i = 0; i < STEP; i++) {
              columns_in(to + i, r.width, STEP);
              for (int f = 0; !isLazy && f < PD * P; f++)
                row_in(to + f * r.width + i, STEP, run, v + f * P * frequency + (block + i) * TILES + t, frequency);
            }
          }
      if (isLazy) at += PD * P * region.width;
    }
    transformed = firstTile;
    const int firstRun = tilesW - (int)(firstTile % tilesW);
    Wanted wanted = {&arenas, segments, words - 1 - LATE_SEGMENT0,
                     {accumulates ? sink.out : 0, sink.voxels, (outC + 15) / 16, OUT_HALF ? 32 : 64},
                     {mask, sink.mask_voxels, (outC + 15) / 16, OUT_HALF ? 32 : 64},
                     {.boxes = 0, .D = (int)INTEGER(inD), .H = (int)INTEGER(inH), .W = (int)INTEGER(inW)},
                     {.boxes = 0, .D = outD, .H = outH, .W = outW}};
    const long next = (task + 1) / parts * TW;
    if (fetches && next != firstTile && task + 1 < (group + 1) * sets * parts / groups)
      add_boxes(&wanted.next, false, next, min(next + TW, tiles), tilesD, tilesH, tilesW, padD, padH, padW);
    if (fetchesOut)
      add_boxes(&wanted.here, true, firstTile, firstTile + count, tilesD, tilesH, tilesW, padD, padH, padW);
    for (int og = outGroups * part / parts; og < outGroups * (part + 1) / parts; og++) {
      __global const float* u = OPERAND(const float, weights) + og * (long)inBlocks * (OB * 256) * (INNER ? K * K * KD : 1);
      wanted.block = og * OB;
      for (int fD = 0; fD < PD; fD++) {
        int stride = 0;
        __global const Floats16* taps = INNER ? depth_weights(u, fD, inBlocks, nine, &stride) : 0;
        for (int fH = 0; fH < P; fH++) {
          const int f = (fD * P + fH) * P;
          if (INNER)
            multiply_inner_row(v + f * frequency, frequency, taps, stride, fH, inBlocks, segments, segmentCount, row,
                               rowSums, planeSums + fH * M * OB * TILES);
          else {
            if (isLazy) line_in(x, xBlock, fD * P + fH, firstRun, count, tilesW, inBlocks, v, frequency);
            multiply_row(&wanted, isLazy ? v : v + f * frequency, frequency, u + f * uFrequency, uFrequency, inBlocks,
                         segments, segmentCount, fD, fH, rowSums, planeSums + fH * M * OB * TILES);
          }
        }
        for (int i = 0; i < (KD > 1 ? M * OB * TILES : 0); i++)
          TRANSFORM_OUT(planeSums + i, M * OB * TILES, boxSums + fD * M * M * OB * TILES + i, M * OB * TILES)
      }
      wanted.next.boxes = 0;  // all asked for
      for (int o = 0; o < OB && (og % phaseGroups * OB + o) * 16 < outC; o++) {
        const int block = og % phaseGroups * OB + o;
        const float16 b = bias_of(bias, block * 16, lanes_of(outC, block));
        Place place = place_of(firstTile, tilesD, tilesH, tilesW);
        for (int t = 0; t < count; t++, place = place_behind(place, tilesD, tilesH, tilesW)) {
          const int d0 = place.d * MD, h0 = place.h * M, w0 = place.w * M;
          float16 box[MD * M * M];
#if KD == 1
          #pragma unroll
          for (int j = 0; j < M; j++) TRANSFORM_OUT(planeSums + (j * OB + o) * TILES + t, M * OB * TILES, box + j, M)
#else
          for (int j = 0; j < M * M; j++)
            TRANSFORM_OUT(boxSums + (j * OB + o) * TILES + t, M * M * OB * TILES, box + j, M * M)
#endif
          if (OUT_PHASES > 1) {
            const int phase = og / phaseGroups, firstW = 2 * w0 + phase % 2 - padW, from = firstW < 0 ? 1 : 0;
            for (int d = 0; d < MD; d++)
              for (int h = 0; h < M; h++) {
                const int outputD = KD > 1 ? 2 * (d0 + d) + phase / 4 - padD : d0, outputW = firstW + 2 * from;
                const int outputH = 2 * (h0 + h) + phase / 2 % 2 - padH;
                if (outputD < 0 || outputD >= outD || outputH < 0 || outputH >= outH) continue;
                store_voxels(sink, box + (d * M + h) * M + from, b, place.n, block,
                             ((long)outputD * outH + outputH) * outW + outputW, 2,
                             min(M - from, (outW - outputW + 1) / 2));
              }
            continue;
          }
          const int depth = min(MD, outD - d0), height = min(M, outH - h0), width = min(M, outW - w0);
          const long voxel = ((long)d0 * outH + h0) * outW + w0;
          for (int d = 0; d < depth; d++)
            for (int h = 0; h < height; h++)
              store_voxels(sink, box + (d * M + h) * M, b, place.n, block, voxel + ((long)d * outH + h) * outW, 1, width);
          if (!LATE(LATE_STATISTICS)) continue;  // of the values as they are stored
          const int blocks = (outC + 15) / 16;
          const long from = (place.n * blocks + block) * sink.voxels + voxel;
          for (int j = 0; j < MD * M * M; j++) {
            const int d = j / (M * M), h = j / M % M, w = j % M;
            if (!OUT_HALF) box[j] += b;
            else if (d < depth && h < height && w < width)
              box[j] = load16(sink.out, (from + ((long)d * outH + h) * outW + w) * 16, 1);
          }
          const long at = 2 * ((place.n * (blocks - 1) + block) * tilesD * tilesH * tilesW + firstTile + t);
          const float16 mean = sum_of_tile(box, depth, height, width, 0.0f, 0) / (float)(depth * height * width);
          vstore16(mean, at, OPERAND(float, tiles));
          vstore16(sum_of_tile(box, depth, height, width, mean, 1), at + 1, OPERAND(float, tiles));
        }
      }
    }
  }
}
