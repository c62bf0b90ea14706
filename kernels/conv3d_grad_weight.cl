// Weight gradient, its partial sums (KernelCatalog.convGradWeight). A task is a partition of B's depth rows,
// a block of A and B_BLOCKS blocks of B. It walks tiles of tileH × tileW voxels of B; within a tile along
// depth, with the spanD planes of A that a depth row needs in a ring, so that each plane of A is staged once.
// Then TAPS_H·TAPS_W·A_LANES·B_BLOCKS float16 sums stay in registers over the tile's voxels, and are added to
// the partials: short chains keep the error of fp32 sums small. The order of the sums depends on tileH, tileW
// and partitions, which are functions of shape alone. Floats of a slot (GradWeightTiling.swift has the same
// formula), of which planar A needs less of the first part:
//   (spanD·height·width + 31)·16 + tileH·tileW·B_BLOCKS·16 + 16·width
//   spanD = (kD − 1)·dilD + 1, height = (tileH − 1)·strideH + (⌈kH/TAPS_H⌉·TAPS_H − 1)·dilH + 1, width likewise.
// A_LANES divides 16. Lanes, taps and blocks that do not exist are summed over what stands there, and dropped.
// SUMS: tasks of A's first block leave Σ of B over the partition too, [partition][bBlock][16].
// B, and an A that no two taps read, need no staging where they are stored as they are read (in_place, stage.cl).
// B planar with up to 8 channels: LANES is their number, vectors hold sixteen columns, and their lanes are added up at a
// tile's end. Both are staged as planes then, and tileW is a multiple of 16 where it is not all of a row. A slot has
// (⌈·⌉ to a multiple of what stands behind it; plane_of: stage.cl)
//   plane_of(spanD·height·width)·⌈most lanes of a block of A⌉A_LANES + plane_of(tileH·⌈tileW⌉16)·LANES + 16·width,
//   width of ⌈tileW⌉16.
#include "grad_weight_sums.cl"

enum {
  WORD_partials, WORD_sums, WORD_slots,
  WORD_N, WORD_aD, WORD_aH, WORD_aW, WORD_bD, WORD_bH, WORD_bW, WORD_aBlocks, WORD_bBlocks, WORD_kD, WORD_kH,
  WORD_kW, WORD_strideD, WORD_strideH, WORD_strideW, WORD_padD, WORD_padH, WORD_padW, WORD_dilD, WORD_dilH, WORD_dilW,
  WORD_partitions,
  WORD_tileH, WORD_tileW, WORD_slotFloats, SEGMENTS_AT
};

enum { LATE_A_SEGMENTS, LATE_SUMS, LATE_SEGMENTS, LATE_SEGMENT0 };

