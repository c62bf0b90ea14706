// Sum or product of two lazy values, the second one's only channel repeated over all where WIDENS is 1.
#include "voxels.cl"
enum { WORD_out, WORD_N, WORD_C, WORD_D, WORD_H, WORD_W, WORDS };
#ifndef MULTIPLY
#define MULTIPLY 1
#endif
#ifndef WIDENS
#define WIDENS 0
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

VOXCL_KERNEL(combine) {
  VOXCL_BEGIN
  __global uchar* out = OPERAND(uchar, out);
  __global const long *a = words + WORDS, *b = a + SEGMENT_WORDS;
  const int channels = (int)INTEGER(C), blocks = (channels + 15) / 16;
  const long samples = INTEGER(N), depth = INTEGER(D), height = INTEGER(H), width = INTEGER(W);
  const long voxels = depth * height * width;
  const bool streams = samples * channels * voxels > STREAM_FROM;
  const long rows = samples * blocks * depth * height;
  for (long row = group * rows / groups; row < (group + 1) * rows / groups; row++) {  // one behind the other in memory
    const VoxelRow r = voxel_row(row, blocks, depth, height);
    const int other = WIDENS ? 0 : r.block;
    const Source first = source_of(&arenas, a, SEGMENT0, samples, r.n, r.block);
    const Source second = source_of(&arenas, b, SEGMENT1, samples, r.n, other);
    Walk one = walk_of(a, SEGMENT0, &first, r.d, r.h, 0), two = walk_of(b, SEGMENT1, &second, r.d, r.h, 0);
    for (long w = 0; w < width; w++) {
      const float16 x = walked_at(&arenas, a, SEGMENT0, &first, &one, samples, r.n, r.block, r.d, r.h, w);
      float16 y = walked_at(&arenas, b, SEGMENT1, &second, &two, samples, r.n, other, r.d, r.h, w);
      if (WIDENS) y = (float16)y.s0;
      const float16 v = MULTIPLY ? x * y : x + y;
      const long voxel = (r.d * height + r.h) * width + w;
      if (BLOCK == 1 || ACCUMULATE) {
        put_block(out, BLOCK == 1, OUT_HALF, ACCUMULATE, r.n, channels, r.block, voxels, voxel, v);
        continue;
      }
      const float16 existing = select((float16)0.0f, v, LANE_IDS < lanes_of(channels, r.block));
      stream16(out, ((r.n * blocks + r.block) * voxels + voxel) * 16, existing, OUT_HALF, streams);
    }
  }
}
