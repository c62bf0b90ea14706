// Gradient of prelu: out (+)= g·(z > 0 ? 1 : a) where WRITES is 1, and per chunk Σ of g·z over z ≤ 0, channel by
// channel: step 1 of the slopes' gradient.
#include "voxels.cl"
enum {
  WORD_out, WORD_g, WORD_z, WORD_slopes, WORD_partials, WORD_N, WORD_C, WORD_voxels, WORD_chunkVoxels
};
#ifndef SHARED
#define SHARED 0
#endif
#ifndef WRITES
#define WRITES 1
#endif
#ifndef Z_HALF
#define Z_HALF 0
#endif
#ifndef G_HALF
#define G_HALF 0
#endif
#ifndef OUT_HALF
#define OUT_HALF 0
#endif
#ifndef BLOCK
#define BLOCK 16
#endif
#ifndef ACCUMULATE
#define ACCUMULATE 0
#endif

VOXCL_KERNEL(prelu_backward) {
  VOXCL_BEGIN
#if WRITES
  __global uchar* out = OPERAND(uchar, out);
#endif
  __global const uchar *g = OPERAND(const uchar, g), *z = OPERAND(const uchar, z);
  __global const float* slopes = OPERAND(const float, slopes);
  __global float* partials = OPERAND(float, partials);
  const int channels = (int)INTEGER(C), blocks = (channels + 15) / 16;
  const long samples = INTEGER(N), voxels = INTEGER(voxels), chunk_voxels = INTEGER(chunkVoxels);
  const long chunks = (voxels + chunk_voxels - 1) / chunk_voxels;
  for (long row = group; row < samples * blocks * chunks; row += groups) {
    const long plane = row / chunks, n = plane / blocks, first = row % chunks * chunk_voxels;
    const int block = (int)(plane % blocks);
    float lane[16];
    for (int c = 0; c < 16; c++)
      lane[c] = c < lanes_of(channels, block) ? slopes[SHARED ? 0 : 16 * block + c] : 0.0f;
    const float16 slope = vload16(0, lane);
    float16 sum = 0.0f;
    for (long v = first; v < min(first + chunk_voxels, voxels); v++) {
      const float16 gs = block_at(g, BLOCK == 1, G_HALF, n, channels, block, voxels, v);
      const float16 zs = block_at(z, BLOCK == 1, Z_HALF, n, channels, block, voxels, v);
      sum += select((float16)0.0f, gs * zs, zs <= 0.0f);
#if WRITES
      put_block(out, BLOCK == 1, OUT_HALF, ACCUMULATE, n, channels, block, voxels, v,
                select(gs, gs * slope, zs <= 0.0f));
#endif
    }
    vstore16(sum, row, partials);
    (void)slope;
  }
}
