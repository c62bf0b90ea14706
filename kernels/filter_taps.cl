// Filters of 3×3×3 taps, which lie one behind the other, as vectors of sixteen filters, and back: 16×16 values at a time
// in registers. On x86 that is a tenth of the instructions of moving each value; GPUs have other registers.
#include "segment.cl"

#define FILTER_TAPS 27
#if defined(__x86_64__)
#define TRANSPOSES
// v[i][j] = v[j][i]: blocks of `bit` lanes change places with the row `bit` further.
static inline void transpose16(float16* v) {
#define TRANSPOSE_STEP(bit, first, second)                       \
  _Pragma("unroll") for (int i = 0; i < 8; i++) {                \
    const int r = i / (bit) * 2 * (bit) + i % (bit);             \
    const float16 a = v[r], b = v[r + (bit)];                    \
    v[r] = (float16)first;                                       \
    v[r + (bit)] = (float16)second;                              \
  }
  TRANSPOSE_STEP(8, (a.lo, b.lo), (a.hi, b.hi))
  TRANSPOSE_STEP(4, (a.s0123, b.s0123, a.s89ab, b.s89ab), (a.s4567, b.s4567, a.scdef, b.scdef))
  TRANSPOSE_STEP(2, (a.s01, b.s01, a.s45, b.s45, a.s89, b.s89, a.scd, b.scd),
                 (a.s23, b.s23, a.s67, b.s67, a.sab, b.sab, a.sef, b.sef))
  TRANSPOSE_STEP(1, (a.s0, b.s0, a.s2, b.s2, a.s4, b.s4, a.s6, b.s6, a.s8, b.s8, a.sa, b.sa, a.sc, b.sc, a.se, b.se),
                 (a.s1, b.s1, a.s3, b.s3, a.s5, b.s5, a.s7, b.s7, a.s9, b.s9, a.sb, b.sb, a.sd, b.sd, a.sf, b.sf))
#undef TRANSPOSE_STEP
}
#endif

// Filters `stride` apart, the first at `from`, to lane[tap]; lanes from `count` on are zeros.
static inline void load_filters(__global const float* from, long stride, int count, float16* lane) {
#ifdef TRANSPOSES
  if (count == 16) {
    for (int k0 = 0; k0 <= FILTER_TAPS - 16; k0 += FILTER_TAPS - 16) {
      float16 v[16];
      for (int l = 0; l < 16; l++) v[l] = *(__global const Floats16*)(from + l * stride + k0);
      transpose16(v);
      for (int k = 0; k < 16; k++) lane[k0 + k] = v[k];
    }
    return;
  }
#endif
  for (int l = 0; l < 16; l++)
    for (int k = 0; k < FILTER_TAPS; k++) ((float*)lane)[k * 16 + l] = l < count ? from[l * stride + k] : 0.0f;
}

// Adds lane[tap] to `count` filters `stride` apart, the first at `to`.
static inline void add_to_filters(const float16* lane, __global float* to, long stride, int count) {
#ifdef TRANSPOSES
  if (count == 16) {
    for (int k0 = 0; k0 <= FILTER_TAPS - 16; k0 += FILTER_TAPS - 16) {
      float16 v[16];
      for (int k = 0; k < 16; k++) v[k] = k0 && k0 + k < 16 ? (float16)0.0f : lane[k0 + k];  // each tap once
      transpose16(v);
      for (int l = 0; l < 16; l++) *(__global Floats16*)(to + l * stride + k0) += v[l];
    }
    return;
  }
#endif
  for (int l = 0; l < count; l++)
    for (int k = 0; k < FILTER_TAPS; k++) to[l * stride + k] += ((const float*)lane)[k * 16 + l];
}
