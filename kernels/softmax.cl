// Softmax over the channels of a lazy value.
#include "voxels.cl"
enum { WORD_out, WORD_N, WORD_C, WORD_D, WORD_H, WORD_W, WORDS };
#ifndef OUT_HALF
#define OUT_HALF 0
#endif
#ifndef BLOCK
#define BLOCK 16
#endif

VOXCL_KERNEL(softmax) {
  VOXCL_BEGIN
  __global uchar* out = OPERAND(uchar, out);
  __global const long* s = words + WORDS;
  const int channels = (int)INTEGER(C), blocks = (channels + 15) / 16;
  const long samples = INTEGER(N), depth = INTEGER(D), height = INTEGER(H), width = INTEGER(W);
  for (long row = group; row < samples * depth * height; row += groups) {
    const VoxelRow r = voxel_row(row, 1, depth, height);
    for (long w = 0; w < width; w++) {
      float highest = -INFINITY, total = 0.0f, lane[16];
      for (int block = 0; block < blocks; block++) {
        vstore16(segment_value(&arenas, s, SEGMENT0, samples, r.n, block, r.d, r.h, w), 0, lane);
        for (int c = 0; c < lanes_of(channels, block); c++) highest = max(highest, lane[c]);
      }
      for (int block = 0; block < blocks; block++) {
        vstore16(exp(segment_value(&arenas, s, SEGMENT0, samples, r.n, block, r.d, r.h, w) - highest), 0, lane);
        for (int c = 0; c < lanes_of(channels, block); c++) total += lane[c];
      }
      for (int block = 0; block < blocks; block++)
        put_block(out, BLOCK == 1, OUT_HALF, 0, r.n, channels, block, depth * height * width,
                  (r.d * height + r.h) * width + w,
                  exp(segment_value(&arenas, s, SEGMENT0, samples, r.n, block, r.d, r.h, w) - highest) / total);
    }
  }
}
