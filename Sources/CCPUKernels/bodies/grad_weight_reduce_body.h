// Sums the partitions of the weight gradient, in partition order, into the canonical gradient.

#include "weight_segments.h"

VOXCL_KERNEL(grad_weight_reduce) {
  const struct channel_segments a = {INTEGER(aSegments),
                                     {INTEGER(aC0), INTEGER(aC1), INTEGER(aC2), INTEGER(aC3)}};
  const struct channel_segments b = {INTEGER(bSegments),
                                     {INTEGER(bC0), INTEGER(bC1), INTEGER(bC2), INTEGER(bC3)}};
  const long a_blocks = blocks_of_segments(&a), b_blocks = blocks_of_segments(&b), taps = INTEGER(taps);
  const long partitions = INTEGER(partitions), stride_a = INTEGER(strideA), stride_b = INTEGER(strideB);
  const float *partials = OPERAND(float, partials);
  float *gradient = OPERAND(float, gradient);
  const long partition_floats = a_blocks * b_blocks * taps * 256;
  for (long tile = group; tile < a_blocks * b_blocks; tile += groups) {
    for (long tap = 0; tap < taps; tap++) {
      for (long i = 0; i < 16; i++) {
        const long channel_a = channel_at(&a, tile / b_blocks, i);
        if (channel_a < 0) continue;
        v16 sum = splat16(0);
        const float *from = partials + (tile * taps + tap) * 256 + 16 * i;
        for (long p = 0; p < partitions; p++) sum += load16(from + p * partition_floats, 0, 0);
        for (long j = 0; j < 16; j++) {
          const long channel_b = channel_at(&b, tile % b_blocks, j);
          const long set = channel_a / INTEGER(groupA);
          if (channel_b < 0 || channel_b / INTEGER(groupB) != set) continue;
          gradient[channel_a * stride_a + channel_b * stride_b + tap - set * INTEGER(groupShift)] += sum[j];
        }
      }
    }
  }
}
