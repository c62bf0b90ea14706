// Canonical weights to conv3d's order: one group of output blocks and one input block of a phase at a time. Zeros where
// input and output belong to different groups of channels.

#include "conv_geometry.h"
#include "weight_segments.h"

VOXCL_KERNEL(pack_weights) {
  const int transposed = (int)INTEGER(transposed);
  const long OB = INTEGER(outputBlocks), out_channels = INTEGER(outC);
  const struct channel_segments inputs = {
      INTEGER(segments), {INTEGER(segmentC0), INTEGER(segmentC1), INTEGER(segmentC2), INTEGER(segmentC3)}};
  const struct axis axes[3] = {{.kernel = INTEGER(kD), .stride = INTEGER(strideD), .pad = INTEGER(padD),
                                .dilation = INTEGER(dilD)},
                               {.kernel = INTEGER(kH), .stride = INTEGER(strideH), .pad = INTEGER(padH),
                                .dilation = INTEGER(dilH)},
                               {.kernel = INTEGER(kW), .stride = INTEGER(strideW), .pad = INTEGER(padW),
                                .dilation = INTEGER(dilW)}};
  const long in_blocks = blocks_of_segments(&inputs), out_groups = over(over(out_channels, 16), OB);
  const long stride_in = INTEGER(strideIn), stride_out = INTEGER(strideOut);
  const float *weights = OPERAND(float, weights);
  float *packed = OPERAND(float, packed);
  const long phases = transposed ? axes[0].stride * axes[1].stride * axes[2].stride : 1;
  for (long p = 0; p < phases; p++) {
    const struct phase_axis d = phase_of(&axes[0], transposed, p / (axes[1].stride * axes[2].stride));
    const struct phase_axis h = phase_of(&axes[1], transposed, p / axes[2].stride % axes[1].stride);
    const struct phase_axis w = phase_of(&axes[2], transposed, p % axes[2].stride);
    const long taps = d.taps * h.taps * w.taps;
    for (long tile = group; tile < out_groups * in_blocks; tile += groups) {
      const long out_group = tile / in_blocks, in_block = tile % in_blocks;
      float *to = packed + tile * taps * 256 * OB;
      for (long tap = 0; tap < taps; tap++) {
        const struct phase_axis *phase[3] = {&d, &h, &w};
        const long j[3] = {tap / (h.taps * w.taps), tap / w.taps % h.taps, tap % w.taps};
        long k[3];
        for (int i = 0; i < 3; i++) k[i] = canonical_tap(phase[i], j[i]);
        const long canonical = (k[0] * axes[1].kernel + k[1]) * axes[2].kernel + k[2];
        for (long lane = 0; lane < 16; lane++) {
          const long in = channel_at(&inputs, in_block, lane);
          for (long o = 0; o < 16 * OB; o++) {
            const long out = out_group * OB * 16 + o;
            const long set = in / INTEGER(groupIn);
            const int joined = set == (out + INTEGER(firstOut)) / INTEGER(groupOut);
            *to++ = in >= 0 && out < out_channels && joined
                        ? weights[in * stride_in + out * stride_out + canonical - set * INTEGER(groupShift)]
                        : 0.0f;
          }
        }
      }
    }
    packed += out_groups * in_blocks * taps * 256 * OB;
  }
}
