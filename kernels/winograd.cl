// What Winograd's kernels share: the transform of the input. Points 0, ±¾, ±1½, ∞ (M 4; fp32 error about 1e-6
// rms, a third of the usual points') or 0, 1, −1, ∞ (M 2).
#ifndef M
#define M 4
#endif

#define P (M + 2)

// Bᵀ along one axis: P inputs, `from` floats apart, to P values, `to` floats apart.
#define TRANSFORM_IN(x, from, y, to)                                                                        \
  {                                                                                                         \
    const float16 i0 = vload16(0, (x)), i1 = vload16(0, (x) + (from)), i2 = vload16(0, (x) + 2 * (from)),   \
                  i3 = vload16(0, (x) + 3 * (from));                                                        \
    if (M == 4) {                                                                                           \
      const float16 i4 = vload16(0, (x) + 4 * (from)), i5 = vload16(0, (x) + (P - 1) * (from));             \
      const float16 e3 = fma(i2, (float16)-2.25f, i4), o3 = fma(i1, (float16)-2.25f, i3),                   \
                    e6 = fma(i2, (float16)-0.5625f, i4), o6 = fma(i1, (float16)-0.5625f, i3);               \
      vstore16(fma(i0, (float16)1.265625f, fma(i2, (float16)-2.8125f, i4)), 0, (y));                        \
      vstore16(fma(o3, (float16)0.75f, e3), 0, (y) + (to));                                                 \
      vstore16(fma(o3, (float16)-0.75f, e3), 0, (y) + 2 * (to));                                            \
      vstore16(fma(o6, (float16)1.5f, e6), 0, (y) + 3 * (to));                                              \
      vstore16(fma(o6, (float16)-1.5f, e6), 0, (y) + 4 * (to));                                             \
      vstore16(fma(i1, (float16)1.265625f, fma(i3, (float16)-2.8125f, i5)), 0, (y) + (P - 1) * (to));       \
    } else {                                                                                                \
      vstore16(i0 - i2, 0, (y));                                                                            \
      vstore16(i1 + i2, 0, (y) + (to));                                                                     \
      vstore16(i2 - i1, 0, (y) + 2 * (to));                                                                 \
      vstore16(i3 - i1, 0, (y) + 3 * (to));                                                                 \
    }                                                                                                       \
  }

// A staged block's tile to V: `x` is its first voxel of rows of `width`; frequencies lie `frequency` floats
// apart.
static inline void tile_in(__global const float* x, int width, __global float* v, long frequency) {
  float a[P * P * P * 16];
  for (int i = 0; i < P * P; i++) TRANSFORM_IN(x + i * width * 16, 16, a + i * P * 16, 16)
  for (int d = 0; d < P; d++)
    for (int w = 0; w < P; w++) {
      float* line = a + (d * P * P + w) * 16;
      TRANSFORM_IN(line, P * 16, line, P * 16)
    }
  for (int i = 0; i < P * P; i++) TRANSFORM_IN(a + i * 16, P * P * 16, v + i * frequency, P * P * frequency)
}
