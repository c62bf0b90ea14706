// Sums of a convolution with a planar output: LANES channels at once, a vector sixteen columns of one of them. With
// vectors of channels a class map of two would make sixteen, and go through registers to its planes.
#include "columns.cl"

#ifndef T
#define T 12
#endif

#define VECTORS (T / 16)  // of a run's columns

// Taps per axis and the steps from one to the next, and the staged region: [channel][d][height][width], planes apart by
// `plane`.
typedef struct { int taps[3], step[3], height, width, plane; } Reach;

#if LANES
// Output channels [channel, channel + 16) at the run that starts at `x`, the first tap's first column, with the weights
// `w` of [inBlock][tap][16][16]; stored from `voxel` on, `count` voxels in steps of `step`.
static inline void columns_run(const Reach r, __global const float* x, __global const float* w,
                               __global const long* segments, int segmentCount, int inBlocks, Sink sink,
                               __global const float* bias, long n, int channel, long voxel, int step, int count) {
  const int taps = r.taps[0] * r.taps[1] * r.taps[2], end = min(sink.channels, channel + 16);
  for (int first = channel; first < end; first += LANES) {
    float16 acc[LANES][VECTORS];
    #pragma unroll
    for (int i = 0; i < LANES * VECTORS; i++) acc[i / VECTORS][i % VECTORS] = 0.0f;
    __global const float* xb = x;
    for (int block = 0; block < inBlocks; block++) {
      const int lanes = block_channels(segments, segmentCount, block);
      __global const float* wt = w + (long)block * taps * 256 + (first - channel);
      for (int jD = 0; jD < r.taps[0]; jD++)
        for (int jH = 0; jH < r.taps[1]; jH++)
          for (int jW = 0; jW < r.taps[2]; jW++, wt += 256) {
            __global const float* xt =
                xb + (jD * r.step[0] * r.height + jH * r.step[1]) * r.width + jW * r.step[2];
            for (int i = 0; i < lanes; i++) {
              float16 xv[VECTORS];
              #pragma unroll
              for (int v = 0; v < VECTORS; v++) xv[v] = columns_at(xt + (long)i * r.plane + v * 16 * STEP_W);
              #pragma unroll
              for (int c = 0; c < LANES; c++) {
                const float16 wv = wt[i * 16 + c];
                #pragma unroll
                for (int v = 0; v < VECTORS; v++) acc[c][v] = fma(xv[v], wv, acc[c][v]);
              }
            }
          }
      xb += (long)lanes * r.plane;
    }
    #pragma unroll
    for (int c = 0; c < LANES; c++)
      #pragma unroll
      for (int v = 0; v < VECTORS; v++)
        if (first + c < end && v * 16 < count)
          store_columns(sink, acc[c][v], bias ? bias[first + c] : 0.0f, n, first + c, voxel + v * 16 * step, step,
                        count - v * 16);
  }
}
#endif
