// Σ (g / lossScale)² and the number of non-finite values of each chunk of the flat gradient.

#include "scalars.h"

VOXCL_KERNEL(gradient_norm) {
  const long count = INTEGER(count), chunk_floats = INTEGER(chunkVoxels), chunks = over(count, chunk_floats);
  const float *gradient = OPERAND(float, gradient);
  float *partials = OPERAND(float, partials);
  const float scale = OPERAND(float, scalars)[SCALAR_lossScale];
  for (long chunk = group; chunk < chunks; chunk += groups) {
    const long end = least(count, (chunk + 1) * chunk_floats);
    double sum[8] = {0};  // interleaved, so that the additions overlap
    long non_finite = 0;
    for (long i = chunk * chunk_floats; i < end; i++) {
      const double g = (double)(gradient[i] / scale);
      sum[i % 8] += g * g;
      non_finite += !isfinite(gradient[i]);
    }
    partials[2 * chunk] = (float)(((sum[0] + sum[1]) + (sum[2] + sum[3]))
        + ((sum[4] + sum[5]) + (sum[6] + sum[7])));
    partials[2 * chunk + 1] = (float)non_finite;
  }
}
