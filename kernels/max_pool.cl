// Maximum over windows that do not overlap, of a lazy value.
#include "segment.cl"
enum {
  WORD_out, WORD_N, WORD_C, WORD_inD, WORD_inH, WORD_inW, WORD_outD, WORD_outH, WORD_outW, WORD_windowD,
  WORD_windowH, WORD_windowW, WORDS
};
#ifndef OUT_HALF
#define OUT_HALF 0
#endif
#ifndef BLOCK
#define BLOCK 16
#endif

// The segment's value at a voxel of the input. `source` holds what all voxels of the channel block share.
static inline float16 value_at(const Arenas* arenas, __global const long* s, const Source* source, long batch,
                               long n, int block, long d, long h, long w) {
  if (SEGMENT_MAP(SEGMENT0) == 2) return segment_value(arenas, s, SEGMENT0, batch, n, block, d, h, w);
  if (SEGMENT_MAP(SEGMENT0) == 1) d /= s[SEG_factorD], h /= s[SEG_factorH], w /= s[SEG_factorW];
  else d += s[SEG_cropD], h += s[SEG_cropH], w += s[SEG_cropW];
  return source_at(source, SEGMENT0, (d * source->H + h) * source->W + w);
}

// −1 in the lanes where v takes the place of the maximum so far: it is larger, or the first NaN.
static inline int16 surpasses(float16 v, float16 best) { return (v > best) | ((v != v) & (best == best)); }

static inline void store_lanes(__global uchar* to, long plane, long voxel, long voxels, int lanes,
                               float16 v) {
#if BLOCK == 16
  store16(to, (plane * voxels + voxel) * 16, v, OUT_HALF);
#else
  float lane[16];
  vstore16(v, 0, lane);
  for (int c = 0; c < lanes; c++) store1(to, (plane + c) * voxels + voxel, lane[c], OUT_HALF);
#endif
}

VOXCL_KERNEL(max_pool) {
  VOXCL_BEGIN
  __global uchar* out = OPERAND(uchar, out);
  __global const long* segment = words + WORDS;
  const int channels = (int)INTEGER(C), blocks = (channels + 15) / 16;
  const long samples = INTEGER(N), outD = INTEGER(outD), outH = INTEGER(outH), outW = INTEGER(outW);
  const int windowD = (int)INTEGER(windowD), windowH = (int)INTEGER(windowH), windowW = (int)INTEGER(windowW);
  const long rows = samples * blocks * outD * outH;
  for (long row = group * rows / groups; row < (group + 1) * rows / groups; row++) {  // one behind the other in memory
    const long h = row % outH, d = row / outH % outD, plane = row / (outH * outD), n = plane / blocks;
    const int block = (int)(plane % blocks), lanes = lanes_of(channels, block);
    const Source source = source_of(&arenas, segment, SEGMENT0, samples, n, block);
    for (long w = 0; w < outW; w++) {
      float16 best = -INFINITY;
      for (int i = 0; i < windowD; i++)
        for (int j = 0; j < windowH; j++)
          for (int k = 0; k < windowW; k++) {
            const float16 v = value_at(&arenas, segment, &source, samples, n, block, d * windowD + i,
                                       h * windowH + j, w * windowW + k);
            best = select(best, v, surpasses(v, best));
          }
      store_lanes(out, BLOCK == 16 ? plane : n * channels + 16 * block, (d * outH + h) * outW + w,
                  outD * outH * outW, lanes, best);
    }
  }
}
