// U = (G⊗G⊗G) w, with one tap along D (G⊗G) w, for every pair of channels, in double, stored as conv3d_winograd
// reads it.

#include "weight_segments.h"
#include "winograd_matrices.h"

#define winograd_weight VOXCL_NAME(winograd_weight)

INLINE double winograd_weight(int m, long row, long column) {
  return m == 4 ? winograd_weight_4[row][column] : winograd_weight_2[row][column];
}
#define G(row, column) winograd_weight(m, row, column)

VOXCL_KERNEL(winograd_weights) {
  const int m = (int)DEFINE(M);
  const int taps_d = (int)DEFINE(KD), last = 9 * taps_d - 1;
  const long n = m + 2, n_d = taps_d == 1 ? 1 : n, OB = INTEGER(outputBlocks), out_channels = INTEGER(outC);
  const long flip = INTEGER(flip);
  const struct channel_segments inputs = {
      INTEGER(segments), {INTEGER(segmentC0), INTEGER(segmentC1), INTEGER(segmentC2), INTEGER(segmentC3)}};
  const long in_blocks = blocks_of_segments(&inputs), out_groups = over(over(out_channels, 16), OB);
  const float *weights = OPERAND(float, weights);
  float *packed = OPERAND(float, packed);
  for (long tile = group; tile < out_groups * in_blocks * 16; tile += groups) {
    const long out_group = tile / (in_blocks * 16), row = tile % (in_blocks * 16);
    const long in = channel_at(&inputs, row / 16, row % 16);
    for (long o = 0; o < 16 * OB; o++) {
      const long out = out_group * 16 * OB + o;
      const int exists = in >= 0 && out < out_channels;
      const float *w = exists ? weights + in * INTEGER(strideIn) + out * INTEGER(strideOut) : 0;
      double along_w[3][3][6], along_h[3][6][6];
      for (long d = 0; exists && d < taps_d; d++) {
        for (long h = 0; h < 3; h++)
          for (long x = 0; x < n; x++) {
            along_w[d][h][x] = 0;
            for (long k = 0; k < 3; k++) {
              const long tap = (d * 3 + h) * 3 + k;
              along_w[d][h][x] += G(x, k) * w[flip ? last - tap : tap];
            }
          }
        for (long y = 0; y < n; y++)
          for (long x = 0; x < n; x++)
            along_h[d][y][x] = G(y, 0) * along_w[d][0][x] + G(y, 1) * along_w[d][1][x]
                + G(y, 2) * along_w[d][2][x];
      }
      for (long z = 0; z < n_d; z++)
        for (long y = 0; y < n; y++)
          for (long x = 0; x < n; x++) {
            double u = 0;
            for (long k = 0; exists && k < taps_d; k++) u += (taps_d == 1 ? 1.0 : G(z, k)) * along_h[k][y][x];
            const long frequency = (z * n + y) * n + x;
            packed[((frequency * out_groups + out_group) * in_blocks * 16 + row) * 16 * OB + o] = (float)u;
          }
    }
  }
}
#undef G
#undef winograd_weight
