// Winograd's transform of weights along one axis. G belongs to the points 0, ¾, −¾, 1½, −1½, ∞ (M 4) or 0, 1, −1, ∞ (M 2)
// of Toom-Cook interpolation: row j is (1, a, a²)/Π_{l≠j}(a_j − a_l), the last row picks the highest tap (Lavin & Gray
// 2015; Barabasz et al. 2018). M 5 has the points of M 4, and two taps: kernels of three or four taps and stride 2 are
// sums over their even and their odd taps, phases, of convolutions of two taps and stride 1.

#ifndef M
#define M 4
#endif

// Taps along D: 3 (M 5: 2), or 1 for kernels in the plane, whose tiles are one voxel deep and not transformed along D.
#ifndef KD
#define KD 3
#endif

#define K (M == 5 ? 2 : 3)  // taps along H and W
#define P (M + K - 1)
#define PD (KD > 1 ? P : 1)
#define PHASES (KD > 1 ? 8 : 4)  // M 5: in (D, H, W) order, odd ones last

// Rows of G.
__constant float G[P][K] = {
#if M == 4
  {64.0f / 81, 0.0f, 0.0f}, {-128.0f / 243, -32.0f / 81, -8.0f / 27}, {-128.0f / 243, 32.0f / 81, -8.0f / 27},
  {32.0f / 243, 16.0f / 81, 8.0f / 27}, {32.0f / 243, -16.0f / 81, 8.0f / 27}, {0.0f, 0.0f, 1.0f}
#elif M == 5
  {64.0f / 81, 0.0f}, {-128.0f / 243, -32.0f / 81}, {-128.0f / 243, 32.0f / 81},
  {32.0f / 243, 16.0f / 81}, {32.0f / 243, -16.0f / 81}, {0.0f, 1.0f}
#else
  {1.0f, 0.0f, 0.0f}, {0.5f, 0.5f, 0.5f}, {0.5f, -0.5f, 0.5f}, {0.0f, 0.0f, 1.0f}
#endif
};
// Of two taps, `a` and `c`: `b` is not looked at.
static inline float16 frequency_of(int f, float16 a, float16 b, float16 c) {
  if (K == 2) return fma(c, (float16)G[f][1], a * G[f][0]);
  return fma(b, (float16)G[f][1], fma(c, (float16)G[f][K - 1], a * G[f][0]));
}
// Frequencies f and f + 1, f odd, whose points differ in sign alone: to[0] and to[1].
static inline void frequency_pair(int f, float16 a, float16 b, float16 c, float16* to) {
  const float16 even = K == 2 ? a * G[f][0] : fma(c, (float16)G[f][K - 1], a * G[f][0]), odd = K == 2 ? c : b;
  to[0] = fma(odd, (float16)G[f][1], even);
  to[1] = fma(odd, (float16)-G[f][1], even);
}
// All P of them, of finite taps with the bits of frequency_of.
static inline void frequencies_of(float16 a, float16 b, float16 c, float16* to) {
  to[0] = a * G[0][0];
  #pragma unroll
  for (int f = 1; f < P - 1; f += 2) frequency_pair(f, a, b, c, to + f);
  to[P - 1] = c;
}
