// What Winograd's kernels share: the transform of the input. Points 0, ±¾, ±1½, ∞ (M 4; fp32 error about 1e-6
// rms, a third of the usual points') or 0, 1, −1, ∞ (M 2).
#include "stage.cl"
#include "winograd_filter.cl"

#define MD (KD == 3 ? M : 1)
#define FREQUENCIES (PD * P * P)

// Bᵀ along one axis: P inputs, `from` vectors apart, to P values, `to` vectors apart.
#define TRANSFORM_IN(x, from, y, to)                                                                        \
  {                                                                                                         \
    const float16 i0 = (x)[0], i1 = (x)[(from)], i2 = (x)[2 * (from)],                                      \
                  i3 = (x)[3 * (from)];                                                                     \
    if (M == 4) {                                                                                           \
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

// A staged block's tile to V: `x` is its first voxel of rows of `width`; frequencies lie `frequency` vectors
// apart.
static inline void tile_in(__global const Floats16* x, int width, __global Floats16* v, long frequency) {
  float16 a[FREQUENCIES];
  for (int i = 0; i < PD * P; i++) TRANSFORM_IN(x + i * width, 1, a + i * P, 1)
#if KD == 1
  for (int w = 0; w < P; w++) TRANSFORM_IN(a + w, P, v + w * frequency, P * frequency)
#else
  for (int d = 0; d < P; d++)
    for (int w = 0; w < P; w++) {
      float16* line = a + d * P * P + w;
      TRANSFORM_IN(line, P, line, P)
    }
  for (int i = 0; i < P * P; i++) TRANSFORM_IN(a + i, P * P, v + i * frequency, P * P * frequency)
#endif
}
