// Channels [firstC, firstC + C) of a tensor of outC channels, stored or added: the gradient of a part of a stored
// concatenation. The part need not begin at a block.
#include "voxels.cl"
enum { WORD_out, WORD_g, WORD_N, WORD_C, WORD_wholeC, WORD_firstC, WORD_voxels };
#ifndef G_HALF
#define G_HALF 0
#endif
#ifndef G_BLOCK
#define G_BLOCK 16
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

VOXCL_KERNEL(channel_slice) {
  VOXCL_BEGIN
  __global uchar* out = OPERAND(uchar, out);
  __global const uchar* g = OPERAND(const uchar, g);
  const int channels = (int)INTEGER(C), blocks = (channels + 15) / 16, whole = (int)INTEGER(wholeC);
  const int first = (int)INTEGER(firstC), shift = first % 16;
  const long voxels = INTEGER(voxels), runs = (voxels + RUN - 1) / RUN;
  for (long row = group; row < INTEGER(N) * blocks * runs; row += groups) {
    const long plane = row / runs, n = plane / blocks, begin = row % runs * RUN;
    const int block = (int)(plane % blocks), from = first / 16 + block;
    // Sixteen channels that straddle two blocks of the whole, or lie in one.
    const int has_next = shift > 0 && (from + 1) * 16 < whole;
    for (long v = begin; v < min(begin + RUN, voxels); v++) {
      float lane[32];
      vstore16(block_at(g, G_BLOCK == 1, G_HALF, n, whole, from, voxels, v), 0, lane);
      vstore16(has_next ? block_at(g, G_BLOCK == 1, G_HALF, n, whole, from + 1, voxels, v) : (float16)0.0f, 1, lane);
      put_block(out, BLOCK == 1, OUT_HALF, ACCUMULATE, n, channels, block, voxels, v, vload16(0, lane + shift));
    }
  }
}
