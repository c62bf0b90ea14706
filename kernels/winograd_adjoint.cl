// Winograd's adjoint, which weight gradients are made by: the way in of a tile of output gradients, and that of sums back to
// taps.
#include "winograd.cl"

// A along one axis: M values to P.
#define TRANSFORM_TARGET(x, from, y, to)                                                                    \
  {                                                                                                         \
    const float16 y0 = (x)[0], y1 = (x)[(from)];                                                            \
    if (M >= 4) {                                                                                           \
      const float16 y2 = (x)[2 * (from)], y3 = (x)[3 * (from)];                                             \
      float16 e1 = fma(y2, (float16)0.5625f, y0), o1 = fma(y3, (float16)0.421875f, y1 * 0.75f),             \
              e2 = fma(y2, (float16)2.25f, y0), o2 = fma(y3, (float16)3.375f, y1 * 1.5f), last = y3;        \
      if (M == 5) {                                                                                         \
        last = (x)[(M - 1) * (from)];                                                                       \
        e1 = fma(last, (float16)0.31640625f, e1), e2 = fma(last, (float16)5.0625f, e2);                     \
      }                                                                                                     \
      (y)[0] = y0;                                                                                          \
      (y)[(to)] = e1 + o1;                                                                                  \
      (y)[2 * (to)] = e1 - o1;                                                                              \
      (y)[3 * (to)] = e2 + o2;                                                                              \
      (y)[4 * (to)] = e2 - o2;                                                                              \
      (y)[(P - 1) * (to)] = last;                                                                           \
    } else {                                                                                                \
      (y)[0] = y0;                                                                                          \
      (y)[(to)] = y0 + y1;                                                                                  \
      (y)[2 * (to)] = y0 - y1;                                                                              \
      (y)[3 * (to)] = y1;                                                                                   \
    }                                                                                                       \
  }
// Gᵀ along one axis: P sums to K taps.
#define TRANSFORM_TAPS(x, from, y, to)                                                                      \
  {                                                                                                         \
    const float16 m0 = (x)[0], m1 = (x)[(from)], m2 = (x)[2 * (from)],                                      \
                  m3 = (x)[3 * (from)], s12 = m1 + m2, d12 = m1 - m2;                                       \
    if (M >= 4) {                                                                                           \
      const float16 m4 = (x)[4 * (from)], m5 = (x)[(P - 1) * (from)];                                       \
      const float16 s34 = m3 + m4, d34 = m3 - m4;                                                           \
      (y)[0] = fma(s34, (float16)(32.0f / 243), fma(s12, (float16)(-128.0f / 243), m0 * (64.0f / 81)));     \
      const float16 second = fma(d34, (float16)(16.0f / 81), d12 * (-32.0f / 81));                          \
      (y)[(to)] = M == 5 ? second + m5 : second;                                                            \
      if (M == 4) (y)[(K - 1) * (to)] = fma(s34 - s12, (float16)(8.0f / 27), m5);                           \
    } else {                                                                                                \
      (y)[0] = fma(s12, (float16)0.5f, m0);                                                                 \
      (y)[(to)] = d12 * 0.5f;                                                                               \
      (y)[(K - 1) * (to)] = fma(s12, (float16)0.5f, m3);                                                    \
    }                                                                                                       \
  }

// As columns_in, of B: `x` is [MD·M][width], later [PD·P][width].
static inline void target_columns_in(__global Floats16* x, int width) {
  for (int c = 0; c < width; c++) {
#if KD == 1
    TRANSFORM_TARGET(x + c, width, x + c, width)
#else
    float16 a[M * P];
    for (int d = 0; d < M; d++) TRANSFORM_TARGET(x + d * M * width + c, width, a + d * P, 1)
    for (int h = 0; h < P; h++) TRANSFORM_TARGET(a + h, P, x + h * width + c, P * width)
#endif
  }
}

// As row_in, of B, to Z.
static inline void target_row_in(__global const Floats16* x, int run, __global Floats16* z, long frequency) {
  for (int t = 0; t < run; t++) TRANSFORM_TARGET(x + t * M, 1, z + t, frequency)
}

// One lane's sums, frequencies `frequency` vectors apart, to its taps, 16 vectors apart: all of them, or (M 5) a phase's
// taps of `taps` × `taps` (× `taps`).
VOXCL_ONCE void taps_out(__global const Floats16* sums, long frequency, int taps, int phase, __global Floats16* to) {
  float16 a[PD * P * K];
  for (int i = 0; i < PD * P; i++) TRANSFORM_TAPS(sums + i * P * frequency, frequency, a + i * K, 1)
#if KD == 1
  float16* plane = a;
#else
  float16 plane[P * K * K];
  for (int d = 0; d < P; d++)
    for (int w = 0; w < K; w++) TRANSFORM_TAPS(a + d * P * K + w, K, plane + d * K * K + w, K)
#endif
#if M == 5
  float16 t[K * K * KD];
  for (int i = 0; i < (KD > 1 ? K * K : K); i++) TRANSFORM_TAPS(plane + i, KD > 1 ? K * K : K, t + i, KD > 1 ? K * K : K)
  for (int i = 0; i < K * K * KD; i++) {
    const int d = KD > 1 ? i / 4 * 2 + phase / 4 : 0, h = i / 2 % 2 * 2 + phase / 2 % 2, w = i % 2 * 2 + phase % 2;
    if (d < taps && h < taps && w < taps) to[((d * taps + h) * taps + w) * 16] = t[i];
  }
#elif KD == 1
  for (int w = 0; w < K; w++) TRANSFORM_TAPS(plane + w, K, to + w * 16, K * 16)
#else
  for (int i = 0; i < K * K; i++) TRANSFORM_TAPS(plane + i, K * K, to + i * 16, K * K * 16)
#endif
}
