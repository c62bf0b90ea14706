// 16×16 values change rows and columns in registers. On x86 that is a tenth of the instructions of moving each value;
// GPUs have other registers.
#include "segment.cl"

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
