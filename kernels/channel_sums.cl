// Sums of a gradient over the voxels of a chunk, one per channel: step 1 of a transposed convolution's bias gradient.
#include "segment.cl"
#include "lanes.cl"
enum { WORD_g, WORD_partials, WORD_N, WORD_C, WORD_voxels, WORD_chunkVoxels };
#ifndef HALF
#define HALF 0
#endif
#ifndef BLOCK
#define BLOCK 16
#endif

// Σ of `vectors` float16 that stand one behind the other. Four sums hide the latency of the addition.
static inline float16 sum_of_vectors(__global const uchar* g, long element, int vectors) {
  float16 s0 = 0.0f, s1 = 0.0f, s2 = 0.0f, s3 = 0.0f;
  int i = 0;
  for (; i + 4 <= vectors; i += 4, element += 64) {
    s0 += load16(g, element, HALF);
    s1 += load16(g, element + 16, HALF);
    s2 += load16(g, element + 32, HALF);
    s3 += load16(g, element + 48, HALF);
  }
  for (; i < vectors; i++, element += 16) s0 += load16(g, element, HALF);
  return (s0 + s1) + (s2 + s3);
}

VOXCL_KERNEL(channel_sums) {
  VOXCL_BEGIN
  __global const uchar* g = OPERAND(const uchar, g);
  __global float* partials = OPERAND(float, partials);
  const int channels = (int)INTEGER(C), blocks = (channels + 15) / 16;
  const long voxels = INTEGER(voxels), chunk_voxels = INTEGER(chunkVoxels);
  const long chunks = (voxels + chunk_voxels - 1) / chunk_voxels, rows = INTEGER(N) * blocks * chunks;
  for (long row = group * rows / groups; row < (group + 1) * rows / groups; row++) {  // one behind the other in memory
    const long plane = row / chunks, first = (row % chunks) * chunk_voxels;
    const int count = (int)min(chunk_voxels, voxels - first);
#if BLOCK == 16
    vstore16(sum_of_vectors(g, (plane * voxels + first) * 16, count), row, partials);
#else
    const long n = plane / blocks;
    const int block = (int)(plane % blocks), lanes = lanes_of(channels, block);
    for (int c = 0; c < 16; c++) {
      float sum = 0.0f;
      if (c < lanes) {
        const long element = (n * channels + 16 * block + c) * voxels + first;
        sum = sum_of_lanes(sum_of_vectors(g, element, count / 16));
        for (int i = count / 16 * 16; i < count; i++) sum += load1(g, element + i, HALF);
      }
      partials[row * 16 + c] = sum;
    }
#endif
  }
}
