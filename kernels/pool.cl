// Maximum (KIND 0) or mean (1: padding counts, 2: it does not) over windows of any stride and padding, of a lazy
// value. Means are summed along W, then H, then D: the sum of a whole volume keeps its digits.
#include "voxels.cl"
enum {
  WORD_out, WORD_N, WORD_C, WORD_inD, WORD_inH, WORD_inW, WORD_outD, WORD_outH, WORD_outW, WORD_windowD,
  WORD_windowH, WORD_windowW, WORD_strideD, WORD_strideH, WORD_strideW, WORD_padD, WORD_padH, WORD_padW, WORDS
};
#ifndef KIND
#define KIND 0
#endif
#ifndef OUT_HALF
#define OUT_HALF 0
#endif
#ifndef BLOCK
#define BLOCK 16
#endif

// The part of a window that lies inside the input: [first, end).
typedef struct { long first, end; } Range;
static inline Range window_of(long at, long window, long stride, long pad, long extent) {
  const long first = at * stride - pad;
  return (Range){max(first, 0L), min(first + window, extent)};
}

VOXCL_KERNEL(pool) {
  VOXCL_BEGIN
  __global uchar* out = OPERAND(uchar, out);
  __global const long* s = words + WORDS;
  const int channels = (int)INTEGER(C), blocks = (channels + 15) / 16;
  const long samples = INTEGER(N), depth = INTEGER(outD), height = INTEGER(outH), width = INTEGER(outW);
  const long whole = INTEGER(windowD) * INTEGER(windowH) * INTEGER(windowW);
  for (long row = group; row < samples * blocks * depth * height; row += groups) {
    const VoxelRow r = voxel_row(row, blocks, depth, height);
    const Source source = source_of(&arenas, s, SEGMENT0, samples, r.n, r.block);
    const Range z = window_of(r.d, INTEGER(windowD), INTEGER(strideD), INTEGER(padD), INTEGER(inD));
    const Range y = window_of(r.h, INTEGER(windowH), INTEGER(strideH), INTEGER(padH), INTEGER(inH));
    for (long w = 0; w < width; w++) {
      const Range x = window_of(w, INTEGER(windowW), INTEGER(strideW), INTEGER(padW), INTEGER(inW));
      float16 result = KIND == 0 ? (float16)-INFINITY : (float16)0.0f;
      for (long i = z.first; i < z.end; i++) {
        float16 plane = 0.0f;
        for (long j = y.first; j < y.end; j++) {
          float16 line = 0.0f;
          for (long k = x.first; k < x.end; k++) {
            const float16 v = mapped_at(&arenas, s, SEGMENT0, &source, samples, r.n, r.block, i, j, k);
            if (KIND == 0) result = select(result, v, v > result || v != v);
            else line += v;
          }
          plane += line;
        }
        if (KIND != 0) result += plane;
      }
      const long count = (z.end - z.first) * (y.end - y.first) * (x.end - x.first);
      if (KIND != 0) result /= (float)(KIND == 1 ? whole : count);
      put_block(out, BLOCK == 1, OUT_HALF, 0, r.n, channels, r.block, depth * height * width,
                (r.d * height + r.h) * width + w, result);
    }
  }
}
