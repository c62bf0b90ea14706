// 16×16 values change rows and columns in registers. On x86 that is a tenth of the instructions of moving each value;
// GPUs have other registers.
#include "segment.cl"

#if defined(__x86_64__) && defined(__clang__)
#define TRANSPOSES
// v[i][j] = v[j][i], by steps that are one instruction each: pairs of lanes of two rows, twice, then quarters of vectors.
static inline void transpose16(float16* v) {
#define LOW_LANES(a, b) __builtin_shufflevector(a, b, 0, 16, 1, 17, 4, 20, 5, 21, 8, 24, 9, 25, 12, 28, 13, 29)
#define HIGH_LANES(a, b) __builtin_shufflevector(a, b, 2, 18, 3, 19, 6, 22, 7, 23, 10, 26, 11, 27, 14, 30, 15, 31)
#define LOW_PAIRS(a, b) __builtin_shufflevector(a, b, 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29)
#define HIGH_PAIRS(a, b) __builtin_shufflevector(a, b, 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31)
#define EVEN_QUARTERS(a, b) __builtin_shufflevector(a, b, 0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27)
#define ODD_QUARTERS(a, b) __builtin_shufflevector(a, b, 4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30, 31)
  #pragma unroll
  for (int i = 0; i < 16; i += 4) {  // quarter q of row i + j: column 4q + j of rows i … i + 3
    const float16 a = LOW_LANES(v[i], v[i + 1]), b = HIGH_LANES(v[i], v[i + 1]);
    const float16 c = LOW_LANES(v[i + 2], v[i + 3]), d = HIGH_LANES(v[i + 2], v[i + 3]);
    v[i] = LOW_PAIRS(a, c), v[i + 1] = HIGH_PAIRS(a, c), v[i + 2] = LOW_PAIRS(b, d), v[i + 3] = HIGH_PAIRS(b, d);
  }
  #pragma unroll
  for (int j = 0; j < 4; j++) {
    const float16 a = EVEN_QUARTERS(v[j], v[4 + j]), b = ODD_QUARTERS(v[j], v[4 + j]);
    const float16 c = EVEN_QUARTERS(v[8 + j], v[12 + j]), d = ODD_QUARTERS(v[8 + j], v[12 + j]);
    v[j] = EVEN_QUARTERS(a, c), v[8 + j] = ODD_QUARTERS(a, c);
    v[4 + j] = EVEN_QUARTERS(b, d), v[12 + j] = ODD_QUARTERS(b, d);
  }
#undef LOW_LANES
#undef HIGH_LANES
#undef LOW_PAIRS
#undef HIGH_PAIRS
#undef EVEN_QUARTERS
#undef ODD_QUARTERS
}
#endif