VOXCL_KERNEL(conv3d_grad_weight) {
  VOXCL_BEGIN
  const int kD = (int)INTEGER(kD), kH = (int)INTEGER(kH), kW = (int)INTEGER(kW), taps = kD * kH * kW;
  const int strideD = (int)INTEGER(strideD), strideH = (int)INTEGER(strideH);
  const int padD = (int)INTEGER(padD), padH = (int)INTEGER(padH), padW = (int)INTEGER(padW);
  const int aD = (int)INTEGER(aD), aH = (int)INTEGER(aH), aW = (int)INTEGER(aW);
  const int bD = (int)INTEGER(bD), bH = (int)INTEGER(bH), bW = (int)INTEGER(bW);
  const int aBlocks = (int)INTEGER(aBlocks), bBlocks = (int)INTEGER(bBlocks);
  const int bGroups = (bBlocks + B_BLOCKS - 1) / B_BLOCKS;
  const int tileH = (int)INTEGER(tileH), tileW = (int)INTEGER(tileW);
  const long partitions = INTEGER(partitions), rows = INTEGER(N) * bD;
  __global const long* segments = words + SEGMENTS_AT;
  const int dilD = DILATED ? (int)INTEGER(dilD) : 1, dilH = DILATED ? (int)INTEGER(dilH) : 1;
  const int dilW = DILATED ? (int)INTEGER(dilW) : 1, spanD = (kD - 1) * dilD + 1;
  const int height = (tileH - 1) * strideH + ((kH + TAPS_H - 1) / TAPS_H * TAPS_H - 1) * dilH + 1;
  const int bWidth = LANES ? (tileW + 15) / 16 * 16 : tileW;
  const int width = (bWidth - 1) * STRIDE_W + ((kW + TAPS_W - 1) / TAPS_W * TAPS_W - 1) * dilW + 1;
  const int layer = height * width, lanePlane = PLANES ? plane_of(spanD * layer) : spanD * layer;
  const int bPlane = LANES ? plane_of(tileH * bWidth) : tileH * tileW * 16;
  __global float* a = OPERAND(float, slots) + group * INTEGER(slotFloats);
  int most = 0;  // lanes of a block of A
  for (int s = 0; s < LATE(LATE_A_SEGMENTS); s++) most = max(most, min(16, (int)segments[s * SEGMENT_WORDS + SEG_channels]));
  const int planes = PLANES ? (most + A_LANES - 1) / A_LANES * A_LANES : 16;
  __global float* b = a + lanePlane * planes;
  __global float* scratch = a + INTEGER(slotFloats) - 16 * width;

  __global Floats16* bSums = LATE(LATE_SUMS) ? OPERAND(Floats16, sums) : 0;
  // No two taps read the same, and none what is not there.
  const bool isOnce = PLANES + DILATED == 0 && kD == 1 && kH <= strideH && kW <= STRIDE_W && kH % TAPS_H == 0
      && kW % TAPS_W == 0 && padD == 0 && padH == 0 && padW == 0 && (bD - 1) * strideD < aD
      && (bH - 1) * strideH + kH <= aH && (bW - 1) * STRIDE_W + kW <= aW;
  const bool fetches = FETCHES(INTEGER(N) * aD * aH * aW * aBlocks * 16);
  const long tasks = partitions * aBlocks * bGroups;
  for (long task = group * tasks / groups; task < (group + 1) * tasks / groups; task++) {
    const int bGroup = (int)(task % bGroups), aBlock = (int)(task / bGroups % aBlocks);
    const long partition = task / bGroups / aBlocks;
    const int blocks = min(B_BLOCKS, bBlocks - bGroup * B_BLOCKS);
    const long rowFrom = partition * rows / partitions, rowTo = (partition + 1) * rows / partitions;
    const long blockFloats = taps * 256L;
    __global float* partial = OPERAND(float, partials)
                            + ((partition * aBlocks + aBlock) * bBlocks + bGroup * B_BLOCKS) * blockFloats;
    int inA = aBlock;
    const int segmentA = segment_of(segments, 0, &inA);
    const int lanes = lanes_of((int)segments[segmentA * SEGMENT_WORDS + SEG_channels], inA);
    __global const long* sourceA = segments + segmentA * SEGMENT_WORDS;
    int firstInB = bGroup * B_BLOCKS;
    const int firstOfB = segment_of(segments, LATE(LATE_A_SEGMENTS), &firstInB);
    __global const long* sourceB = segments + firstOfB * SEGMENT_WORDS;
    const bool isOneSource = LANES == 0 && blocks == B_BLOCKS && 16 * (firstInB + blocks) < (int)sourceB[SEG_channels] + 16;
    bool first = true;
    for (int h0 = 0; h0 < bH; h0 += tileH)
      for (int w0 = 0; w0 < bW; w0 += tileW) {
        const int tileRows = min(tileH, bH - h0), columns = min(tileW, bW - w0);
        int next = 0;  // first depth of A that is not staged yet
        for (long row = rowFrom; row < rowTo; row++) {
          const long n = row / bD;
          const int d = (int)(row % bD), depth = d * strideD - padD;
          if (row == rowFrom || d == 0) next = depth;
          __global const float *aFrom = 0, *bFrom = 0;
          int aWidth = width, bRow = columns * 16;
          long bStep = bPlane;
          if (isOnce) aFrom = in_place(&arenas, sourceA, LATE(LATE_SEGMENT0 + segmentA), n, inA);
          if (isOneSource) bFrom = in_place(&arenas, sourceB, LATE(LATE_SEGMENT0 + firstOfB), n, firstInB);
          if (aFrom) {
            aWidth = (int)sourceA[SEG_sourceW], next = depth + 1;
            aFrom += ((depth * sourceA[SEG_sourceH] + h0 * strideH) * aWidth + w0 * STRIDE_W) * 16;
          } else {
            aFrom = a;
          }
          const bool isStored = bFrom != 0;
          if (isStored) {
            bRow = (int)sourceB[SEG_sourceW] * 16, bStep = sourceB[SEG_sourceD] * sourceB[SEG_sourceH] * bRow;
            bFrom += (d * sourceB[SEG_sourceH] + h0) * bRow + w0 * 16;
          } else {
            bFrom = b;
          }
          for (int z = max(next, depth); z < depth + spanD; z++) {
            Region r;
            r.d = z, r.h = h0 * strideH - padH, r.w = w0 * STRIDE_W - padW;
            r.depth = 1, r.height = height, r.width = width, r.step = 1;
            __global float* to = a + (z + spanD * padD) % spanD * layer * VOXEL;
            stage_block(&arenas, segments + segmentA * SEGMENT_WORDS, LATE(LATE_SEGMENT0 + segmentA), PLANES,
                        INTEGER(N), n, inA, aD, aH, aW, r, lanePlane, scratch, to);
          }
          next = depth + spanD;
          for (int o = 0; o < blocks; o++) {
            Region r;
            r.d = d, r.h = h0, r.w = w0, r.depth = 1, r.height = tileRows, r.width = LANES ? bWidth : columns, r.step = 1;
            int inB = bGroup * B_BLOCKS + o;
            const int segmentB = segment_of(segments, LATE(LATE_A_SEGMENTS), &inB);
            if (!isStored)
              stage_block(&arenas, segments + segmentB * SEGMENT_WORDS, LATE(LATE_SEGMENT0 + segmentB), LANES > 0,
                          INTEGER(N), n, inB, bD, bH, bW, r, bPlane, scratch, b + o * bPlane);
            if (bSums == 0 || aBlock > 0) continue;
            __global Floats16* sums = bSums + partition * bBlocks + bGroup * B_BLOCKS + o;
#if LANES
            for (int c = 0; c < 16; c++) {
              const float16 all = sum_of_staged(b + c * bPlane, c < LANES ? tileRows * bWidth / 16 : 0);
              __global float* sum = (__global float*)sums + c;
              *sum = first ? sum_of_lanes(all) : *sum + sum_of_lanes(all);
            }
#else
            float16 sum = 0.0f;
            for (int h = 0; h < tileRows; h++) sum += sum_of_staged(bFrom + o * bStep + h * bRow, columns);
            *sums = first ? sum : *sums + sum;
#endif
          }
          Soon soon = {&arenas, segments, words - 1 - LATE_SEGMENT0,
                       {.boxes = fetches && row + 1 < rowTo && d + 1 < bD, .D = aD, .H = aH, .W = aW},
                       {.boxes = 1, .D = bD, .H = bH, .W = bW},
                       segmentA, inA, LATE(LATE_A_SEGMENTS), bGroup * B_BLOCKS, blocks};
          soon.a.box[0] = (Region){max(next, depth + strideD), h0 * strideH - padH, w0 * STRIDE_W - padW,
                                   min(strideD, spanD), height, width, 1};
          soon.b.box[0] = (Region){d + 1, h0, w0, 1, tileRows, columns, 1};
          soon.a.n[0] = soon.b.n[0] = n;
          // Of the sums over a tile each asks for a share of the next row's rows.
          const int calls =
              kD * ((kH + TAPS_H - 1) / TAPS_H) * ((kW + TAPS_W - 1) / TAPS_W) * ((lanes + A_LANES - 1) / A_LANES);
          int call = 0;
          for (int jD = 0; jD < kD; jD++)
            for (int jH = 0; jH < kH; jH += TAPS_H)
              for (int jW = 0; jW < kW; jW += TAPS_W)
                for (int l = 0; l < lanes; l += A_LANES) {
                  const int at = (depth + jD * dilD + spanD * padD) % spanD * layer + jH * dilH * aWidth + jW * dilW;
                  __global const float* from = aFrom + at * VOXEL + l * (PLANES ? lanePlane : 1);
                  __global float* to = partial + (((jD * kH) + jH) * kW + jW) * 256 + l * 16;
#if LANES
                  sum_columns(from, b, tileRows, (columns + 15) / 16, bWidth, width, strideH, lanePlane, bPlane, first,
                              kH - jH, kW - jW, kW, lanes - l, to, dilH, dilW, &soon, call++, calls);
#else
                  sum_tile(from, bFrom, tileRows, columns, aWidth, strideH, lanePlane, bRow, bStep, first, kH - jH,
                           kW - jW, kW, lanes - l, blocks, blockFloats, to, dilH, dilW, &soon, call++, calls);
#endif
                }
          first = false;
        }
      }
  }
}
