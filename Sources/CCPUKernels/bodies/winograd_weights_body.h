// U = (G⊗G⊗G) w, with one tap along D (G⊗G) w, for every pair of channels, in double, stored as conv3d_winograd
// reads it.

#include "weight_segments.h"
#include "winograd_matrices.h"

#define winograd_weight VOXCL_NAME(winograd_weight)
#define winograd_tap VOXCL_NAME(winograd_tap)

INLINE double winograd_weight(int m, long row, long column) {
  if (m == 5) return winograd_weight_5[row][column];
  return m == 4 ? winograd_weight_4[row][column] : winograd_weight_2[row][column];
}
// Tap (d, h, x) of a kernel in the order in which it meets the input, or of one of its phases; those of which there are
// `all` along an axis, and no more, exist.
INLINE double winograd_tap(int m, int taps_d, int all, long phase, long flip, int last, long d, long h, long x,
    const float *w) {
  const long tap = (d * 3 + h) * 3 + x;
  if (m != 5) return w[flip ? last - tap : tap];
  const long z = taps_d == 1 ? 0 : 2 * (flip ? 1 - d : d) + phase / 4, y = 2 * (flip ? 1 - h : h) + phase / 2 % 2;
  const long v = 2 * (flip ? 1 - x : x) + phase % 2;
  return z < all && y < all && v < all ? w[(z * all + y) * all + v] : 0.0;
}
#define G(row, column) winograd_weight(m, row, column)

VOXCL_KERNEL(winograd_weights) {
  const int m = (int)DEFINE(M);
  const int taps_d = (int)DEFINE(KD), k = AXIS_TAPS(m), all = m == 5 ? (int)INTEGER(kH) : 3, last = 9 * taps_d - 1;
  const long phases = m != 5 ? 1 : taps_d > 1 ? 8 : 4;
  const long n = POINTS(m), n_d = taps_d == 1 ? 1 : n, OB = INTEGER(outputBlocks), out_channels = INTEGER(outC);
  const long flip = INTEGER(flip);
  const struct channel_segments inputs = {
      INTEGER(segments), {INTEGER(segmentC0), INTEGER(segmentC1), INTEGER(segmentC2), INTEGER(segmentC3)}};
  const long in_blocks = blocks_of_segments(&inputs), out_groups = over(over(out_channels, 16), OB);
  const float *weights = OPERAND(float, weights);
  float *packed = OPERAND(float, packed);
  for (long visit = group; visit < phases * out_groups * in_blocks * 16; visit += groups) {
    const long phase = visit % phases, tile = visit / phases;
    const long out_group = tile / (in_blocks * 16), row = tile % (in_blocks * 16);
    // Phases of the input are inside of a block, those of the output outside of all.
    const long block_at = flip ? (phase * out_groups + out_group) * in_blocks + row / 16
                               : (out_group * in_blocks + row / 16) * phases + phase;
    const long in = channel_at(&inputs, row / 16, row % 16);
    for (long o = 0; o < 16 * OB; o++) {
      const long out = out_group * 16 * OB + o;
      const int exists = in >= 0 && out < out_channels;
      const float *w = exists ? weights + in * INTEGER(strideIn) + out * INTEGER(strideOut) : 0;
      double along_w[3][3][6], along_h[3][6][6];
      for (long d = 0; exists && d < taps_d; d++) {
        for (long h = 0; h < k; h++)
          for (long x = 0; x < n; x++) {
            along_w[d][h][x] = 0;
            for (long i = 0; i < k; i++)
              along_w[d][h][x] += G(x, i) * winograd_tap(m, taps_d, all, phase, flip, last, d, h, i, w);
          }
        for (long y = 0; y < n; y++)
          for (long x = 0; x < n; x++) {
            along_h[d][y][x] = 0;
            for (long i = 0; i < k; i++) along_h[d][y][x] += G(y, i) * along_w[d][i][x];
          }
      }
      for (long z = 0; z < n_d; z++)
        for (long y = 0; y < n; y++)
          for (long x = 0; x < n; x++) {
            double u = 0;
            for (long i = 0; exists && i < taps_d; i++) u += (taps_d == 1 ? 1.0 : G(z, i)) * along_h[i][y][x];
            const long frequency = (z * n + y) * n + x;
            packed[((frequency * phases * out_groups * in_blocks + block_at) * 16 + row % 16) * 16 * OB + o] = (float)u;
          }
    }
  }
}
#undef G
#undef winograd_weight
#undef winograd_tap
