// Winograd's transform of weights along one axis. G belongs to the points 0, ¾, −¾, 1½, −1½, ∞ (M 4) or 0, 1, −1, ∞ (M 2)
// of Toom-Cook interpolation: row j is (1, a, a²)/Π_{l≠j}(a_j − a_l), the last row picks the highest tap (Lavin & Gray
// 2015; Barabasz et al. 2018).

#ifndef M
#define M 4
#endif

// Taps along D: 3, or 1 for kernels in the plane, whose tiles are one voxel deep and not transformed along D.
#ifndef KD
#define KD 3
#endif

#define P (M + 2)
#define PD (KD == 3 ? P : 1)

// Rows of G.
__constant float G[P][3] = {
#if M == 4
  {64.0f / 81, 0.0f, 0.0f}, {-128.0f / 243, -32.0f / 81, -8.0f / 27}, {-128.0f / 243, 32.0f / 81, -8.0f / 27},
  {32.0f / 243, 16.0f / 81, 8.0f / 27}, {32.0f / 243, -16.0f / 81, 8.0f / 27}, {0.0f, 0.0f, 1.0f}
#else
  {1.0f, 0.0f, 0.0f}, {0.5f, 0.5f, 0.5f}, {0.5f, -0.5f, 0.5f}, {0.0f, 0.0f, 1.0f}
#endif
};
static inline float16 frequency_of(int f, float16 a, float16 b, float16 c) {
  return fma(b, (float16)G[f][1], fma(c, (float16)G[f][2], a * G[f][0]));
}
// Frequencies f and f + 1, f odd, whose points differ in sign alone: to[0] and to[1].
static inline void frequency_pair(int f, float16 a, float16 b, float16 c, float16* to) {
  const float16 even = fma(c, (float16)G[f][2], a * G[f][0]);
  to[0] = fma(b, (float16)G[f][1], even);
  to[1] = fma(b, (float16)-G[f][1], even);
}
// All P of them, of finite taps with the bits of frequency_of.
static inline void frequencies_of(float16 a, float16 b, float16 c, float16* to) {
  to[0] = a * G[0][0];
  #pragma unroll
  for (int f = 1; f < P - 1; f += 2) frequency_pair(f, a, b, c, to + f);
  to[P - 1] = c;
}
