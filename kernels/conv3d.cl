// Direct convolution, or its transpose as a gather, from segments (KernelCatalog.conv3d). A group stages the
// input region of a tile of outputs in its slot as x[inBlock][d][h][w][16] (the only segment planar:
// x[channel][d][h][w]). Then, for each residue of a transposed convolution and each OB output blocks, the
// OB·T float16 sums of a run of T voxels stay in registers over input channels and taps; a weight vector
// serves T voxels, a broadcast input OB blocks. Where OB output blocks have more than WEIGHT_CHUNK floats of
// weights, input blocks are taken in chunks whose weights stay in the cache over all rows of the tile, and
// sums wait in the slot. Neither tile, chunk nor groups change the order of a sum. Runs that pass a row's end
// compute values that are not stored. Floats of a slot (DirectTiling.swift has the same formula), with
// runs = ⌈tileW/T⌉:
//   depth·height·width·16·inBlocks + (inBlocks > chunk: tileD·tileH·runs·T·OB·16),
//   planar: plane_of(depth·height·width)·C + 16·width; STATISTICS: 16·OB·runs·T more
//   width = (runs·T − 1)·STEP_W + span, depth and height (tile − 1)·stride + span; span = kernel extent, or
//   (dilated), where TRANSPOSED stride 1 and the reach of all residues; chunk = max(1, ⌊WEIGHT_CHUNK/(taps·256·OB)⌋).
// Inputs that no two taps read need no staging where they are stored as they are read (in_place, stage.cl), but at borders.
// A planar output of few channels (LANES of them at once; T is whole vectors, OB 1): a vector holds sixteen columns of a
// channel (conv3d_columns.cl), inputs are staged as planes, and nothing waits. The order of a sum is the same. STATISTICS:
// leaves mean and M2 of each row for merge_statistics; tiles have whole rows then.
// PoCL, 2 Zen 5 cores: 490 to 525 GFLOP/s at 32 to 256 channels, norm and leaky ReLU in the load.
#include "conv3d_columns.cl"

#ifndef OB
#define OB 2
#endif
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
  WORD_dilD, WORD_dilH, WORD_dilW, WORD_tileD, WORD_tileH, WORD_tileW, WORD_slotFloats, WORD_slopeBits, WORD_maskVoxels,
  SEGMENTS_AT
};

enum { LATE_BIAS, LATE_ACCUMULATE, LATE_MASK, LATE_STATISTICS, LATE_SEGMENTS, LATE_SEGMENT0 };

#define WEIGHT_CHUNK 65536
#define VOXEL (PLANES ? 1 : 16)  // floats from a staged voxel to the next

// Along one axis, position q (of residue r where TRANSPOSED) reads input q·stride + first + j·step, j < taps.
typedef struct { int taps, first, step; } Taps;
static inline Taps taps_of(int k, int stride, int pad, int dilation, int r) {
  Taps a = {k, -pad, dilation};
  if (TRANSPOSED) {  // canonical taps with tap·dilation ≡ r + pad modulo the stride, the last one first
    int previous = 0;
    a.taps = 0, a.step = 1;
    for (int tap = 0; tap < k; tap++) {
      if ((tap * dilation - r - pad) % stride) continue;
      a.first = (r + pad - tap * dilation) / stride;
      if (a.taps) a.step = previous - a.first;
      previous = a.first;
      a.taps++;
    }
  }
  return a;
}
// All residues together; `taps` counts inputs from the first to the last.
static inline Taps reach_of(int k, int stride, int pad, int dilation) {
  Taps all = {1, 0, 1};
  int last = 0, found = 0;
  for (int r = 0; r < (TRANSPOSED ? stride : 1); r++) {
    const Taps a = taps_of(k, stride, pad, dilation, r);
    if (a.taps == 0) continue;
    all.first = found ? min(all.first, a.first) : a.first;
    last = max(found ? last : a.first, a.first + (a.taps - 1) * a.step + 1);
    found = 1;
  }
  if (found) all.taps = last - all.first;
  return all;
}

