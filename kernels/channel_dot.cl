// Σ over the channels of one lazy value, or of the product of two (DOT 1): the gradient of a channel that was
// repeated over all. Channels are added in their order; the result is planar.
#include "voxels.cl"
enum { WORD_out, WORD_N, WORD_C, WORD_D, WORD_H, WORD_W, WORDS };
#ifndef DOT
#define DOT 1
#endif
#ifndef OUT_HALF
#define OUT_HALF 0
#endif
#ifndef ACCUMULATE
#define ACCUMULATE 0
#endif

VOXCL_KERNEL(channel_dot) {
  VOXCL_BEGIN
  __global uchar* out = OPERAND(uchar, out);
  __global const long *a = words + WORDS, *b = a + SEGMENT_WORDS;
  const int channels = (int)INTEGER(C), blocks = (channels + 15) / 16;
  const long samples = INTEGER(N), depth = INTEGER(D), height = INTEGER(H), width = INTEGER(W);
  for (long row = group; row < samples * depth * height; row += groups) {
    const VoxelRow r = voxel_row(row, 1, depth, height);
    for (long w = 0; w < width; w++) {
      float sum = 0.0f;
      for (int block = 0; block < blocks; block++) {
        float16 v = segment_value(&arenas, a, SEGMENT0, samples, r.n, block, r.d, r.h, w);
        if (DOT) v *= segment_value(&arenas, b, SEGMENT1, samples, r.n, block, r.d, r.h, w);
        float lane[16];
        vstore16(v, 0, lane);
        for (int c = 0; c < lanes_of(channels, block); c++) sum += lane[c];
      }
      const long at = (r.n * depth + r.d) * height * width + r.h * width + w;
      store1(out, at, sum + (ACCUMULATE ? load1(out, at, OUT_HALF) : 0.0f), OUT_HALF);
    }
  }
}
