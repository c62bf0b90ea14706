// Mean and M2 = Σ(z − mean)² of a chunk, per channel, of the values as they are stored. The second pass finds the chunk
// in the cache.
#include "vector_sums.cl"
#include "lanes.cl"
enum { WORD_z, WORD_partials, WORD_N, WORD_C, WORD_voxels, WORD_chunkVoxels };
#ifndef HALF
#define HALF 0
#endif
#ifndef BLOCK
#define BLOCK 16
#endif

#if BLOCK == 1
static inline float sum_of_run(__global const uchar* z, long element, int count, float mean,
                               const int squared) {
  float sum = sum_of_lanes(sum_of_vectors(z, element, count / 16, mean, squared, HALF));
  for (int i = count / 16 * 16; i < count; i++) {
    const float d = load1(z, element + i, HALF) - mean;
    sum += squared ? d * d : d;
  }
  return sum;
}
#endif

VOXCL_KERNEL(norm_statistics) {
  VOXCL_BEGIN
  __global const uchar* z = OPERAND(const uchar, z);
  __global float* partials = OPERAND(float, partials);
  const int channels = (int)INTEGER(C), blocks = (channels + 15) / 16;
  const long voxels = INTEGER(voxels), chunk_voxels = INTEGER(chunkVoxels);
  const long chunks = (voxels + chunk_voxels - 1) / chunk_voxels, rows = INTEGER(N) * blocks * chunks;
  for (long row = group * rows / groups; row < (group + 1) * rows / groups; row++) {  // one behind the other in memory
    const long plane = row / chunks, first = (row % chunks) * chunk_voxels;
    const int count = (int)min(chunk_voxels, voxels - first);
#if BLOCK == 16
    store_statistics(z, (plane * voxels + first) * 16, count, HALF, 2 * row, partials);
#else
    const long n = plane / blocks;
    const int block = (int)(plane % blocks), lanes = lanes_of(channels, block);
    for (int c = 0; c < 16; c++) {
      float mean = 0.0f, m2 = 0.0f;
      if (c < lanes) {
        const long element = (n * channels + 16 * block + c) * voxels + first;
        mean = sum_of_run(z, element, count, 0.0f, 0) / (float)count;
        m2 = sum_of_run(z, element, count, mean, 1);
      }
      partials[row * 32 + c] = mean;
      partials[row * 32 + 16 + c] = m2;
    }
#endif
  }
}