VOXCL_KERNEL(conv3d) {
  VOXCL_BEGIN
  const int kD = (int)INTEGER(kD), kH = (int)INTEGER(kH), kW = (int)INTEGER(kW);
  const int strideD = (int)INTEGER(strideD), strideH = (int)INTEGER(strideH), strideW = (int)INTEGER(strideW);
  const int padD = (int)INTEGER(padD), padH = (int)INTEGER(padH), padW = (int)INTEGER(padW);
  const int outD = (int)INTEGER(outD), outH = (int)INTEGER(outH), outW = (int)INTEGER(outW);
  const int tileD = (int)INTEGER(tileD), tileH = (int)INTEGER(tileH), tileW = (int)INTEGER(tileW);
  const int inBlocks = (int)INTEGER(inBlocks), outC = (int)INTEGER(outC);
  const int segmentCount = LATE(LATE_SEGMENTS), accumulates = LATE(LATE_ACCUMULATE);
  const int outGroups = ((outC + 15) / 16 + OB - 1) / OB;
  // Positions q: outputs, or the outputs of one residue (strides then step over outputs, not inputs).
  const int residuesD = TRANSPOSED ? strideD : 1, residuesH = TRANSPOSED ? strideH : 1;
  const int residuesW = TRANSPOSED ? strideW : 1;
  const int stepD = TRANSPOSED ? 1 : strideD, stepH = TRANSPOSED ? 1 : strideH;
  const int qD = (outD + residuesD - 1) / residuesD, qH = (outH + residuesH - 1) / residuesH;
  const int qW = (outW + residuesW - 1) / residuesW;
  const int tilesD = (qD + tileD - 1) / tileD, tilesH = (qH + tileH - 1) / tileH,
      tilesW = (qW + tileW - 1) / tileW;
  const int dilD = (int)INTEGER(dilD), dilH = (int)INTEGER(dilH), dilW = (int)INTEGER(dilW);
  const Taps reachD = reach_of(kD, strideD, padD, dilD), reachH = reach_of(kH, strideH, padH, dilH);
  const Taps reachW = reach_of(kW, strideW, padW, dilW);
  Region region;
  region.step = 1;
  region.depth = (tileD - 1) * stepD + reachD.taps;
  const int height = region.height = (tileH - 1) * stepH + reachH.taps, tileRuns = (tileW + T - 1) / T;
  const int width = region.width = (tileRuns * T - 1) * STEP_W + reachW.taps;
  const int plane = PLANES ? plane_of(region.depth * height * width) : region.depth * height * width;
  const int chunk = PLANES ? inBlocks : max(1, WEIGHT_CHUNK / (kD * kH * kW * 256 * OB));
  __global const long* segments = words + SEGMENTS_AT;
  __global float* x = OPERAND(float, slots) + group * INTEGER(slotFloats);
  __global float* waiting = x + inBlocks * (long)plane * 16;  // not where there are planes
  const bool hasStatistics = LATE(LATE_STATISTICS);
  __global uchar* rowValues = (__global uchar*)(x + INTEGER(slotFloats) - 16 * OB * tileRuns * T);
  __global float* scratch = x + INTEGER(slotFloats) - 16 * width - (hasStatistics ? 16 * OB * tileRuns * T : 0);
  __global const float* bias = LATE(LATE_BIAS) ? OPERAND(const float, bias) : 0;
  __global const uchar* mask = LATE(LATE_MASK) ? OPERAND(const uchar, mask) : 0;
  const Sink sink = {OPERAND(uchar, out), mask, OUT_BLOCK == 1, OUT_HALF, accumulates, OUT_ACT, LATE(LATE_MASK), outC,
                     FLOAT(slopeBits), (long)outD * outH * outW, INTEGER(maskVoxels),
                     !accumulates && (long)outD * outH * outW * outC * INTEGER(N) > STREAM_FROM};
  const bool isOnce = PLANES == 0 && segmentCount == 1
      && (TRANSPOSED ? reachD.taps * reachH.taps * reachW.taps == 1 : kD <= strideD && kH <= strideH && kW <= strideW);
  const long tiles = INTEGER(N) * tilesD * tilesH * tilesW;
  const bool fetches = FETCHES(INTEGER(N) * INTEGER(inD) * INTEGER(inH) * INTEGER(inW) * inBlocks * 16);
  // Few tiles: groups share their output blocks too.
  const int parts = (int)min((long)outGroups, max(1L, 2 * groups / tiles));

  for (long task = group * tiles * parts / groups; task < (group + 1) * tiles * parts / groups; task++) {
    const int part = (int)(task % parts);
    const long tile = task / parts, n = tile / ((long)tilesD * tilesH * tilesW);
    const int q0 = (int)(tile / tilesW / tilesH % tilesD) * tileD, q1 = (int)(tile / tilesW % tilesH) * tileH;
    const int q2 = (int)(tile % tilesW) * tileW;
    const int rowsH = min(tileH, qH - q1), rows = min(tileD, qD - q0) * rowsH, columns = min(tileW, qW - q2);
    region.d = q0 * stepD + reachD.first, region.h = q1 * stepH + reachH.first;
    region.w = q2 * STEP_W + reachW.first;
    __global const float* from0 = isOnce ? in_place(&arenas, segments, LATE(LATE_SEGMENT0), n, 0) : 0;
    int rowVoxels = width, rowsOfPlane = height;
    long blockVoxels = plane;
    if (from0) {
      const long D = segments[SEG_sourceD], H = segments[SEG_sourceH], W = segments[SEG_sourceW];
      const int depth = region.d + (rows / rowsH - 1) * stepD + reachD.taps;
      const int high = region.h + (rowsH - 1) * stepH + reachH.taps;
      // Sums that are not stored read beyond a row, but nothing beyond the last one.
      const long last = ((depth - 1 + segments[SEG_cropD]) * H + high - 1 + segments[SEG_cropH]) * W + segments[SEG_cropW];
      const bool isInside = region.d >= 0 && region.h >= 0 && region.w >= 0 && depth <= (int)INTEGER(inD)
          && high <= (int)INTEGER(inH) && region.w + (columns - 1) * STEP_W + reachW.taps <= (int)INTEGER(inW)
          && last + region.w + width <= D * H * W;
      from0 = isInside ? from0 + ((region.d * H + region.h) * W + region.w) * 16 : 0;
      if (isInside) rowVoxels = (int)W, rowsOfPlane = (int)H, blockVoxels = D * H * W;
    }
    __global float* to = x;
    for (int i = 0; i < (from0 ? 0 : segmentCount); i++)
      to = stage(&arenas, segments + i * SEGMENT_WORDS, LATE(LATE_SEGMENT0 + i), PLANES, INTEGER(N), n,
                 (int)INTEGER(inD), (int)INTEGER(inH), (int)INTEGER(inW), region, scratch, to);
    // What the next task stages, asked for along the first pass over this one's runs.
    const long nextTile = (task + 1) / parts;
    const int runs = rows * tileRuns;
    const bool hasNext = fetches && nextTile != tile && task + 1 < (group + 1) * tiles * parts / groups;
    Ahead next = {.boxes = hasNext, .D = (int)INTEGER(inD), .H = (int)INTEGER(inH), .W = (int)INTEGER(inW)};
    next.box[0] = region, next.n[0] = nextTile / ((long)tilesD * tilesH * tilesW);
    next.box[0].d += ((int)(nextTile / tilesW / tilesH % tilesD) * tileD - q0) * stepD;
    next.box[0].h += ((int)(nextTile / tilesW % tilesH) * tileH - q1) * stepH;
    next.box[0].w += ((int)(nextTile % tilesW) * tileW - q2) * STEP_W;
    const int lines = region.depth * height;
    __global const float* phaseWeights = OPERAND(const float, weights);
    for (int phase = 0; phase < residuesD * residuesH * residuesW; phase++) {
      const int rD = phase / residuesW / residuesH, rH = phase / residuesW % residuesH,
          rW = phase % residuesW;
      const Taps a = taps_of(kD, strideD, padD, dilD, rD), b = taps_of(kH, strideH, padH, dilH, rH);
      const Taps c = taps_of(kW, strideW, padW, dilW, rW);
      const int taps = a.taps * b.taps * c.taps;
      __global const float* origin = (from0 ? from0 : x)
          + (((a.first - reachD.first) * rowsOfPlane + b.first - reachH.first) * (long)rowVoxels + c.first - reachW.first)
              * VOXEL;
      for (int og = outGroups * part / parts; og < outGroups * (part + 1) / parts; og++)
        for (int from = 0; from < inBlocks; from += chunk)
          for (int run = 0; run < rows * tileRuns; run++) {
            const int row = run / tileRuns, t0 = run % tileRuns * T, d = row / rowsH, h = row % rowsH;
            const int pD = (q0 + d) * residuesD + rD, pH = (q1 + h) * residuesH + rH;
            const int pW = (q2 + t0) * residuesW + rW;
            if (from == 0 && phase == 0 && og == outGroups * part / parts)
              for (int line = lines * run / runs; line < lines * (run + 1) / runs; line++)
                fetch_line(&arenas, segments, segmentCount, words - 1 - LATE_SEGMENT0, &next, line / height, line % height);
            if (t0 >= columns || pD >= outD || pH >= outH || pW >= outW) continue;
#if LANES
            const Reach reach = {{a.taps, b.taps, c.taps}, {a.step, b.step, c.step}, height, width, plane};
            const __global float* w = phaseWeights + (long)og * inBlocks * taps * 256;
            columns_run(reach, origin + (d * stepD * height + h * stepH) * width + t0 * STEP_W, w, segments, segmentCount,
                        inBlocks, sink, bias, n, 16 * og, ((long)pD * outH + pH) * outW + pW, residuesW,
                        min(min(T, columns - t0), (outW - pW + residuesW - 1) / residuesW));
#else
            __global float* wait = waiting + run * (OB * T * 16);
            float16 acc[OB][T];
            #pragma unroll
            for (int o = 0; o < OB; o++)
              #pragma unroll
              for (int t = 0; t < T; t++) acc[o][t] = from == 0 ? (float16)0.0f : vload16(o * T + t, wait);
            for (int block = from; block < min(from + chunk, inBlocks); block++) {
              const int lanes = block_channels(segments, segmentCount, block);
              __global const float* w = phaseWeights + ((long)og * inBlocks + block) * taps * (OB * 256);
              __global const float* xb = origin + block * blockVoxels * 16
                                       + ((d * stepD * rowsOfPlane + h * stepH) * (long)rowVoxels + t0 * STEP_W) * VOXEL;
              for (int jD = 0; jD < a.taps; jD++)
                for (int jH = 0; jH < b.taps; jH++)
                  for (int jW = 0; jW < c.taps; jW++, w += OB * 256) {
                    __global const float* xt =
                        xb + ((jD * a.step * rowsOfPlane + jH * b.step) * (long)rowVoxels + jW * c.step) * VOXEL;
                    for (int i = 0; i < lanes; i++) {
                      __global const float* xi = xt + i * (PLANAR_INPUT ? plane : 1);
                      float16 wv[OB];
                      #pragma unroll
                      for (int o = 0; o < OB; o++) wv[o] = vload16(i * OB + o, w);
                      #pragma unroll  // one broadcast live at a time: the other way round spills
                      for (int t = 0; t < T; t++) {
                        const float16 xv = xi[t * STEP_W * VOXEL];
                        #pragma unroll
                        for (int o = 0; o < OB; o++) acc[o][t] = fma(xv, wv[o], acc[o][t]);
                      }
                    }
                  }
            }
            float16 sums[OB * T];
            #pragma unroll
            for (int o = 0; o < OB; o++)
              #pragma unroll
              for (int t = 0; t < T; t++) sums[o * T + t] = acc[o][t];
            if (from + chunk < inBlocks)
              for (int i = 0; i < OB * T; i++) put16(sums[i], i, wait);
            else
              for (int o = 0; o < OB && (og * OB + o) * 16 < outC; o++) {
                const int block = og * OB + o, count = min(min(T, columns - t0), (outW - pW + residuesW - 1) / residuesW);
                const float16 b = bias_of(bias, block * 16, lanes_of(outC, block));
                const long row = (long)pD * outH + pH;
                store_voxels(sink, sums + o * T, b, n, block, row * outW + pW, residuesW, count);
                if (!hasStatistics) continue;
                for (int t = 0; t < count; t++)
                  store16(rowValues, (o * columns + t0 + t) * 16, sums[o * T + t] + b, OUT_HALF);
                if (t0 + T >= columns)
                  store_statistics(rowValues, o * columns * 16L, columns, OUT_HALF,
                                   2 * ((n * ((outC + 15) / 16) + block) * outD * outH + row), OPERAND(float, tiles));
              }
#endif
          }
      phaseWeights += (long)outGroups * inBlocks * taps * (OB * 256);
    }
  }
}
