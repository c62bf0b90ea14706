// Gradient of a maximum over windows: it goes to each window's first maximum, which is looked for again. A
// group writes all input voxels of a row of windows, so that nothing needs to be cleared before. MASK: with what stands
// there it goes on through the activation whose outputs the windows' values are (1 relu, 2 leaky relu).
#include "segment.cl"
enum {
  WORD_gIn, WORD_g, WORD_N, WORD_C, WORD_inD, WORD_inH, WORD_inW, WORD_outD, WORD_outH, WORD_outW,
  WORD_windowD, WORD_windowH, WORD_windowW, WORD_slopeBits, WORDS
};
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
#ifndef MASK
#define MASK 0
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

// A channel block at a voxel of a gradient; `plane` is the block's, or (planar) the first channel's.
static inline float16 load_lanes(__global const uchar* from, long plane, long voxel, long voxels, int lanes,
                                 const int half_stored) {
#if BLOCK == 16
  return load16(from, (plane * voxels + voxel) * 16, half_stored);
#else
  float lane[16];
  for (int c = 0; c < 16; c++)
    lane[c] = c < lanes ? load1(from, (plane + c) * voxels + voxel, half_stored) : 0.0f;
  return vload16(0, lane);
#endif
}
// z: the activation's outputs.
static inline void write_lanes(__global uchar* to, long plane, long voxel, long voxels, int lanes, float16 v, float16 z,
                               float slope) {
  if (ACCUMULATE) v += load_lanes(to, plane, voxel, voxels, lanes, OUT_HALF);
  if (MASK) v = select(v, MASK == 2 ? v * slope : (float16)0.0f, z <= 0.0f);
#if BLOCK == 16
  store16(to, (plane * voxels + voxel) * 16, v, OUT_HALF);
#else
  float lane[16];
  vstore16(v, 0, lane);
  for (int c = 0; c < lanes; c++) store1(to, (plane + c) * voxels + voxel, lane[c], OUT_HALF);
#endif
}

VOXCL_KERNEL(max_pool_backward) {
  VOXCL_BEGIN
  __global uchar* out = OPERAND(uchar, gIn);
  __global const uchar* g = OPERAND(const uchar, g);
  __global const long* segment = words + WORDS;
  const int channels = (int)INTEGER(C), blocks = (channels + 15) / 16;
  const long samples = INTEGER(N), inD = INTEGER(inD), inH = INTEGER(inH), inW = INTEGER(inW);
  const long outD = INTEGER(outD), outH = INTEGER(outH), outW = INTEGER(outW);
  const int windowD = (int)INTEGER(windowD), windowH = (int)INTEGER(windowH), windowW = (int)INTEGER(windowW);
  // Cells: the windows, and what is left of them beyond the last that fits.
  const long cellsD = (inD + windowD - 1) / windowD, cellsH = (inH + windowH - 1) / windowH;
  const long cellsW = (inW + windowW - 1) / windowW;
  const long rows = samples * blocks * cellsD * cellsH;
  for (long row = group * rows / groups; row < (group + 1) * rows / groups; row++) {  // one behind the other in memory
    const long h = row % cellsH, d = row / cellsH % cellsD, plane = row / (cellsH * cellsD);
    const long n = plane / blocks;
    const int block = (int)(plane % blocks), lanes = lanes_of(channels, block);
    const long stored = BLOCK == 16 ? plane : n * channels + 16 * block;
    const Source source = source_of(&arenas, segment, SEGMENT0, samples, n, block);
    const int depth = (int)min((long)windowD, inD - d * windowD);
    const int height = (int)min((long)windowH, inH - h * windowH);
    for (long w = 0; w < cellsW; w++) {
      const int width = (int)min((long)windowW, inW - w * windowW);
      const int is_window = d < outD && h < outH && w < outW;
      if (ACCUMULATE > MASK && !is_window) continue;  // a mask is for all voxels
      float16 best = -INFINITY, gradient = 0.0f;
      int16 chosen = 0;
      if (is_window) {
        gradient = load_lanes(g, stored, (d * outH + h) * outW + w, outD * outH * outW, lanes, G_HALF);
        for (int i = 0, at = 0; i < windowD; i++)
          for (int j = 0; j < windowH; j++)
            for (int k = 0; k < windowW; k++, at++) {
              const float16 v = value_at(&arenas, segment, &source, samples, n, block, d * windowD + i,
                                         h * windowH + j, w * windowW + k);
              const int16 is_better = surpasses(v, best);
              best = select(best, v, is_better);
              chosen = select(chosen, (int16)at, is_better);
            }
      }
      for (int i = 0; i < depth; i++)
        for (int j = 0; j < height; j++)
          for (int k = 0; k < width; k++) {
            const int at = (i * windowH + j) * windowW + k;
            const long voxel = ((d * windowD + i) * inH + h * windowH + j) * inW + w * windowW + k;
            const float16 z = !MASK ? (float16)0.0f
                                    : value_at(&arenas, segment, &source, samples, n, block, d * windowD + i,
                                               h * windowH + j, w * windowW + k);
            write_lanes(out, stored, voxel, inD * inH * inW, lanes, select((float16)0.0f, gradient, chosen == at), z,
                        FLOAT(slopeBits));
          }
    }
  }
}
