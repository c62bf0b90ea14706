// What Winograd's kernels share: the transform of the input. Points 0, ±¾, ±1½, ∞ (M 4 and 5; fp32 error about 1e-6
// rms, a third of the usual points') or 0, 1, −1, ∞ (M 2).
#include "stage.cl"
#include "winograd_filter.cl"

#define MD (KD > 1 ? M : 1)
#define FREQUENCIES (PD * P * P)

// Bᵀ along one axis: P inputs, `from` vectors apart, to P values, `to` vectors apart.
#define TRANSFORM_IN(x, from, y, to)                                                                        \
  {                                                                                                         \
    const float16 i0 = (x)[0], i1 = (x)[(from)], i2 = (x)[2 * (from)],                                      \
                  i3 = (x)[3 * (from)];                                                                     \
    if (M >= 4) {                                                                                           \
      const float16 i4 = (x)[4 * (from)], i5 = (x)[(P - 1) * (from)];                                       \
      const float16 e3 = fma(i2, (float16)-2.25f, i4), o3 = fma(i1, (float16)-2.25f, i3),                   \
                    e6 = fma(i2, (float16)-0.5625f, i4), o6 = fma(i1, (float16)-0.5625f, i3);               \
      (y)[0] = fma(i0, (float16)1.265625f, fma(i2, (float16)-2.8125f, i4));                                 \
      (y)[(to)] = fma(o3, (float16)0.75f, e3);                                                              \
      (y)[2 * (to)] = fma(o3, (float16)-0.75f, e3);                                                         \
      (y)[3 * (to)] = fma(o6, (float16)1.5f, e6);                                                           \
      (y)[4 * (to)] = fma(o6, (float16)-1.5f, e6);                                                          \
      (y)[(P - 1) * (to)] = fma(i1, (float16)1.265625f, fma(i3, (float16)-2.8125f, i5));                    \
    } else {                                                                                                \
      (y)[0] = i0 - i2;                                                                                     \
      (y)[(to)] = i1 + i2;                                                                                  \
      (y)[2 * (to)] = i2 - i1;                                                                              \
      (y)[3 * (to)] = i3 - i1;                                                                              \
    }                                                                                                       \
  }

// A staged run of tiles, `x` [PD·P][width], of which every `step`th column is taken, transformed in place along H and D, a
// column at a time, so that tiles share the columns they have in common.
static inline void columns_in(__global Floats16* x, int width, const int step) {
  for (int c = 0; c < width; c += step) {
#if KD == 1
    TRANSFORM_IN(x + c, width, x + c, width)
#else
    float16 a[P * P];
    for (int d = 0; d < P; d++) TRANSFORM_IN(x + d * P * width + c, width, a + d * P, 1)
    for (int h = 0; h < P; h++) TRANSFORM_IN(a + h, P, x + h * width + c, P * width)
#endif
  }
}

// A row of it along W to `run` tiles of V, whose frequencies lie `frequency` vectors apart.
static inline void row_in(__global const Floats16* x, const int step, int run, __global Floats16* v, long frequency) {
  for (int t = 0; t < run; t++) TRANSFORM_IN(x + t * M * step, step, v + t, frequency)
}
