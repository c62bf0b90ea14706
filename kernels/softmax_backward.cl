// Gradient of softmax from its output: p·(g − Σ p·g).
#include "voxels.cl"
enum { WORD_out, WORD_g, WORD_p, WORD_N, WORD_C, WORD_voxels };
#ifndef P_HALF
#define P_HALF 0
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
// Voxels that a group does at a time.
#define RUN 256

VOXCL_KERNEL(softmax_backward) {
  VOXCL_BEGIN
  __global uchar* out = OPERAND(uchar, out);
  __global const uchar *g = OPERAND(const uchar, g), *p = OPERAND(const uchar, p);
  const int channels = (int)INTEGER(C), blocks = (channels + 15) / 16;
  const long voxels = INTEGER(voxels), runs = (voxels + RUN - 1) / RUN;
  for (long row = group; row < INTEGER(N) * runs; row += groups) {
    const long n = row / runs, begin = row % runs * RUN;
    for (long v = begin; v < min(begin + RUN, voxels); v++) {
      float mixed = 0.0f;
      for (int block = 0; block < blocks; block++) {
        float lane[16];
        vstore16(block_at(p, BLOCK == 1, P_HALF, n, channels, block, voxels, v)
                     * block_at(g, BLOCK == 1, G_HALF, n, channels, block, voxels, v), 0, lane);
        for (int c = 0; c < lanes_of(channels, block); c++) mixed += lane[c];
      }
      for (int block = 0; block < blocks; block++)
        put_block(out, BLOCK == 1, OUT_HALF, ACCUMULATE, n, channels, block, voxels, v,
                  block_at(p, BLOCK == 1, P_HALF, n, channels, block, voxels, v)
                      * (block_at(g, BLOCK == 1, G_HALF, n, channels, block, voxels, v) - mixed));
    }
  }
}
