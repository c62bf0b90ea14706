// x > 0 ? x : a·x of a lazy value; SHARED 1: one slope for all channels.
#include "voxels.cl"
enum { WORD_out, WORD_slopes, WORD_N, WORD_C, WORD_D, WORD_H, WORD_W, WORDS };
#ifndef SHARED
#define SHARED 0
#endif
#ifndef OUT_HALF
#define OUT_HALF 0
#endif
#ifndef BLOCK
#define BLOCK 16
#endif

VOXCL_KERNEL(prelu) {
  VOXCL_BEGIN
  __global uchar* out = OPERAND(uchar, out);
  __global const float* slopes = OPERAND(const float, slopes);
  __global const long* s = words + WORDS;
  const int channels = (int)INTEGER(C), blocks = (channels + 15) / 16;
  const long samples = INTEGER(N), depth = INTEGER(D), height = INTEGER(H), width = INTEGER(W);
  for (long row = group; row < samples * blocks * depth * height; row += groups) {
    const VoxelRow r = voxel_row(row, blocks, depth, height);
    const Source source = source_of(&arenas, s, SEGMENT0, samples, r.n, r.block);
    float lane[16];
    for (int c = 0; c < 16; c++)
      lane[c] = c < lanes_of(channels, r.block) ? slopes[SHARED ? 0 : 16 * r.block + c] : 0.0f;
    const float16 slope = vload16(0, lane);
    Walk walk = walk_of(s, SEGMENT0, &source, r.d, r.h, 0);
    for (long w = 0; w < width; w++) {
      const float16 v = walked_at(&arenas, s, SEGMENT0, &source, &walk, samples, r.n, r.block, r.d, r.h, w);
      put_block(out, BLOCK == 1, OUT_HALF, 0, r.n, channels, r.block, depth * height * width,
                (r.d * height + r.h) * width + w, select(v, v * slope, v <= 0.0f));
    }
  }
}
