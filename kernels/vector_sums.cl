// Sums of float16 that stand one behind the other, always in the same order.
#include "transpose.cl"

// Σ(z − mean) or, with `squared`, Σ(z − mean)² of `vectors` of them. Four sums hide the latency of the addition.
static inline float16 sum_of_vectors(__global const uchar* z, long element, int vectors, float16 mean, const int squared,
                                     const int half_stored) {
  float16 s0 = 0.0f, s1 = 0.0f, s2 = 0.0f, s3 = 0.0f;
  int i = 0;
  for (; i + 4 <= vectors; i += 4, element += 64) {
    const float16 d0 = load16(z, element, half_stored) - mean, d1 = load16(z, element + 16, half_stored) - mean;
    const float16 d2 = load16(z, element + 32, half_stored) - mean, d3 = load16(z, element + 48, half_stored) - mean;
    s0 += squared ? d0 * d0 : d0;
    s1 += squared ? d1 * d1 : d1;
    s2 += squared ? d2 * d2 : d2;
    s3 += squared ? d3 * d3 : d3;
  }
  for (; i < vectors; i++, element += 16) {
    const float16 d = load16(z, element, half_stored) - mean;
    s0 += squared ? d * d : d;
  }
  return (s0 + s1) + (s2 + s3);
}

// Their mean and M2 = Σ(z − mean)² as vectors `at` and `at` + 1 of `to`. Two passes: Σz² alone would lose every digit where
// the mean is large.
static inline void store_statistics(__global const uchar* z, long element, int vectors, const int half_stored, long at,
                                    __global float* to) {
  const float16 mean = sum_of_vectors(z, element, vectors, 0.0f, 0, half_stored) / (float)vectors;
  vstore16(mean, at, to);
  vstore16(sum_of_vectors(z, element, vectors, mean, 1, half_stored), at + 1, to);
}
