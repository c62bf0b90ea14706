// Gradient of pool, as a gather: an input voxel visits the windows that hold it. KIND 0: it takes the gradient of
// those whose first maximum (first NaN, where there is one) it is, which is looked for again.
#include "voxels.cl"
enum {
  WORD_gIn, WORD_g, WORD_N, WORD_C, WORD_inD, WORD_inH, WORD_inW, WORD_outD, WORD_outH, WORD_outW, WORD_windowD,
  WORD_windowH, WORD_windowW, WORD_strideD, WORD_strideH, WORD_strideW, WORD_padD, WORD_padH, WORD_padW, WORDS
};
#ifndef KIND
#define KIND 0
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

typedef struct { long first, end; } Range;
static inline Range window_of(long at, long window, long stride, long pad, long extent) {
  const long first = at * stride - pad;
  return (Range){max(first, 0L), min(first + window, extent)};
}
// Windows that hold an input index.
static inline Range holders_of(long at, long window, long stride, long pad, long count) {
  const long low = at + pad - window + 1;
  return (Range){low <= 0 ? 0 : (low + stride - 1) / stride, min((at + pad) / stride + 1, count)};
}

VOXCL_KERNEL(pool_backward) {
  VOXCL_BEGIN
  __global uchar* out = OPERAND(uchar, gIn);
  __global const uchar* g = OPERAND(const uchar, g);
  const int channels = (int)INTEGER(C), blocks = (channels + 15) / 16;
  const long samples = INTEGER(N), depth = INTEGER(inD), height = INTEGER(inH), width = INTEGER(inW);
  const long outD = INTEGER(outD), outH = INTEGER(outH), outW = INTEGER(outW);
  for (long row = group; row < samples * blocks * depth * height; row += groups) {
    const VoxelRow r = voxel_row(row, blocks, depth, height);
#if KIND == 0
    __global const long* s = words + WORDS;
    const Source source = source_of(&arenas, s, SEGMENT0, samples, r.n, r.block);
#endif
    const Range ds = holders_of(r.d, INTEGER(windowD), INTEGER(strideD), INTEGER(padD), outD);
    const Range hs = holders_of(r.h, INTEGER(windowH), INTEGER(strideH), INTEGER(padH), outH);
    for (long w = 0; w < width; w++) {
      const Range ws = holders_of(w, INTEGER(windowW), INTEGER(strideW), INTEGER(padW), outW);
      float16 sum = 0.0f;
      for (long d = ds.first; d < ds.end; d++) {
        const Range z = window_of(d, INTEGER(windowD), INTEGER(strideD), INTEGER(padD), depth);
        for (long h = hs.first; h < hs.end; h++) {
          const Range y = window_of(h, INTEGER(windowH), INTEGER(strideH), INTEGER(padH), height);
          for (long v = ws.first; v < ws.end; v++) {
            const Range x = window_of(v, INTEGER(windowW), INTEGER(strideW), INTEGER(padW), width);
            const float16 gradient = block_at(g, BLOCK == 1, G_HALF, r.n, channels, r.block, outD * outH * outW,
                                              (d * outH + h) * outW + v);
#if KIND == 0
            float16 best = -INFINITY;
            int16 ours = 0;
            for (long i = z.first; i < z.end; i++)
              for (long j = y.first; j < y.end; j++)
                for (long k = x.first; k < x.end; k++) {
                  const float16 value = mapped_at(&arenas, s, SEGMENT0, &source, samples, r.n, r.block, i, j, k);
                  const int is_first = i == z.first && j == y.first && k == x.first;
                  const int16 wins = is_first ? (int16)-1 : (value > best) | ((value != value) & (best == best));
                  best = select(best, value, wins);
                  ours = select(ours, (int16)(i == r.d && j == r.h && k == w ? -1 : 0), wins);
                }
            sum += select((float16)0.0f, gradient, ours);
#else
            const long whole = INTEGER(windowD) * INTEGER(windowH) * INTEGER(windowW);
            const long count = (z.end - z.first) * (y.end - y.first) * (x.end - x.first);
            sum += gradient / (float)(KIND == 1 ? whole : count);
#endif
          }
        }
      }
      put_block(out, BLOCK == 1, OUT_HALF, ACCUMULATE, r.n, channels, r.block, depth * height * width,
                (r.d * height + r.h) * width + w, sum);
    }
  }
}
