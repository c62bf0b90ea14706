// What conv3d_grad_weight sums in registers: a tile of B against A at some taps and lanes.
#include "columns.cl"
#include "lanes.cl"

#ifndef TAPS_H
#define TAPS_H 1
#endif
#ifndef TAPS_W
#define TAPS_W 3
#endif
#ifndef A_LANES
#define A_LANES 4
#endif
#ifndef B_BLOCKS
#define B_BLOCKS 2
#endif
#ifndef DILATED
#define DILATED 0
#endif

#define VOXEL (PLANES ? 1 : 16)  // floats from a staged voxel of A to the next

#if !LANES
// Sums over a tile at taps (…, jH, jW) on and lanes from a0 on: `a` points at the first tap's first lane. The
// sums are added to partial[block][tap][16][16] (stored there at first), blocks `blockFloats` apart. Rows of A are
// `width` voxels apart, rows and blocks of B `bRow` and `bPlane` floats.
static inline void sum_tile(__global const float* a, __global const float* b, int rows, int columns, int width, int strideH,
                            int lanePlane, int bRow, long bPlane, bool first, int tapsH, int tapsW, int kW, int lanes,
                            int blocks, long blockFloats, __global float* partial, int dilH, int dilW, const Soon* soon,
                            int call, int calls) {
  const int fromH = DILATED ? dilH : 1, fromW = DILATED ? dilW : 1;  // constants in the common case
  float16 acc[TAPS_H][TAPS_W][A_LANES][B_BLOCKS];
  #pragma unroll
  for (int i = 0; i < TAPS_H * TAPS_W; i++)
    #pragma unroll
    for (int l = 0; l < A_LANES; l++)
      #pragma unroll
      for (int o = 0; o < B_BLOCKS; o++) acc[i / TAPS_W][i % TAPS_W][l][o] = 0.0f;
  for (int h = 0; h < rows; h++) {
    __global const float* ah = a + h * strideH * width * VOXEL;
    __global const float* bh = b + h * bRow;
    if (soon->a.boxes && h % calls == call) fetch_row_of(soon, h, rows);
    for (int w = 0; w < columns; w++) {
      float16 bv[B_BLOCKS];
      #pragma unroll
      for (int o = 0; o < B_BLOCKS; o++) bv[o] = vload16(w, bh + o * bPlane);
      #pragma unroll
      for (int jH = 0; jH < TAPS_H; jH++)
        #pragma unroll
        for (int jW = 0; jW < TAPS_W; jW++)
          #pragma unroll
          for (int l = 0; l < A_LANES; l++) {
            const float16 av =
                ah[(jH * fromH * width + jW * fromW + w * STRIDE_W) * VOXEL + l * (PLANES ? lanePlane : 1)];
            #pragma unroll
            for (int o = 0; o < B_BLOCKS; o++) acc[jH][jW][l][o] = fma(av, bv[o], acc[jH][jW][l][o]);
          }
    }
  }
  #pragma unroll
  for (int jH = 0; jH < TAPS_H; jH++)
    #pragma unroll
    for (int jW = 0; jW < TAPS_W; jW++)
      #pragma unroll
      for (int l = 0; l < A_LANES; l++)
        #pragma unroll
        for (int o = 0; o < B_BLOCKS; o++) {
          __global float* to = partial + o * blockFloats + (jH * kW + jW) * 256 + l * 16;
          if (jH < tapsH && jW < tapsW && l < lanes && o < blocks)
            put16(first ? acc[jH][jW][l][o] : vload16(0, to) + acc[jH][jW][l][o], 0, to);
        }
}

#else
// The same with columns in vectors: `vectors` of them in a row of B, rows `bWidth` floats apart.
static inline void sum_columns(__global const float* a, __global const float* b, int rows, int vectors, int bWidth,
                               int width, int strideH, int lanePlane, int bPlane, bool first, int tapsH, int tapsW,
                               int kW, int lanes, __global float* partial, int dilH, int dilW, const Soon* soon, int call,
                               int calls) {
  const int fromH = DILATED ? dilH : 1, fromW = DILATED ? dilW : 1;
  float16 acc[TAPS_H][TAPS_W][A_LANES][LANES];
  #pragma unroll
  for (int i = 0; i < TAPS_H * TAPS_W; i++)
    #pragma unroll
    for (int l = 0; l < A_LANES; l++)
      #pragma unroll
      for (int o = 0; o < LANES; o++) acc[i / TAPS_W][i % TAPS_W][l][o] = 0.0f;
  for (int h = 0; h < rows; h++) {
    if (soon->a.boxes && h % calls == call) fetch_row_of(soon, h, rows);
    for (int v = 0; v < vectors; v++) {
      float16 bv[LANES];
      #pragma unroll
      for (int o = 0; o < LANES; o++) bv[o] = vload16(v, b + o * bPlane + h * bWidth);
      __global const float* av = a + h * strideH * width + v * 16 * STRIDE_W;
      #pragma unroll
      for (int jH = 0; jH < TAPS_H; jH++)
        #pragma unroll
        for (int jW = 0; jW < TAPS_W; jW++)
          #pragma unroll
          for (int l = 0; l < A_LANES; l++) {
            const float16 x = columns_at(av + jH * fromH * width + jW * fromW + l * lanePlane);
            #pragma unroll
            for (int o = 0; o < LANES; o++) acc[jH][jW][l][o] = fma(x, bv[o], acc[jH][jW][l][o]);
          }
    }
  }
  #pragma unroll
  for (int jH = 0; jH < TAPS_H; jH++)
    #pragma unroll
    for (int jW = 0; jW < TAPS_W; jW++)
      #pragma unroll
      for (int l = 0; l < A_LANES; l++)
        #pragma unroll
        for (int o = 0; o < LANES; o++) {
          __global float* to = partial + (jH * kW + jW) * 256 + l * 16 + o;
          const float sum = sum_of_lanes(acc[jH][jW][l][o]);
          if (jH < tapsH && jW < tapsW && l < lanes) *to = first ? sum : *to + sum;
        }
}
#endif
