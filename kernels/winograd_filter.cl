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
  return fma(c, (float16)G[f][2], fma(b, (float16)G[f][1], a * G[f][0]));
}
