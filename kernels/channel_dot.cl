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
  const long rows = samples * depth * height;
  for (long row = group * rows / groups; row < (group + 1) * rows / groups; row++) {  // one behind the other in memory
    const VoxelRow r = voxel_row(row, 1, depth, height);
    for (long w = 0; w < width; w += 16) {
      const int count = (int)min(16L, width - w);
      float sums[16] = {0.0f};
      for (int block = 0; block < blocks; block++) {
        const int lanes = lanes_of(channels, block);
        const Source first = source_of(&arenas, a, SEGMENT0, samples, r.n, block);
        Walk one = walk_of(a, SEGMENT0, &first, r.d, r.h, w);
#if DOT
        const Source second = source_of(&arenas, b, SEGMENT1, samples, r.n, block);
        Walk two = walk_of(b, SEGMENT1, &second, r.d, r.h, w);
#endif
#ifdef TRANSPOSES
        float16 columns[16];
        for (int i = count; i < 16; i++) columns[i] = 0.0f;
#endif
        for (int i = 0; i < count; i++) {
          float16 v = walked_at(&arenas, a, SEGMENT0, &first, &one, samples, r.n, block, r.d, r.h, w + i);
#if DOT
          v *= walked_at(&arenas, b, SEGMENT1, &second, &two, samples, r.n, block, r.d, r.h, w + i);
#endif
#ifdef TRANSPOSES
          columns[i] = v;
#else
          float lane[16];
          vstore16(v, 0, lane);
          for (int c = 0; c < lanes; c++) sums[i] += lane[c];
#endif
        }
#ifdef TRANSPOSES
        transpose16(columns);
        float16 sum = vload16(0, sums);
        for (int c = 0; c < lanes; c++) sum += columns[c];
        vstore16(sum, 0, sums);
#endif
      }
      const long at = (r.n * depth + r.d) * height * width + r.h * width + w;
      for (int i = 0; i < count; i++)
        store1(out, at + i, sums[i] + (ACCUMULATE ? load1(out, at + i, OUT_HALF) : 0.0f), OUT_HALF);
    }
  }
}
